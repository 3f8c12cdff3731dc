"""The pipeline on the cluster: raw data brought to it, a Job started from the chart's template, its log followed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from cluster.kind import Cluster
from cluster.models import FIRST, Model
from ratchet.core.errors import UserError

T = TypeVar("T")

RAW = "s3://ratchet/raw"
TOOLBOX = FIRST.toolbox
_ACTOR = "RATCHET_ACTOR"
_LONGEST_USER = 150  # the ledger's column has 200
_JOB_START_SECONDS = 120.0
_JOB_END_SECONDS = 60.0  # after its log
# in the toolbox, whose image has Python and no tar or unzip
_FOLDER = "set -e; d=$(mktemp -d); trap 'rm -rf $d' EXIT"
# all of its input is read first: kubectl waits for ever on a program that ends with some of it unread
_EXTRACT = "import io, sys, zipfile; zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())).extractall(sys.argv[1])"
_UNPACK = f"{_FOLDER}; python -c '{_EXTRACT}' $d"


def start_job(cluster: Cluster, arguments: list[str], model: Model = FIRST, template: str = "", what: str = "run") -> str:
    """Start a Job of the template of one of the model's CronJobs, by default that of its runs, with other arguments; its name."""
    cluster, name = model.on(cluster), f"{model.name}-{what}-{uuid.uuid4().hex[:8]}"
    made = cluster.kubectl("create", "job", name, f"--from={template or model.pipeline}", "--dry-run=client", "--output", "json")
    job: dict[str, Any] = json.loads(made)
    container = job["spec"]["template"]["spec"]["containers"][0]
    container["args"] = arguments
    if who := _acting_user(cluster):
        others = [item for item in container.get("env", []) if item["name"] != _ACTOR]
        container["env"] = [*others, {"name": _ACTOR, "value": who}]
    cluster.kubectl("create", "--filename", "-", stdin=json.dumps(job).encode())
    return name


def _acting_user(cluster: Cluster) -> str:
    """Who asks, as the API server calls him, for the ledger; empty where it does not say (before Kubernetes 1.28)."""
    try:
        name = cluster.kubectl("auth", "whoami", "--output", "jsonpath={.status.userInfo.username}").strip()
    except UserError:
        return ""
    return f"{name[:_LONGEST_USER]} (kubectl)" if name else ""


def follow(cluster: Cluster, job: str, model: Model = FIRST) -> int:
    """Show the Job's log until it ends; its exit code. Raises UserError when its pod does not start."""
    cluster = model.on(cluster)

    def pod() -> dict[str, Any] | None:
        pods = cluster.read("pods", selector=f"job-name={job}")["items"]
        started = [pod for pod in pods if pod["status"]["phase"] != "Pending"]
        return started[0] if started else None

    found = _waited_for(pod, _JOB_START_SECONDS)
    if found is None:
        pods = cluster.read("pods", selector=f"job-name={job}")["items"]
        told = [c.get("message", "") for pod in pods for c in pod["status"].get("conditions", []) if c["status"] == "False"]
        why = next(filter(None, told), "")
        message = (
            f"the pod of job {job} did not start within {_JOB_START_SECONDS:.0f} s ({why or 'kubectl describe job tells why'})"
        )
        raise UserError(message)
    name = found["metadata"]["name"]
    subprocess.run([*cluster.kubectl_command(), "logs", "--follow", name], check=False)  # noqa: S603 - kubectl

    def ended() -> int | None:
        states = cluster.read("pod", name)["status"].get("containerStatuses") or [{}]
        state = states[0].get("state", {}).get("terminated")
        return None if state is None else int(state["exitCode"])

    code = _waited_for(ended, _JOB_END_SECONDS)
    if code is None:
        message = (
            f"the log of job {job} has ended, its pod has not after {_JOB_END_SECONDS:.0f} s: kubectl describe pod {name} tells why"
        )
        raise UserError(message)
    return code


def in_toolbox(cluster: Cluster, arguments: list[str], model: Model = FIRST) -> int:
    """Run `ratchet` in the model's toolbox with its output shown; its exit code."""
    _toolbox_ready(cluster, model)
    terminal = ["--stdin", "--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    who = _acting_user(cluster)
    actor = ["env", f"{_ACTOR}={who}"] if who else []
    command = [*model.on(cluster).kubectl_command(), "exec", *terminal, model.toolbox, "--", *actor, "ratchet", *arguments]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - kubectl


def _waited_for(read: Callable[[], T | None], seconds: float) -> T | None:
    """What `read` returns as soon as that is not None; None when it is for all that time."""
    tries = Retrying(
        retry=retry_if_result(lambda found: found is None),
        stop=stop_after_delay(seconds),
        wait=wait_fixed(1),
        retry_error_callback=lambda _: None,
    )
    return tries(read)


def upload(cluster: Cluster, folder: Path, snapshot: str, model: Model = FIRST, *, replace: bool = False) -> None:
    """Put one raw snapshot where the model looks for them: through its toolbox, so that S3 needs no way in from outside.

    Other content under its name is refused unless `replace`, before anything has changed.
    """
    source = folder / snapshot
    if not source.is_dir():
        message = f"there is no folder {source}: DATA is the folder that holds {snapshot}"
        raise UserError(message)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.iterdir()):
            if path.suffix in {".csv", ".parquet"} and path.is_file():
                archive.write(path, f"{snapshot}/{path.name}")
    script = f'{_UNPACK}; ratchet data upload --data $d --to "$RATCHET_DATA" --snapshot $1{" --replace" if replace else ""}'
    command = ["exec", "--stdin", model.toolbox, "--", "sh", "-c", script, "upload", snapshot]
    _toolbox_ready(cluster, model)
    try:
        model.on(cluster).kubectl(*command, stdin=buffer.getvalue(), timeout=600.0)
    except UserError as error:
        told = [line.removeprefix("error: ") for line in str(error).splitlines() if line.startswith("error: ")]
        if told:  # what ratchet says of the snapshot, without kubectl's frame around it
            raise UserError(told[-1]) from error
        raise


def _toolbox_ready(cluster: Cluster, model: Model = FIRST) -> None:
    """Wait until an upgrade has reached it: what is run in the pod before would end with that."""
    model.on(cluster).kubectl("rollout", "status", model.toolbox, "--timeout", "180s", timeout=200.0)


def put_example_data(cluster: Cluster) -> None:
    """Two generated months, the second changed: so that `make run` shows something before anybody has brought data."""
    _toolbox_ready(cluster)
    script = (
        f"for m in month_000 month_001; do ratchet data check {RAW} $m >/dev/null 2>&1 && exit 0; done; "
        f"{_FOLDER}; ratchet data generate $d --snapshot month_000; "
        f"ratchet data generate $d --snapshot month_001 --drift 0.5 --concept 0.6; ratchet data upload --data $d --to {RAW}"
    )
    cluster.kubectl("exec", TOOLBOX, "--", "sh", "-c", script, timeout=300.0)

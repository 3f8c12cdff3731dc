"""`make cluster-…` and `make run`: the commands behind them. `python -m cluster --help` lists them."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from cluster import host, images, packages
from cluster.kind import NAMESPACE, Cluster, named
from cluster.shell import console, stage
from cluster.shell import run as run_program
from components.core.errors import RatchetError, UserError

app = typer.Typer(help="The local cluster.", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

RAW = "s3://ratchet/raw"
TOOLBOX = "deploy/ratchet-toolbox"
_TOOLS = images.ROOT / ".cluster" / "bin"
_JOB_START_SECONDS = 120.0
_MEMORY = "cat /sys/fs/cgroup/memory/memory.stat 2>/dev/null || cat /sys/fs/cgroup/memory.stat"  # cgroup v1, else v2
_CONTRACTS = (  # before tests/cluster, which kills pods that the ports lead to
    "tests/contract/test_snapshots.py",
    "tests/contract/test_ledger.py",
    "tests/contract/test_lock.py",
    "tests/contract/test_kubernetes.py",
    "tests/integration/test_feast.py",
)
# in the toolbox, whose image has Python and no tar or unzip
_FOLDER = "set -e; d=$(mktemp -d); trap 'rm -rf $d' EXIT"
# all of its input is read first: kubectl waits for ever on a program that ends with some of it unread
_EXTRACT = "import io, sys, zipfile; zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())).extractall(sys.argv[1])"
_UNPACK = f"{_FOLDER}; python -c '{_EXTRACT}' $d"


class Source(StrEnum):
    """Where images come from."""

    OFFICIAL = "official"
    PACKAGES = "packages"


Images = Annotated[Source, typer.Option(help="official: pulled; packages: built from Debian packages, Go modules and PyPI.")]


@app.command()
def up(source: Images = Source.OFFICIAL) -> None:
    """Bring the cluster up with both charts and example data on it. Safe to repeat: what is there stays."""
    host.check(source)
    start = monotonic()
    parts = packages.make() if source is Source.PACKAGES else None
    if parts:
        packages.link_tools(parts.programs, _TOOLS)
    cluster = Cluster(named(), parts.programs if parts else None)
    ours = _build(parts)
    if not cluster.exists():
        with stage("cluster"):
            cluster.create(parts.node if parts else None)
    cluster.kubectl("config", "set-context", cluster.context, "--namespace", NAMESPACE)
    with stage("images on the node"):
        cluster.load([ours, *(parts.platform if parts else ())])
    _install(cluster, ours, parts)
    with stage("example data"):
        _example_data(cluster)
    console.print(f"\nup in {monotonic() - start:.0f} s. Next:")
    if parts:
        console.print(f"  export PATH={_TOOLS}:$PATH   # the cluster's own kind, kubectl and helm")
    console.print("  make run SNAPSHOT=month_000      # trains and promotes the first model")
    console.print("  make cluster-status")


@app.command()
def load() -> None:
    """Rebuild our image, give it to the node and upgrade both releases to it."""
    cluster = _present()
    parts = packages.make() if cluster.is_of_packages() else None
    ours = _build(parts)
    with stage("images on the node"):
        cluster.load([ours])
    _install(cluster, ours, parts)


@app.command()
def down() -> None:
    """Delete the cluster and all that is on it. Built images and the cache stay; the next `up` is quick."""
    cluster = Cluster(named(), _own_tools())
    if not cluster.exists():
        console.print(f"there is no cluster {cluster.name}")
        return
    with stage(f"cluster {cluster.name} deleted"):
        cluster.delete()


@app.command("test")
def try_out(
    source: Images = Source.PACKAGES,
    arguments: Annotated[list[str] | None, typer.Argument(help="Further arguments of pytest, after --.")] = None,
) -> None:
    """Bring up a cluster of its own, run tests/cluster on it and take it away again, with every image that this made."""
    before = images.present()
    os.environ["RATCHET_CLUSTER"] = name = "ratchet-test"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KUBECONFIG"] = str(Path(folder) / "kubeconfig")
        try:
            up(source)
            cluster = _present()
            environment = {"RATCHET_TEST_CLUSTER": name, "RATCHET_TEST_TOOLS": str(cluster.tools or "")}
            _report_memory(cluster)
            with _addresses(cluster) as addresses:
                command = [sys.executable, "-m", "pytest", "-s", *_CONTRACTS, "tests/cluster", *(arguments or [])]
                done = subprocess.run(command, env={**os.environ, **environment, **addresses}, cwd=images.ROOT, check=False)  # noqa: S603 - pytest
        finally:
            if _own_tools() or shutil.which("kind"):  # else it failed before there could be a cluster
                down()
            if not os.environ.get("RATCHET_KEEP_IMAGES"):
                images.remove(images.present() - before)
    raise typer.Exit(done.returncode)


@contextmanager
def _addresses(cluster: Cluster) -> Iterator[dict[str, str]]:
    """The cluster's own servers on ports of this machine, as tests/addresses.py wants them."""
    forwards = {"platform-postgres": 5432, "platform-s3": 7070}
    processes, ports = [], {}
    try:
        for service, port in forwards.items():
            command = [*cluster.kubectl_command(), "port-forward", f"svc/{service}", f":{port}"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603 - kubectl
            processes.append(process)
            told = process.stdout.readline() if process.stdout else ""
            if not told.startswith("Forwarding from 127.0.0.1:"):
                message = f"no port leads to {service}: kubectl port-forward ended at once"
                raise UserError(message)
            ports[service] = told.split(":")[1].split()[0]
        secrets = {
            key: base64.b64decode(value).decode() for key, value in cluster.read("secret", "platform-credentials")["data"].items()
        }
        yield {
            "RATCHET_TEST_POSTGRES": (
                f"postgresql+psycopg://postgres:{secrets['postgres-password']}@127.0.0.1:{ports['platform-postgres']}/postgres"
            ),
            "RATCHET_TEST_S3": "s3://ratchet/tests",
            "AWS_ACCESS_KEY_ID": secrets["s3-access-key"],
            "AWS_SECRET_ACCESS_KEY": secrets["s3-secret-key"],
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{ports['platform-s3']}",
        }
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def _report_memory(cluster: Cluster) -> None:
    """What the whole node takes while nothing happens: cluster, platform and serving pods without a model."""
    lines = run_program(["docker", "exec", f"{cluster.name}-control-plane", "sh", "-c", _MEMORY]).splitlines()
    rss = next((int(line.split()[1]) for line in lines if line.startswith(("total_rss ", "anon "))), 0)
    console.print(f"  the idle node's processes take {rss / host.GIB:.2f} GiB" if rss else "  the node's memory could not be read")


@app.command()
def status() -> None:
    """What runs, and what serves."""
    cluster = _present()
    console.print(cluster.kubectl("get", "pods,pvc", "--output", "wide"), markup=False)
    console.print(cluster.kubectl("exec", TOOLBOX, "--", "ratchet", "status"), markup=False)


@app.command()
def run(
    snapshot: Annotated[str, typer.Argument(help="Snapshot's name.")],
    data: Annotated[Path | None, typer.Option(help="Folder of raw snapshots: this one is uploaded first.")] = None,
    force: Annotated[bool, typer.Option(help="Train and compare although nothing asks for it.")] = False,  # noqa: FBT002
    replace: Annotated[bool, typer.Option(help="Accept other content under a date that is stored.")] = False,  # noqa: FBT002
) -> None:
    """Run the pipeline on the cluster, in one pod, and follow it."""
    cluster = _present()
    if data is not None:
        with stage(f"{snapshot} uploaded"):
            upload(cluster, data, snapshot)
    arguments = ["run", "--data", RAW, "--snapshot", snapshot, *(["--force"] if force else []), *(["--replace"] if replace else [])]
    raise typer.Exit(follow(cluster, start_job(cluster, arguments)))


def start_job(cluster: Cluster, arguments: list[str]) -> str:
    """Start a Job of the chart's CronJob's template with other arguments; its name."""
    name = f"ratchet-run-{uuid.uuid4().hex[:8]}"
    made = cluster.kubectl("create", "job", name, "--from=cronjob/ratchet-pipeline", "--dry-run=client", "--output", "json")
    job: dict[str, Any] = json.loads(made)
    job["spec"]["template"]["spec"]["containers"][0]["args"] = arguments
    cluster.kubectl("create", "--filename", "-", stdin=json.dumps(job).encode())
    return name


def follow(cluster: Cluster, job: str) -> int:
    """Show the Job's log until it ends; its exit code. Raises UserError when its pod does not start."""

    def pod() -> dict[str, Any] | None:
        pods = cluster.read("pods", selector=f"job-name={job}")["items"]
        started = [pod for pod in pods if pod["status"]["phase"] != "Pending"]
        return started[0] if started else None

    waiting = Retrying(
        retry=retry_if_result(lambda found: found is None),
        stop=stop_after_delay(_JOB_START_SECONDS),
        wait=wait_fixed(1),
        retry_error_callback=lambda _: None,
    )
    found = waiting(pod)
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

    code = Retrying(retry=retry_if_result(lambda code: code is None), stop=stop_after_delay(60), wait=wait_fixed(0.5))(ended)
    return 1 if code is None else code


def upload(cluster: Cluster, folder: Path, snapshot: str) -> None:
    """Put one raw snapshot into the cluster's S3: through the toolbox, so that S3 needs no way in from outside."""
    source = folder / snapshot
    if not source.is_dir():
        message = f"there is no folder {source}: DATA is the folder that holds {snapshot}"
        raise UserError(message)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.iterdir()):
            if path.suffix in {".csv", ".parquet"} and path.is_file():
                archive.write(path, f"{snapshot}/{path.name}")
    script = f"{_UNPACK}; ratchet data upload --data $d --to {RAW} --snapshot $1"
    cluster.kubectl(
        "exec", "--stdin", TOOLBOX, "--", "sh", "-c", script, "upload", snapshot, stdin=buffer.getvalue(), timeout=600.0
    )


def _example_data(cluster: Cluster) -> None:
    """Two generated months, the second changed: so that `make run` shows something before anybody has brought data."""
    cluster.kubectl("rollout", "status", TOOLBOX, "--timeout", "180s", timeout=200.0)
    script = (
        f"ratchet data check {RAW} month_000 >/dev/null 2>&1 && exit 0; {_FOLDER}; ratchet data generate $d --snapshot month_000; "
        f"ratchet data generate $d --snapshot month_001 --drift 0.5 --concept 0.6; ratchet data upload --data $d --to {RAW}"
    )
    cluster.kubectl("exec", TOOLBOX, "--", "sh", "-c", script, timeout=300.0)


def _build(parts: packages.Parts | None) -> str:
    image, tag = images.ours(parts.python if parts else None)
    with stage(f"our image {tag}"):
        images.build(image, tag, classic=parts is not None)
    return tag


def _install(cluster: Cluster, ours: str, parts: packages.Parts | None) -> None:
    repository, _, tag = ours.rpartition(":")
    image = {"image.repository": repository, "image.tag": tag}
    own = {}
    if parts:
        for name, picture in (("postgres", packages.POSTGRES), ("s3", packages.VERSITYGW)):
            own[f"{name}.image.repository"], _, own[f"{name}.image.tag"] = picture.rpartition(":")
    with stage("chart platform: Postgres, S3, MLflow"):
        cluster.install("platform", {**image, **own}, wait=True)
    with stage("chart ratchet: serving, promoter, pipeline"):
        cluster.install("ratchet", image, files={"project": images.ROOT / "ratchet.yaml"}, wait=False)


def _own_tools() -> Path | None:
    """The folder of the tools that `up` built, None where it used those on PATH."""
    return _TOOLS.resolve() if (_TOOLS / "kubectl").exists() else None


def _present() -> Cluster:
    cluster = Cluster(named(), _own_tools())
    if not cluster.exists():
        message = f"there is no cluster {cluster.name}: `make cluster-up` makes it"
        raise UserError(message)
    return cluster


def main() -> None:
    """Entry point: errors are one line and an exit code."""
    try:
        app()
    except RatchetError as error:
        console.print(f"error: {error}", markup=False)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

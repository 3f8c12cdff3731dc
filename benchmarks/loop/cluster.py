"""`python -m benchmarks.loop.cluster`: the same on the cluster that is up, the pipeline in one pod; it makes versions there.

The seconds of a stage end with its last line in the pod's log; those of the first begin when the Job is created, so they hold the
pod's start.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import sleep, time
from typing import Any

from benchmarks.harness import write
from benchmarks.loop.__main__ import CHANGED, ROOT
from cluster.jobs import RAW, start_job, upload
from cluster.kind import NAMESPACE, Cluster
from cluster.releases import present

_HEALTH = f"/api/v1/namespaces/{NAMESPACE}/services/ratchet-serving:http/proxy/health"
_STAGE_OF = {
    "[INGEST]": "ingest",
    "[DRIFT]": "drift-check",
    "RETRAINING_TRIGGERED": "drift-check",
    "[TRAIN]": "train",
    "[COMPARE]": "evaluate",
    "[GATE]": "evaluate",
    "[PROMOTE]": "promote",
}


def bring(cluster: Cluster, users: int, month: str, how: Sequence[str]) -> None:
    """Make a month and put it into the cluster's S3."""
    with tempfile.TemporaryDirectory() as folder:
        generate = ["data", "generate", folder, "--snapshot", month, "--users", str(users), "--format", "parquet", *how]
        subprocess.run([sys.executable, "-m", "ratchet", *generate], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        upload(cluster, Path(folder), month)


def measure(cluster: Cluster, month: str) -> dict[str, Any]:
    """The run on a month: seconds by stage, and until every answer is the new version's and the Job has ended."""
    began, ends = time(), dict[str, float]()
    for at, text in _lines(cluster, start_job(cluster, _run(month))):
        stage = _STAGE_OF.get(text.split(" ", 1)[0])
        if stage:
            ends[stage] = at
        if text.startswith("[TRAIN] version "):
            version = int(text.split()[2].rstrip(":"))
    assert "promote" in ends, "the run did not promote: is the cluster's ratchet.yaml the repository's?"
    while json.loads(cluster.kubectl("get", "--raw", _HEALTH))["model_version"] != version:
        sleep(0.2)
    total = time() - began
    stages, before = {}, began
    for name in dict.fromkeys(_STAGE_OF.values()):
        stages[name], before = round(ends[name] - before, 1), ends[name]
    return {"total": round(total, 1), "stages": stages}


def _run(month: str) -> list[str]:
    return ["run", "--data", RAW, "--snapshot", month, "--replace", "--force"]


def _lines(cluster: Cluster, job: str) -> Iterator[tuple[float, str]]:
    """When each line of the Job's log was written, and the line; raises CalledProcessError when the Job fails."""
    cluster.kubectl("wait", "--for=jsonpath={.status.ready}=1", "--timeout=120s", f"job/{job}", timeout=150.0)
    command = [*map(str, cluster.kubectl_command()), "logs", "--follow", "--timestamps", f"job/{job}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            moment, _, text = line.rstrip("\n").partition(" ")
            yield datetime.strptime(moment[:26], "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC).timestamp(), text
    cluster.kubectl("wait", "--for=condition=complete", "--timeout=60s", f"job/{job}", timeout=90.0)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, action="append", help="sizes; default 7043 and 1000000")
    sizes = parser.parse_args().users or [7043, 1_000_000]
    cluster = present()
    bring(cluster, 7043, "month_000", ())
    list(_lines(cluster, start_job(cluster, _run("month_000"))))  # a champion
    results: dict[str, Any] = {}
    for number, users in enumerate(sizes, 1):
        bring(cluster, users, f"month_{number:03}", CHANGED if number % 2 else ())  # each otherwise than the one before
        results[str(users)] = told = measure(cluster, f"month_{number:03}")
        sys.stdout.write(f"{users} users: {told['total']} s, {told['stages']}\n")
    write("loop-cluster", results, quick=False)


if __name__ == "__main__":
    main()

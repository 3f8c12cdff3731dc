"""`make test-cluster`: pytest against the servers of a cluster, which its caller brings up and takes away."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cluster import host, images
from cluster.kind import Cluster
from cluster.shell import console, run
from components.core.errors import UserError

_MEMORY = "cat /sys/fs/cgroup/memory/memory.stat 2>/dev/null || cat /sys/fs/cgroup/memory.stat"  # cgroup v1, else v2
_CONTRACTS = (  # before tests/cluster, which kills pods that the ports lead to
    "tests/contract/test_snapshots.py",
    "tests/contract/test_ledger.py",
    "tests/contract/test_lock.py",
    "tests/contract/test_kubernetes.py",
    "tests/integration/test_feast.py",
)


def run_tests(cluster: Cluster, arguments: Sequence[str]) -> int:
    """Run the adapters' contracts and tests/cluster on a cluster that is up; pytest's exit code."""
    environment = {"RATCHET_TEST_CLUSTER": cluster.name, "RATCHET_TEST_TOOLS": str(cluster.tools or "")}
    command = [sys.executable, "-m", "pytest", "-s", *_CONTRACTS, "tests/cluster", *arguments]
    with _addresses(cluster) as addresses:
        env = {**os.environ, **environment, **addresses}
        return subprocess.run(command, env=env, cwd=images.ROOT, check=False).returncode  # noqa: S603 - pytest


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


def report_memory(cluster: Cluster) -> None:
    """What the whole node takes while nothing happens: cluster, platform and serving pods without a model."""
    lines = run(["docker", "exec", f"{cluster.name}-control-plane", "sh", "-c", _MEMORY]).splitlines()
    rss = next((int(line.split()[1]) for line in lines if line.startswith(("total_rss ", "anon "))), 0)
    console.print(f"  the idle node's processes take {rss / host.GIB:.2f} GiB" if rss else "  the node's memory could not be read")

"""`make test-cluster`: pytest against the servers of a cluster, which its caller brings up and takes away."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Sequence

from cluster import host, images
from cluster.kind import Cluster
from cluster.shell import console, run

_MEMORY = "cat /sys/fs/cgroup/memory/memory.stat 2>/dev/null || cat /sys/fs/cgroup/memory.stat"  # cgroup v1, else v2
_CONTRACTS = (  # before tests/cluster, which kills the servers' pods
    "tests/contract/test_snapshots.py",
    "tests/contract/test_ledger.py",
    "tests/contract/test_lock.py",
    "tests/contract/test_registry.py",
    "tests/contract/test_kubernetes.py",
    "tests/contract/test_roles.py",
    "tests/contract/test_bulk_load.py",
    "tests/contract/test_sql_source.py",
    "tests/unit/test_score_sql.py",
    "tests/integration/test_feast.py",
    *(  # which need no cluster, but its helm
        f"tests/integration/test_{name}.py"
        for name in (
            "chart_releases",
            "chart_pods",
            "chart_networks",
            "chart_examples",
            "chart_secrets",
            "chart_score",
            "chart_features",
            "admission_policy",
            "backup",
        )
    ),
)


def run_tests(cluster: Cluster, arguments: Sequence[str]) -> int:
    """Run the adapters' contracts and tests/cluster on a cluster that is up; pytest's exit code."""
    environment = {"RATCHET_TEST_CLUSTER": cluster.name, "RATCHET_TEST_TOOLS": str(cluster.tools or "")}
    command = [sys.executable, "-m", "pytest", "-s", *_CONTRACTS, "tests/cluster", *arguments]
    env = {**os.environ, **environment, **_addresses(cluster)}
    return subprocess.run(command, env=env, cwd=images.ROOT, check=False).returncode  # noqa: S603 - pytest


def _addresses(cluster: Cluster) -> dict[str, str]:
    """The cluster's own servers at ports of its node, as tests/support/addresses.py wants them.

    Not by `kubectl port-forward`, which ends with the first connection that the server closes, and with the pod that it led to.
    """
    addresses = cluster.read("node", f"{cluster.name}-control-plane")["status"]["addresses"]
    node = next(item["address"] for item in addresses if item["type"] == "InternalIP")
    places = {}
    for part in ("postgres", "s3", "mlflow"):
        cluster.kubectl("expose", "service", f"platform-{part}", "--name", f"test-{part}", "--type", "NodePort")
        (port,) = cluster.read("service", f"test-{part}")["spec"]["ports"]
        places[part] = f"{node}:{port['nodePort']}"
    # MLflow answers to the names only that it was given
    allowed = f"mlflow.extraAllowedHosts[0]={places['mlflow']}"
    cluster.helm("upgrade", "platform", images.ROOT / "charts" / "platform", "--reuse-values", "--set", allowed, "--wait")
    stored = cluster.read("secret", "platform-credentials")["data"]
    secrets = {key: base64.b64decode(value).decode() for key, value in stored.items()}
    return {
        "RATCHET_TEST_POSTGRES": f"postgresql+psycopg://postgres:{secrets['postgres-password']}@{places['postgres']}/postgres",
        "RATCHET_TEST_S3": "s3://ratchet/tests",
        "RATCHET_TEST_MLFLOW": f"http://{places['mlflow']}",
        "AWS_ACCESS_KEY_ID": secrets["s3-access-key"],
        "AWS_SECRET_ACCESS_KEY": secrets["s3-secret-key"],
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": f"http://{places['s3']}",
    }


def report_memory(cluster: Cluster) -> None:
    """What the whole node takes while nothing happens: cluster, platform and serving pods without a model."""
    lines = run(["docker", "exec", f"{cluster.name}-control-plane", "sh", "-c", _MEMORY]).splitlines()
    rss = next((int(line.split()[1]) for line in lines if line.startswith(("total_rss ", "anon "))), 0)
    console.print(f"  the idle node's processes take {rss / host.GIB:.2f} GiB" if rss else "  the node's memory could not be read")

"""The charts' example values: a part of the platform that is a site's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.images import ROOT
from tests.cluster.rendering import found_helm, one, rendered

HELM = found_helm()
pytestmark = pytest.mark.skipif(HELM is None, reason="helm is missing: https://helm.sh/docs/intro/install, or `make cluster-up`")
EXAMPLES = ROOT / "charts" / "platform" / "examples"
WORKLOADS = {"own-postgresql": {"platform-mlflow", "platform-s3"}, "own-s3": {"platform-mlflow", "platform-postgres"}}
WORKLOADS |= {"own-mlflow": {"platform-postgres", "platform-s3"}}


def documents(example: str) -> list[dict[str, Any]]:
    assert HELM is not None
    return rendered(HELM, "platform", files=[EXAMPLES / f"{example}.yaml"])


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_part_of_ones_own_takes_the_place_of_the_charts(file: Path) -> None:
    made = {item["metadata"]["name"] for item in documents(file.stem) if item["kind"] in {"Deployment", "StatefulSet"}}
    assert made == WORKLOADS[file.stem]
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    assert f"examples/{file.name}" in readme


def test_mlflow_asks_the_sites_own_database_and_store() -> None:
    (container,) = one(documents("own-postgresql"), "Deployment", "platform-mlflow")["spec"]["template"]["spec"]["containers"]
    uri = next(item for item in container["env"] if item["name"] == "MLFLOW_BACKEND_STORE_URI")
    assert uri["valueFrom"]["secretKeyRef"] == {"name": "mlflow-database", "key": "url"}
    (container,) = one(documents("own-s3"), "Deployment", "platform-mlflow")["spec"]["template"]["spec"]["containers"]
    values = {item["name"]: item for item in container["env"]}
    assert values["AWS_ENDPOINT_URL_S3"]["value"] == "https://s3.example.com"
    assert values["AWS_ACCESS_KEY_ID"]["valueFrom"]["secretKeyRef"]["name"] == "our-s3"


def test_the_connections_name_the_sites_own_mlflow() -> None:
    secret = one(documents("own-mlflow"), "Secret", "ratchet-connections")["stringData"]
    assert secret["RATCHET_TRACKING_URI"] == "https://mlflow.example.com"

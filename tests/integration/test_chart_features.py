"""Charts and tasks ask for an online database only where the project has its features in one of ours. helm renders the charts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ratchet.core.errors import Misconfigured
from ratchet.project.file import load_project
from ratchet.settings import Settings
from ratchet.wiring import Wiring
from tests.cluster.rendering import found_helm, one, pod_template

HELM = found_helm()
needs_helm = pytest.mark.skipif(HELM is None, reason="helm is missing: https://helm.sh/docs/intro/install, or `make cluster-up`")
NONE = "feature_store: none\n"


def project(tmp_path: Path, more: str) -> Path:
    file = tmp_path / "ratchet.yaml"
    file.write_text(Path("ratchet.yaml").read_text(encoding="utf-8") + more, encoding="utf-8")
    return file


def chart(file: Path, *more: str) -> list[dict[str, Any]]:
    assert HELM is not None
    base = ["template", "ratchet", "charts/ratchet", "--namespace", "ratchet", "--kube-version", "1.34.4"]
    text = HELM.helm(*base, "--set-file", f"project={file}", *more)
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def serving(documents: list[dict[str, Any]]) -> dict[str, Any]:
    template = pod_template(one(documents, "Deployment", "ratchet-serving"))
    assert template is not None
    return template


@needs_helm
@pytest.mark.parametrize(
    ("more", "asks"),
    [("", True), ("feature_store: feast\n", True), (NONE, False), ("feature_store: {repository: ., service: churn}\n", False)],
    ids=["by default", "feast", "none", "a repository"],
)
def test_serving_asks_for_an_online_database_where_features_are_in_one_of_ours(tmp_path: Path, more: str, *, asks: bool) -> None:
    (container,) = serving(chart(project(tmp_path, more)))["spec"]["containers"]
    assert ("RATCHET_ONLINE_URL" in {variable["name"] for variable in container["env"]}) is asks
    assert {"RATCHET_TRACKING_URI", "RATCHET_REQUESTS_URL"} <= {variable["name"] for variable in container["env"]}


@needs_helm
def test_a_feast_repositorys_file_lies_beside_the_project_and_a_change_starts_pods_anew(tmp_path: Path) -> None:
    file, theirs = project(tmp_path, ""), tmp_path / "feature_store.yaml"
    theirs.write_text("project: theirs\nregistry: s3://theirs/registry.db\n", encoding="utf-8")
    without = chart(file)
    assert "feature_store.yaml" not in one(without, "ConfigMap", "ratchet-project")["data"]
    found = chart(file, "--set-file", f"featureStore={theirs}")
    assert one(found, "ConfigMap", "ratchet-project")["data"]["feature_store.yaml"].strip() == theirs.read_text().strip()
    sums = [serving(documents)["metadata"]["annotations"]["checksum/project"] for documents in (without, found)]
    assert sums[0] != sums[1]


def test_on_a_cluster_features_of_ours_need_a_database_and_others_do_not(tmp_path: Path) -> None:
    settings = Settings(deployment="ratchet-serving", home=tmp_path)
    with pytest.raises(Misconfigured, match="RATCHET_ONLINE_URL is not set"):
        _ = Wiring(settings, load_project(project(tmp_path, ""))).features
    assert Wiring(settings, load_project(project(tmp_path, NONE))).features

"""Which Secret each pod takes its addresses from, and who gets the ledger's key."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from pipelines import task_pods
from tests.cluster.rendering import found_helm, one, pods, rendered
from tests.support.secret_server import cluster_with

HELM = found_helm()
pytestmark = pytest.mark.skipif(HELM is None, reason="helm is missing: https://helm.sh/docs/intro/install, or `make cluster-up`")
OWN = ["serving.connectionsSecret=serving-urls", "exporter.connectionsSecret=reader-urls", "exporter.enabled=true"]


def secrets_of(name: str, *values: str) -> dict[str, str]:
    """The Secret of each variable that a Deployment's only container takes from one."""
    assert HELM is not None
    deployment = one(rendered(HELM, "ratchet", *values), "Deployment", name)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert "envFrom" not in container or name == "ratchet-exporter"
    found: dict[str, Any] = {item["name"]: item.get("valueFrom", {}).get("secretKeyRef") for item in container["env"]}
    return {variable: reference["name"] for variable, reference in found.items() if reference}


def test_serving_and_exporter_may_have_database_roles_of_their_own() -> None:
    assert set(secrets_of("ratchet-serving", *OWN).values()) == {"serving-urls"}
    assert set(secrets_of("ratchet-exporter", *OWN).values()) == {"reader-urls"}
    one_role = ["connections.roles=false", "exporter.enabled=true"]
    assert set(secrets_of("ratchet-serving", *one_role).values()) == {"ratchet-connections"}
    assert set(secrets_of("ratchet-exporter", *one_role).values()) == {"ratchet-connections"}


# whose Secret each pod is given, and no other
USES = {
    "": {"Job ratchet-migrate"},
    "-serving": {"Deployment ratchet-serving"},
    "-reader": {"Deployment ratchet-exporter", "Deployment ratchet-ui"},
    "-promoter": {
        "Deployment ratchet-toolbox",
        "Deployment ratchet-watch",
        "CronJob ratchet-pipeline",
        "CronJob ratchet-retention",
        "CronJob ratchet-score",
    },
}
ALL = ["exporter.enabled=true", "ui.enabled=true", "retention.schedule=0 1 * * *", "watch.enabled=true"]


def test_each_pod_has_the_addresses_of_its_use_and_only_the_migration_the_owners() -> None:
    assert HELM is not None
    found: dict[str, set[str]] = {}
    for name, spec in pods(rendered(HELM, "ratchet", *ALL)):
        for container in spec["containers"]:
            given = [item["valueFrom"]["secretKeyRef"]["name"] for item in container.get("env", []) if "secretKeyRef" in str(item)]
            given += [item["secretRef"]["name"] for item in container.get("envFrom", []) if "secretRef" in item]
            for secret in given:
                found.setdefault(secret.removeprefix("ratchet-connections"), set()).add(name)
    assert found == USES
    alone = [document["kind"] for document in rendered(HELM, "ratchet", "connections.roles=false")]
    assert alone.count("Job") == 1  # the check: the first process makes the tables


def test_the_tasks_on_kubeflow_are_the_promoters() -> None:
    assert HELM is not None
    toolbox = one(rendered(HELM, "ratchet", "kubeflow.url=http://ml-pipeline:8888"), "Deployment", "ratchet-toolbox")
    (container,) = toolbox["spec"]["template"]["spec"]["containers"]
    assert {"name": "RATCHET_KFP_CONNECTIONS", "value": "ratchet-connections-promoter"} in container["env"]


def test_no_role_that_runs_is_the_tables_owner_and_serving_knows_neither_ledger_nor_keys() -> None:
    assert HELM is not None
    documents = rendered(HELM, "platform", "connections.namespaces={sales}")
    found = {
        (item["metadata"]["name"].removeprefix("ratchet-connections"), item["metadata"].get("namespace", "")): item["stringData"]
        for item in documents
        if item["metadata"]["name"].startswith("ratchet-connections")
    }
    assert {name for name, _ in found} == set(USES)
    assert {space for _, space in found} == {"", "sales"}
    for (name, _), entries in found.items():
        roles = {value.split("://")[1].split(":")[0] for key, value in entries.items() if value.startswith("postgresql")}
        assert roles == {f"ratchet{name.replace('-', '_')}"}
    assert set(found["-serving", ""]) == {"RATCHET_TRACKING_URI", "RATCHET_REQUESTS_URL", "RATCHET_ONLINE_URL"}
    assert not {"RATCHET_LEDGER_KEY", "RATCHET_ONLINE_URL"} & set(found["-reader", ""])
    assert set(task_pods.ADDRESSES) <= set(found["-promoter", "sales"])


def test_nobody_who_serves_or_only_looks_gets_the_ledgers_key() -> None:
    for name in ("ratchet-serving", "ratchet-exporter"):
        assert "RATCHET_LEDGER_KEY" not in secrets_of(name, *OWN)
    assert not {"RATCHET_LEDGER_URL"} & set(secrets_of("ratchet-serving", *OWN))


LOGIN = {"MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"}


def test_an_mlflow_that_asks_for_a_login_gets_it_from_every_pod_and_every_task() -> None:
    assert HELM is not None
    enabled = ["exporter.enabled=true", "ui.enabled=true", "retention.schedule=0 1 * * *", "watch.enabled=true"]
    asking = set()
    for name, spec in pods(rendered(HELM, "ratchet", *enabled)):
        for container in spec["containers"]:
            optional = {
                item["name"]
                for item in container.get("env", [])
                if item.get("valueFrom", {}).get("secretKeyRef", {}).get("optional") and item["name"] in LOGIN
            }
            if any(item["name"] == "RATCHET_TRACKING_URI" for item in container.get("env", [])):
                asking.add(name)
                assert optional == LOGIN, name
    assert len(asking) == 5, asking  # serving, exporter, pages, retention, score; the others have all keys of the Secret
    assert set(task_pods.BY_HAND) >= LOGIN


def test_a_pod_that_serves_is_told_version_and_digest_by_its_template() -> None:
    assert HELM is not None
    deployment = one(rendered(HELM, "ratchet"), "Deployment", "ratchet-serving")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    fields = {item["name"]: item["valueFrom"]["fieldRef"]["fieldPath"] for item in container["env"] if "fieldRef" in str(item)}
    assert fields["RATCHET_MODEL_VERSION"] == "metadata.annotations['ratchet.dev/model-version']"
    assert fields["RATCHET_MODEL_DIGEST"] == "metadata.annotations['ratchet.dev/model-digest']"


def test_the_platform_makes_the_ledgers_key_once_and_writes_it_for_who_promotes() -> None:
    assert HELM is not None
    documents = rendered(HELM, "platform")
    made = one(documents, "Secret", "platform-credentials")["stringData"]["ledger-key"]
    assert len(made) == 32
    assert one(documents, "Secret", "ratchet-connections")["stringData"]["RATCHET_LEDGER_KEY"] == made


BY_HAND = {
    "AWS_SESSION_TOKEN": b"a token",
    "PGPASSWORD": b"its password",
    "RATCHET_HAND_ON": b"MINE",
    "RATCHET_SOURCE_URL": b"postgresql+psycopg://reader:secret@shop/shop",
    "RATCHET_NOTIFY_URL": b"https://hooks.example",
    "MLFLOW_TRACKING_TOKEN": b"theirs",
    "MINE": b'not text: \xff\x00 "\n',
    "1": b"a name that YAML takes for a number",
}


def _entries(secret: dict[str, Any]) -> dict[str, bytes]:
    """What the API server stores of a Secret."""
    written = {key: base64.b64decode(value, validate=True) for key, value in secret.get("data", {}).items()}
    return written | {key: value.encode() for key, value in secret["stringData"].items()}


def test_what_somebody_has_added_to_the_owners_secret_reaches_the_runs_and_nothing_of_the_owners_does(tmp_path: Path) -> None:
    assert HELM is not None
    owner = {"RATCHET_LEDGER_URL": b"postgresql+psycopg://ratchet:owners@db/ratchet", "RATCHET_LEDGER_KEY": b"an old key"}
    stored = {
        ("ratchet", "ratchet-connections"): owner | BY_HAND,
        ("sales", "ratchet-connections"): owner | {"PGPASSWORD": b"another"},
    }
    with cluster_with(stored, tmp_path) as cluster:
        documents = rendered(HELM, "platform", "connections.namespaces={sales}", cluster=cluster)
    found = {
        (item["metadata"].get("namespace", "ratchet"), item["metadata"]["name"]): _entries(item)
        for item in documents
        if item["metadata"]["name"].startswith("ratchet-connections")
    }
    runs = found["ratchet", "ratchet-connections-promoter"]
    assert BY_HAND.items() <= runs.items()
    assert not [key for key, value in runs.items() if b"owners" in value or value == b"an old key"]
    assert set(runs) - set(BY_HAND) == set(found["ratchet", "ratchet-connections"])  # which stays as it is but for the chart's own
    there = found["sales", "ratchet-connections-promoter"]
    assert (there["PGPASSWORD"], "RATCHET_SOURCE_URL" in there) == (b"another", False)
    for use in ("serving", "reader"):  # the login alone
        assert {"MLFLOW_TRACKING_TOKEN"} == set(found["ratchet", f"ratchet-connections-{use}"]) & set(BY_HAND)


def test_a_login_of_another_mlflow_stays_behind_where_ours_has_one(tmp_path: Path) -> None:
    assert HELM is not None
    with cluster_with({("ratchet", "ratchet-connections"): BY_HAND}, tmp_path) as cluster:
        documents = rendered(HELM, "platform", "mlflow.auth.enabled=true", cluster=cluster)
    for use in ("promoter", "serving", "reader"):
        entries = _entries(one(documents, "Secret", f"ratchet-connections-{use}"))
        assert "MLFLOW_TRACKING_TOKEN" not in entries
        assert entries["MLFLOW_TRACKING_USERNAME"] == b"ratchet"


def test_a_task_on_kubeflow_takes_what_is_handed_on_where_its_run_asks_for_it() -> None:
    wanted = {"RATCHET_SOURCE_URL", "RATCHET_SOURCE_TIMEOUT", "PGUSER", "PGPASSWORD", "AWS_SESSION_TOKEN", "RATCHET_NOTIFY_URL"}
    assert wanted <= set(task_pods.BY_HAND)

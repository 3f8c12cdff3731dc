"""Which Secret each pod takes its addresses from, and who gets the ledger's key."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.images import ROOT
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


ADDRESSES = {"RATCHET_TRACKING_URI", "RATCHET_LEDGER_URL", "RATCHET_REQUESTS_URL", "RATCHET_ONLINE_URL"}
PARTS = {
    "by default": [],
    "every part": [*ALL, "score.schedule=0 6 1 * *", "score.out=s3://ratchet/scores.csv", "ui.tokenSecret=token"],
    "Secrets of one's own": [*ALL, *OWN, "retention.connectionsSecret=retention-urls", "ui.connectionsSecret=ui-urls"],
    "an address of another Secret": [
        "serving.pod.extraEnv[0].name=RATCHET_TRACKING_URI",
        "serving.pod.extraEnv[0].valueFrom.secretKeyRef.name=theirs",
        "serving.pod.extraEnv[0].valueFrom.secretKeyRef.key=uri",
    ],
    "off": ["toolbox.enabled=false", "exporter.connectionsSecret=nobodys"],
}


def _asked(documents: list[dict[str, Any]]) -> set[str]:
    """The Secrets, with an entry where a pod names one, without which a pod of the chart does not start, the hook's apart."""
    found = set()
    for name, spec in pods(documents):
        if name == "Job ratchet-migrate" or (name == "CronJob ratchet-score" and "scores.csv" not in json.dumps(spec)):
            continue
        for container in spec["containers"]:
            found |= {item["secretRef"]["name"] for item in container.get("envFrom", []) if "secretRef" in item}
            keys = [
                item["valueFrom"]["secretKeyRef"]
                for item in container.get("env", [])
                if item["name"] in ADDRESSES and "secretKeyRef" in str(item)
            ]
            found |= {f"{key['name']}/{key['key']}" for key in keys if not key.get("optional")}
    return {item for item in found if not any(other.startswith(f"{item}/") for other in found)}


def _run(command: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    here = [str(place) if word == "/etc/ratchet-connections" else word for word in command]
    env = {"PATH": "/usr/bin:/bin", "NAMESPACE": "ratchet"}
    return subprocess.run(here, capture_output=True, text=True, check=False, env=env)


@pytest.mark.parametrize("values", PARTS.values(), ids=PARTS)
def test_the_tables_are_left_alone_until_every_secret_is_there_that_a_pod_cannot_start_without(
    values: list[str], tmp_path: Path
) -> None:
    assert HELM is not None
    documents = rendered(HELM, "ratchet", *values)
    spec = one(documents, "Job", "ratchet-migrate")["spec"]["template"]["spec"]
    (check,) = spec["initContainers"]
    (mount,) = check["volumeMounts"]
    (volume,) = [volume for volume in spec["volumes"] if volume["name"] == mount["name"]]
    asked = _asked(documents)
    sources = [source["secret"] for source in volume["projected"]["sources"]]
    assert {secret["name"] for secret in sources} == {item.partition("/")[0] for item in asked}
    assert all(secret["optional"] for secret in sources)  # else the pod would hang without a word
    shown = {item["path"] for secret in sources for item in secret["items"]}
    assert all(item["path"] == f"{secret['name']}/{item['key']}" for secret in sources for item in secret["items"])
    assert not [path for path in shown if path.endswith("KEY") or "AWS" in path]
    for path in shown:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    assert _run(check["command"], tmp_path).returncode == 0
    for missing in sorted(asked):
        (tmp_path / missing).rename(tmp_path / "away")
        refused = _run(check["command"], tmp_path)
        assert refused.returncode == 1
        said = f"error: Secrets, or entries of them, are missing in namespace ratchet: {missing}. Nothing has been changed."
        assert refused.stderr.startswith(said)
        (tmp_path / "away").rename(tmp_path / missing)


def test_it_is_looked_for_secrets_after_the_project_and_anew_with_each_try() -> None:
    assert HELM is not None
    documents = rendered(HELM, "ratchet")
    jobs = [one(documents, "Job", f"ratchet-{name}") for name in ("check", "migrate")]
    first, second = (int(job["metadata"]["annotations"]["helm.sh/hook-weight"]) for job in jobs)
    assert first < second
    assert jobs[1]["spec"]["backoffLimit"] > 0
    assert jobs[1]["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert "initContainers" not in jobs[0]["spec"]["template"]["spec"]


@pytest.mark.parametrize(("roles", "secret"), [("true", "ratchet-connections-promoter"), ("false", "ratchet-connections")])
def test_who_installs_is_told_of_the_secret_in_the_namespace_of_kubeflows_tasks(roles: str, secret: str, tmp_path: Path) -> None:
    assert HELM is not None
    chart = tmp_path / "ratchet"  # with its notes as an object, since `helm template` leaves them out
    shutil.copytree(ROOT / "charts" / "ratchet", chart)
    shutil.move(chart / "templates" / "NOTES.txt", chart / "notes.txt")
    (chart / "templates" / "notes.yaml").write_text('notes: {{ tpl (.Files.Get "notes.txt") . | quote }}\n', encoding="utf-8")
    command = ["template", "ratchet", str(chart), "--namespace", "sales", "--show-only", "templates/notes.yaml"]
    command += [
        "--set-file",
        "project=ratchet.yaml",
        "--set",
        f"connections.roles={roles},kubeflow.url=http://ml-pipeline.ratchet:8888",
    ]
    told = yaml.safe_load(HELM.helm(*command, "--set", "kubeflow.namespace=ratchet"))["notes"]
    assert f"kubectl -n ratchet get secret {secret}\n" in told
    assert "get secret" not in HELM.helm(*command)

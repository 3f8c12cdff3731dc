"""What a platform team sets on pods reaches every pod of every chart. helm renders them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.images import ROOT
from ratchet.core.errors import UserError
from tests.cluster.rendering import found_helm, one, pod_template, rendered

Document = dict[str, Any]
HELM = found_helm()
pytestmark = pytest.mark.skipif(HELM is None, reason="helm is missing: https://helm.sh/docs/intro/install, or `make cluster-up`")

CHARTS = ["kubeflow-pipelines", "platform", "ratchet"]
DIGEST = "sha256:" + "a" * 64
POD: Document = {
    "nodeSelector": {"pool": "ml"},
    "tolerations": [{"key": "ml", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": []}]}}},
    "priorityClassName": "important",
    "topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
    "podLabels": {"team": "ml"},
    "podAnnotations": {"example.com/mesh": "off"},
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "extraVolumes": [{"name": "site-ca", "configMap": {"name": "site-ca"}}],
    "extraVolumeMounts": [{"name": "site-ca", "mountPath": "/etc/site-ca", "readOnly": True}],
}


def everything(values: Document) -> Document:
    """Every part that is off by default switched on, every schedule set: whatever makes a pod is there."""
    found: Document = {}
    for name, value in values.items():
        if isinstance(value, dict) and (inner := everything(value)):
            found[name] = inner
        elif name == "enabled" and value is False:
            found[name] = True
        elif name == "schedule" and value == "":
            found[name] = "0 5 * * *"
        elif name == "out":
            found[name] = "s3://ratchet/scores.parquet"
        elif name == "restore":
            found[name] = "20260101T000000Z"
    return found


def merged(first: Document, second: Document) -> Document:
    result = dict(first)
    for name, value in second.items():
        both = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both else value
    return result


def defaults(chart: str) -> Document:
    values: Document = yaml.safe_load((ROOT / "charts" / chart / "values.yaml").read_text(encoding="utf-8"))
    return values


def pods_with(chart: str, folder: Path, values: Document) -> dict[str, Document]:
    """The pod templates of the whole chart by kind and name; a Pod is its own."""
    assert HELM is not None
    file = folder / "values.yaml"
    file.write_text(json.dumps(merged(everything(defaults(chart)), values)), encoding="utf-8")
    documents = rendered(HELM, chart, files=[file])
    found = {f"{item['kind']} {item['metadata']['name']}": pod_template(item) for item in documents}
    return {name: template for name, template in found.items() if template is not None}


def sections(values: Document, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The parts of a chart that say something of their own pods."""
    for name, value in values.items():
        if name == "pod":
            yield path
        elif isinstance(value, dict):
            yield from sections(value, (*path, name))


def nested(path: tuple[str, ...], value: Document) -> Document:
    return {path[0]: nested(path[1:], value)} if path else value


def all_in(asked: list[Any], there: list[Any]) -> bool:
    return all(item in there for item in asked)


@pytest.mark.parametrize("chart", CHARTS)
def test_every_pod_of_every_chart_has_what_is_asked_of_all_pods(chart: str, tmp_path: Path) -> None:
    found = pods_with(chart, tmp_path, {"pods": POD})
    assert len(found) >= {"kubeflow-pipelines": 8, "platform": 4, "ratchet": 8}[chart], sorted(found)
    for name, template in found.items():
        metadata, spec = template["metadata"], template["spec"]
        assert POD["podLabels"].items() <= metadata["labels"].items(), name
        assert POD["podAnnotations"].items() <= metadata["annotations"].items(), name
        for field in ("nodeSelector", "tolerations", "affinity", "priorityClassName"):
            assert spec.get(field) == POD[field], f"{name}: {field}"
        kind = {key: metadata["labels"][key] for key in ("app.kubernetes.io/name", "app.kubernetes.io/instance")}
        spread = [{**item, "labelSelector": {"matchLabels": kind}} for item in POD["topologySpreadConstraints"]]
        assert spec["topologySpreadConstraints"] == spread, name
        assert all_in(POD["extraVolumes"], spec["volumes"]), name
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert all_in(POD["extraEnv"], container["env"]), name
            assert all_in(POD["extraVolumeMounts"], container["volumeMounts"]), name


@pytest.mark.parametrize("chart", CHARTS)
def test_every_part_can_ask_for_its_own_pods_alone(chart: str, tmp_path: Path) -> None:
    reached: set[str] = set()
    for path in sections(defaults(chart)):
        if path == ("runs",):  # whose pods Argo makes
            continue
        own = {**POD, "nodeSelector": {"own": "-".join(path)}}
        found = pods_with(chart, tmp_path, {"pods": {"podLabels": {"of": "all"}}} | nested(path, {"pod": own}))
        here = {name for name, template in found.items() if template["spec"].get("nodeSelector") == own["nodeSelector"]}
        assert len(here) == (2 if path == ("backup",) else 1), path  # that, and going back
        assert not here & reached, path
        reached |= here
        for name in here:
            assert found[name]["metadata"]["labels"].items() >= {"of": "all", "team": "ml"}.items()
            assert found[name]["spec"]["priorityClassName"] == "important"
    hooks = {name for name in pods_with(chart, tmp_path, {}) if name.startswith("Pod ")}
    assert set(pods_with(chart, tmp_path, {})) - hooks == reached


def test_the_pods_that_argo_makes_have_it_by_argos_names(tmp_path: Path) -> None:
    def spec(values: Document) -> Document:
        file = tmp_path / "values.yaml"
        file.write_text(json.dumps(values), encoding="utf-8")
        assert HELM is not None
        config = one(rendered(HELM, "kubeflow-pipelines", files=[file]), "ConfigMap", "workflow-controller-configmap")["data"]
        found: Document = yaml.safe_load(config["workflowDefaults"])["spec"]
        return found

    fields = {"nodeSelector", "tolerations", "affinity", "podPriorityClassName", "podMetadata"}
    assert not fields & set(spec({}))
    for values in ({"pods": POD}, {"runs": {"pod": {name: POD[name] for name in [*list(POD)[:4], "podLabels", "podAnnotations"]}}}):
        found = spec(values)
        assert found["podMetadata"] == {"labels": POD["podLabels"], "annotations": POD["podAnnotations"]}
        assert found["podPriorityClassName"] == "important"
        assert {name: found[name] for name in ("nodeSelector", "tolerations", "affinity")} == dict(list(POD.items())[:3])


@pytest.mark.parametrize("chart", CHARTS)
def test_a_variable_of_the_sites_own_takes_the_place_of_the_charts(chart: str, tmp_path: Path) -> None:
    name = {"ratchet": "RATCHET_ACTOR", "platform": "AWS_REGION", "kubeflow-pipelines": "CLUSTER_DOMAIN"}[chart]
    seen = 0
    for pod, template in pods_with(chart, tmp_path, {"pods": {"extraEnv": [{"name": name, "value": "own"}]}}).items():
        for container in template["spec"]["containers"]:
            values = [item for item in container["env"] if item["name"] == name]
            assert values == [{"name": name, "value": "own"}], pod
            assert len({item["name"] for item in container["env"]}) == len(container["env"]), pod
            seen += 1
    assert seen


@pytest.mark.parametrize("chart", CHARTS)
def test_every_pod_passes_the_restricted_pod_security_standard(chart: str, tmp_path: Path) -> None:
    # https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    for name, template in pods_with(chart, tmp_path, {}).items():
        spec = template["spec"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), name
        kinds = {kind for volume in spec.get("volumes", []) for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "csi", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret"}, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
            assert not {"hostPort"} & {key for port in container.get("ports", []) for key in port}, name


@pytest.mark.parametrize("chart", CHARTS)
def test_a_release_whose_values_are_of_an_older_chart_can_be_upgraded(chart: str) -> None:
    # `--reuse-values` knows no section that has come since, which null takes away here
    assert HELM is not None
    gone = {"platform": ["pods", "networkPolicy", "backup"], "kubeflow-pipelines": ["pods", "networkPolicy"]}
    gone["ratchet"] = ["pods", "admission", "check", "kubeflow.runSeconds", "kubeflow.ttlSeconds", "serving.pod"]
    more = ["kubeflow.url=http://ml-pipeline:8888"] if chart == "ratchet" else []
    documents = rendered(HELM, chart, *(f"{section}=null" for section in gone[chart]), *more)
    wanted = {"ratchet": "ValidatingAdmissionPolicy"}.get(chart, "NetworkPolicy")
    assert wanted in {document["kind"] for document in documents}


@pytest.mark.parametrize("chart", CHARTS)
def test_every_image_is_named_by_digest_where_one_is_given(chart: str, tmp_path: Path) -> None:
    def images(values: Document) -> Document:
        found = {name: images(value) for name, value in values.items() if isinstance(value, dict)}
        by_digest = {"digest": DIGEST} if "repository" in values else {}
        return {name: value for name, value in found.items() if value} | by_digest

    for name, template in pods_with(chart, tmp_path, images(defaults(chart))).items():
        for container in [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]:
            assert container["image"].endswith(f"@{DIGEST}"), f"{name}: {container['image']}"


@pytest.mark.parametrize(
    ("chart", "values", "sentence"),
    [
        ("ratchet", {"pods": {"podAnnotations": {"ratchet.dev/model-version": "3"}}}, "model-version"),
        ("ratchet", {"serving": {"pod": {"podAnnotations": {"ratchet.dev/canary": "4@10"}}}}, "canary"),
        ("ratchet", {"pods": {"extraEnv": [{"name": "RATCHET_MODEL_VERSION", "value": "3"}]}}, "RATCHET_MODEL_VERSION|extraEnv"),
        ("ratchet", {"ui": {"userHeader": "X-User"}, "networkPolicy": {"enabled": False}}, "name your proxy in ui.from"),
        ("ratchet", {"ui": {"userHeader": "X-User"}, "networkPolicy": {"enabled": True}}, "name your proxy in ui.from"),
        ("ratchet", {"pods": {"extraEnv": [{"name": "RATCHET_MODEL_DIGEST", "value": "a"}]}}, "RATCHET_MODEL_DIGEST|extraEnv"),
        ("platform", {"pods": {"podLabels": {"app.kubernetes.io/name": "other"}}}, "app.kubernetes.io/name"),
        # the policies select by it: a pod without it would be closed to its own, or open to all
        ("platform", {"postgres": {"pod": {"podLabels": {"app.kubernetes.io/part-of": "crm"}}}}, "app.kubernetes.io/part-of"),
        ("ratchet", {"pods": {"podLabels": {"app.kubernetes.io/part-of": "crm"}}}, "app.kubernetes.io/part-of"),
        ("kubeflow-pipelines", {"pods": {"podLabels": {"app.kubernetes.io/part-of": "crm"}}}, "app.kubernetes.io/part-of"),
        ("kubeflow-pipelines", {"runs": {"pod": {"extraEnv": []}}}, "runs"),
        ("kubeflow-pipelines", {"mysql": {"pod": {"nodeSelectors": {}}}}, "nodeSelectors"),
    ],
)
def test_what_would_break_a_release_is_refused(chart: str, values: Document, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=sentence):
        pods_with(chart, tmp_path, values)


@pytest.mark.parametrize(("deadline", "lives"), [("99999999999", True), ("1", False), ("", False)])
def test_a_watcher_that_does_not_come_round_is_ended(tmp_path: Path, deadline: str, lives: bool) -> None:
    watch = pods_with("ratchet", tmp_path, {})["Deployment ratchet-watch"]["spec"]["containers"][0]
    file = watch["command"][watch["command"].index("--alive") + 1]
    assert file.rpartition("/")[0] in {mount["mountPath"] for mount in watch["volumeMounts"]}
    alive = tmp_path / "alive"
    if deadline:
        alive.write_text(deadline, encoding="ascii")
    shell, *arguments = [text.replace(file, str(alive)) for text in watch["livenessProbe"]["exec"]["command"]]
    done = subprocess.run([f"/bin/{shell}", *arguments], check=False, capture_output=True)
    assert (done.returncode == 0) is lives


# it answers on no port, and what goes wrong in it ends the process: Kubeflow's own program, or a shell that waits
PORTLESS = {"Deployment ml-pipeline-persistenceagent", "Deployment ratchet-toolbox"}


@pytest.mark.parametrize("chart", CHARTS)
def test_every_pod_that_stays_is_asked_whether_it_lives(chart: str, tmp_path: Path) -> None:
    for name, template in pods_with(chart, tmp_path, {}).items():
        if name.startswith(("Deployment", "StatefulSet")) and name not in PORTLESS:
            assert "livenessProbe" in template["spec"]["containers"][0], name


def variables(template: Document) -> set[str]:
    return {item["name"] for item in template["spec"]["containers"][0]["env"]}


def test_a_page_that_nobody_acts_on_gets_what_it_shows_and_no_more(tmp_path: Path) -> None:
    found = pods_with("ratchet", tmp_path, {"kubeflow": {"url": "http://ml-pipeline:8888"}, "ui": {"connectionsSecret": "readers"}})
    page = found["Deployment ratchet-ui"]
    assert page["spec"]["containers"][0]["envFrom"] == [{"configMapRef": {"name": "ratchet-pipeline"}}]
    assert variables(page) == {
        *("RATCHET_TRACKING_URI", "RATCHET_LEDGER_URL", "RATCHET_REQUESTS_URL", "RATCHET_SNAPSHOTS_URL", "RATCHET_REPORTS_URL"),
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL_S3"),
        *("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"),
        *("RATCHET_UI_HOST", "RATCHET_UI_PORT", "FORWARDED_ALLOW_IPS"),
    }
    secrets = {item["valueFrom"]["secretKeyRef"]["name"] for item in page["spec"]["containers"][0]["env"] if "valueFrom" in item}
    assert secrets == {"readers"}
    acting = pods_with("ratchet", tmp_path, {"ui": {"tokenSecret": "token", "connectionsSecret": "readers"}})[
        "Deployment ratchet-ui"
    ]
    assert {"secretRef": {"name": "ratchet-connections-promoter"}} in acting["spec"]["containers"][0]["envFrom"]


@pytest.mark.parametrize("part", ["serving", "exporter", "retention", "score"])
def test_a_part_can_have_addresses_and_keys_of_its_own(part: str, tmp_path: Path) -> None:
    found = pods_with("ratchet", tmp_path, {part: {"connectionsSecret": "own"}})
    (template,) = [template for name, template in found.items() if name.endswith(f"ratchet-{part}")]
    used = [
        item["valueFrom"]["secretKeyRef"]["name"]
        for item in template["spec"]["containers"][0]["env"]
        if "valueFrom" in item and "secretKeyRef" in item["valueFrom"]
    ]
    assert len(used) >= 3
    assert set(used) == {"own"}


def test_what_deletes_answers_signs_the_record_and_publishes_the_head(tmp_path: Path) -> None:
    template = pods_with("ratchet", tmp_path, {})["CronJob ratchet-retention"]
    assert "RATCHET_LEDGER_KEY" in variables(template)
    assert (template["spec"]["serviceAccountName"], template["spec"]["automountServiceAccountToken"]) == ("ratchet-promoter", True)


def test_the_page_believes_the_proxys_header_where_only_the_proxy_reaches_it(tmp_path: Path) -> None:
    proxy = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
    values = {"ui": {"userHeader": "X-Auth-Request-Email", "from": [proxy]}, "networkPolicy": {"enabled": True}}
    page = pods_with("ratchet", tmp_path, values)["Deployment ratchet-ui"]["spec"]["containers"][0]
    assert {"name": "RATCHET_UI_USER_HEADER", "value": "X-Auth-Request-Email"} in page["env"]

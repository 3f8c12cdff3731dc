"""What the charts' objects are called, and that two releases of the ratchet chart get into nobody's way. helm renders them."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest

from cluster.shell import run
from ratchet.core.errors import UserError
from serving.door import hosts_for
from tests.cluster.rendering import Helm, found_helm, one, pod_template, rendered

Document = dict[str, Any]
HELM = found_helm()
pytestmark = pytest.mark.skipif(HELM is None, reason="helm is missing: https://helm.sh/docs/intro/install, or `make cluster-up`")

EVERY_PART = [
    *(f"{part}.enabled=true" for part in ("exporter", "watch", "ui", "autoscaling", "ingress", "ui.ingress", "networkPolicy")),
    *(f"monitoring.{part}.enabled=true" for part in ("serviceMonitor", "prometheusRule", "dashboard")),
    "retention.schedule=0 5 * * *",
    "kubeflow.url=http://ml-pipeline.ratchet.svc:8888",
    "kubeflow.namespace=ratchet",
]
# Of releases made before there were overrides: one that changes makes another object.
NAMES = {
    "ratchet": {
        "ConfigMap": "check pipeline project serving-dashboard",
        "CronJob": "pipeline retention score",
        "Deployment": "exporter serving toolbox ui watch",
        "HorizontalPodAutoscaler": "serving",
        "Ingress": "serving ui",
        "Job": "check migrate",
        "Lease": "promotion",
        "NetworkPolicy": "serving ui",
        "Pod": "predict",
        "PodDisruptionBudget": "serving",
        "PrometheusRule": "serving",
        "Role": "exporter promoter score ui",
        "RoleBinding": "exporter promoter score ui",
        "Service": "exporter serving ui",
        "ServiceAccount": "exporter promoter score ui",
        "ServiceMonitor": "exporter serving",
        "ValidatingAdmissionPolicy": "promoter.ratchet",
        "ValidatingAdmissionPolicyBinding": "promoter.ratchet",
    },
    "platform": {
        "ConfigMap": "mlflow postgres s3",
        "Deployment": "mlflow",
        "NetworkPolicy": "deny mlflow postgres s3",
        "Pod": "answers",
        "Secret": "credentials s3 s3-backup s3-mlflow s3-promoter s3-reader",
        "Service": "mlflow postgres s3",
        "StatefulSet": "postgres s3",
    },
    "kubeflow-pipelines": {
        "ConfigMap": "api-server metadata-proxy",
        "NetworkPolicy": "deny mysql",
        "Pod": "answers",
        "Secret": "mysql",
        "Service": "mysql",
        "StatefulSet": "mysql",
    },
}
# Kubeflow's programs ask for these; the Secret's name is a value of its own
FIXED = re.compile(
    r"ml-pipeline.*|metadata-grpc.*|workflow-controller.*|kfp-launcher|pipeline-runner|ratchet-connections.*|.*\.org|.*\.io"
)


@cache
def render(chart: str, *values: str, namespace: str = "ratchet", release: str = "") -> list[Document]:
    assert HELM is not None
    return rendered(HELM, chart, *(EVERY_PART if chart == "ratchet" else []), *values, namespace=namespace, release=release)


def names(documents: list[Document]) -> dict[str, str]:
    """Names by kind, those apart that no release has a say in."""
    found: dict[str, set[str]] = {}
    for document in documents:
        if not FIXED.fullmatch(document["metadata"]["name"]):
            found.setdefault(document["kind"], set()).add(document["metadata"]["name"])
    return {kind: " ".join(sorted(there)) for kind, there in found.items()}


def beginning(chart: str, prefix: str) -> dict[str, str]:
    return {kind: " ".join(f"{prefix}-{end}" for end in ends.split()) for kind, ends in NAMES[chart].items()}


def objects(documents: list[Document], namespace: str) -> set[tuple[str, str, str]]:
    return {
        (document["kind"], document["metadata"].get("namespace", namespace), document["metadata"]["name"]) for document in documents
    }


def selectors(document: Document) -> Iterator[dict[str, str]]:
    """What it looks for pods or Services by, in its own namespace."""
    spec = document.get("spec") or {}
    selector = spec.get("selector") or spec.get("podSelector")
    if selector:
        yield selector.get("matchLabels", selector)
    for rule in spec.get("ingress") or []:
        yield from (
            peer["podSelector"]["matchLabels"] for peer in rule.get("from", []) if "matchLabels" in peer.get("podSelector", {})
        )
    template = pod_template(document)
    for spread in template["spec"].get("topologySpreadConstraints", []) if template else []:
        yield spread["labelSelector"]["matchLabels"]


def labels(documents: list[Document]) -> Iterator[dict[str, str]]:
    """Of every object, and of every pod that one makes."""
    for document in documents:
        yield document["metadata"]["labels"]
        if template := pod_template(document):
            yield template["metadata"]["labels"]


def mentions(document: Document) -> Iterator[tuple[str, str]]:
    """Kind and name of what it leads to."""
    text = json.dumps(document)
    for key, kind in (("configMapRef", "ConfigMap"), ("configMap", "ConfigMap"), ("serviceAccountName", "ServiceAccount")):
        yield from ((kind, name) for name in re.findall(rf'"{key}": (?:{{"name": )?"([^"]+)"', text))
    for variable, kind in (
        ("DEPLOYMENT", "Deployment"),
        ("LEASE", "Lease"),
        ("KFP_SETTINGS", "ConfigMap"),
        ("KFP_PROJECT", "ConfigMap"),
    ):
        yield from ((kind, name) for name in re.findall(rf'"(?:name": ")?RATCHET_{variable}"(?:, "value")?: "([^"]+)"', text))
    for rule in document.get("rules", []):
        kind = {"deployments": "Deployment", "leases": "Lease"}.get(rule["resources"][0], "")
        yield from ((kind, name) for name in rule.get("resourceNames", []) if kind)
    if "roleRef" in document:
        yield "Role", document["roleRef"]["name"]
        yield from ((subject["kind"], subject["name"]) for subject in document["subjects"])
    if target := (document.get("spec") or {}).get("scaleTargetRef"):
        yield target["kind"], target["name"]
    yield from (("Service", name) for name in re.findall(r'"service": {"name": "([^"]+)"', text))
    yield from (("Service", name) for name in re.findall(r"http://([a-z-]+-serving)[.:]", text))


@pytest.mark.parametrize("chart", NAMES)
def test_names_and_selectors_are_those_of_releases_made_before(chart: str) -> None:
    documents = render(chart)
    assert names(documents) == beginning(chart, chart)
    assert names(render(chart, release="mine")) == beginning(chart, "mine")
    for document in documents:
        if document["kind"] in {"Deployment", "StatefulSet"}:
            selector = document["spec"]["selector"]["matchLabels"]
            assert set(selector) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
            assert selector["app.kubernetes.io/instance"] == chart


@pytest.mark.parametrize("chart", NAMES)
@pytest.mark.parametrize(
    ("values", "prefix"),
    [
        (["nameOverride=churn"], "mine-churn"),
        (["nameOverride=mi"], "mine"),  # the release's name has it already
        (["fullnameOverride=churn"], "churn"),
        (["fullnameOverride=churn", "nameOverride=other"], "churn"),
        ([f"nameOverride={'a' * 42}"], f"mine-{'a' * 37}"),
    ],
)
def test_overrides_change_every_name_and_no_selector(chart: str, values: list[str], prefix: str) -> None:
    documents = render(chart, *values, release="mine")
    assert names(documents) == beginning(chart, prefix)
    assert {found["app.kubernetes.io/instance"] for found in labels(documents)} == {"mine"}
    assert {
        found["app.kubernetes.io/instance"]
        for document in documents
        for found in selectors(document)
        if "app.kubernetes.io/instance" in found
    } == {"mine"}


@pytest.mark.parametrize("values", [[], ["nameOverride=churn"], ["fullnameOverride=churn"], ["ui.tokenSecret=token"]])
def test_what_leads_to_an_object_of_the_release_leads_to_one_that_is_there(values: list[str]) -> None:
    documents = render("ratchet", *values, release="mine")
    there = {(document["kind"], document["metadata"]["name"]) for document in documents}
    led = {found for document in documents for found in mentions(document)}
    assert {kind for kind, _ in led} == {"ConfigMap", "ServiceAccount", "Deployment", "Lease", "Role", "Service"}
    assert led - there == {("ServiceAccount", "pipeline-runner")}  # Kubeflow's


def test_the_longest_names_are_short_enough() -> None:
    limits = {"CronJob": 52, "Service": 63, "Deployment": 63, "Lease": 63}
    for document in render("ratchet", f"fullnameOverride={'a' * 42}"):
        assert len(document["metadata"]["name"]) <= limits.get(document["kind"], 253)
    with pytest.raises(UserError, match="does not match pattern"):
        render("ratchet", f"fullnameOverride={'a' * 43}")


# the first release, and another model beside it: in the same namespace, and in another one with Kubeflow's tasks in the first one's
@pytest.fixture(params=["ratchet", "team"])
def two(request: pytest.FixtureRequest) -> tuple[list[Document], list[Document], str]:
    namespace: str = request.param
    return render("ratchet"), render("ratchet", release="fraud", namespace=namespace), namespace


def test_two_models_share_no_object(two: tuple[list[Document], list[Document], str]) -> None:
    first, second, namespace = two
    others = [*render("platform", "connections.namespaces={team}"), *render("kubeflow-pipelines")]
    assert not objects(first, "ratchet") & objects(second, namespace)
    assert not objects(others, "ratchet") & (objects(first, "ratchet") | objects(second, namespace))


def without_peers(document: Document) -> Document:
    """A policy of the platform names by its peers whom it lets in: every model's pods, which is what it is for."""
    if document["kind"] != "NetworkPolicy":
        return document
    ingress = [{**rule, "from": []} for rule in document["spec"]["ingress"]]
    return {**document, "spec": {**document["spec"], "ingress": ingress}}


def test_no_selector_of_one_model_finds_what_is_the_others(two: tuple[list[Document], list[Document], str]) -> None:
    first, second, _ = two
    others = [without_peers(document) for document in [*render("platform"), *render("kubeflow-pipelines")]]
    for mine, theirs in ((first, [*second, *others]), (second, [*first, *others]), (others, [*first, *second])):
        wanted = [selector for document in mine for selector in selectors(document)]
        assert len(wanted) >= 10
        for selector in wanted:
            assert not [found for found in labels(theirs) if selector.items() <= found.items()], selector


def test_a_models_promoter_has_rights_to_its_own_deployment_and_lease_alone(
    two: tuple[list[Document], list[Document], str],
) -> None:
    first, second, namespace = two
    for documents, release, place in ((first, "ratchet", "ratchet"), (second, "fraud", namespace)):
        named = {
            name for role in documents if role["kind"] == "Role" for rule in role["rules"] for name in rule.get("resourceNames", [])
        }
        assert named == {f"{release}-serving", f"{release}-promotion"}
        subjects = one(documents, "RoleBinding", f"{release}-promoter")["subjects"]
        assert [(subject["name"], subject["namespace"]) for subject in subjects] == [
            (f"{release}-promoter", place),
            ("pipeline-runner", "ratchet"),
        ]


def test_tasks_of_two_models_can_act_as_two_accounts() -> None:
    documents = render("kubeflow-pipelines", "pipelineRunner.others={fraud-runner}")
    rights = [one(documents, "Role", name)["rules"] for name in ("pipeline-runner", "fraud-runner")]
    assert rights[0] == rights[1]
    for name in ("pipeline-runner", "fraud-runner"):
        assert one(documents, "RoleBinding", name)["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": "ratchet"}]
        assert one(documents, "ServiceAccount", name)["automountServiceAccountToken"] is True
    for release, name in (("ratchet", "pipeline-runner"), ("fraud", "fraud-runner")):
        ours = render("ratchet", f"kubeflow.serviceAccount={name}", release=release)
        subjects = one(ours, "RoleBinding", f"{release}-promoter")["subjects"]
        assert [subject["name"] for subject in subjects] == [f"{release}-promoter", name]


def test_settings_schedules_and_tasks_of_two_models_are_apart(two: tuple[list[Document], list[Document], str]) -> None:
    first, second, namespace = two
    settings = [one_of(first, "ratchet-pipeline", "ratchet"), one_of(second, "fraud-pipeline", namespace)]
    for key in ("RATCHET_DEPLOYMENT", "RATCHET_LEASE", "RATCHET_SERVING_URL"):
        assert len({found["data"][key] for found in settings}) == 2, key
    assert settings[1]["data"]["RATCHET_SERVING_URL"] == f"http://fraud-serving.{namespace}:3000"
    # what the pods of tasks get lies where those run
    assert one_of(second, "fraud-pipeline", "ratchet")["data"] == settings[1]["data"]
    assert one_of(second, "fraud-project", "ratchet")["data"] == one_of(second, "fraud-project", namespace)["data"]
    (container,) = one(second, "CronJob", "fraud-pipeline")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    variables = {item["name"]: item.get("value") for item in container["env"]}
    assert (variables["RATCHET_KFP_SETTINGS"], variables["RATCHET_KFP_PROJECT"]) == ("fraud-pipeline", "fraud-project")


def one_of(documents: list[Document], name: str, namespace: str) -> Document:
    (found,) = [item for item in documents if item["kind"] == "ConfigMap" and item["metadata"]["name"] == name
                and item["metadata"].get("namespace") == namespace]  # fmt: skip
    return found


def test_prometheus_and_grafana_keep_two_models_apart(two: tuple[list[Document], list[Document], str]) -> None:
    seen: dict[str, set[str]] = {"release": set(), "file": set(), "uid": set(), "title": set()}
    for documents, release, namespace in ((two[0], "ratchet", "ratchet"), (two[1], "fraud", two[2])):
        for part in ("serving", "exporter"):
            (endpoint,) = one(documents, "ServiceMonitor", f"{release}-{part}")["spec"]["endpoints"]
            assert endpoint["relabelings"] == [{"targetLabel": "release", "replacement": release}]
        seen["release"].add(release)
        rules = json.dumps(one(documents, "PrometheusRule", f"{release}-serving"))
        assert set(re.findall(r"absent\(\w+(.*?)\)", rules)) == {rf"{{namespace=\"{namespace}\", release=\"{release}\"}}"}
        ((file, text),) = one(documents, "ConfigMap", f"{release}-serving-dashboard")["data"].items()
        dashboard = json.loads(text)
        seen["file"].add(file)
        seen["uid"].add(dashboard["uid"])
        seen["title"].add(dashboard["title"])
        assert len(dashboard["uid"]) <= 40  # more Grafana does not take
    assert {key: len(found) for key, found in seen.items()} == dict.fromkeys(seen, 2)


def test_the_platforms_connections_hold_in_another_namespace() -> None:
    documents = render("platform", "connections.namespaces={team,ratchet,team}")
    written = {
        item["metadata"].get("namespace"): item["stringData"]
        for item in documents
        if item["metadata"]["name"] == "ratchet-connections"
    }
    assert len([item for item in documents if item["metadata"]["name"] == "ratchet-connections"]) == 2
    here, there = written[None], written["team"]
    assert set(here) == set(there)
    parts = {"RATCHET_TRACKING_URI": "mlflow", "RATCHET_LEDGER_URL": "postgres", "AWS_ENDPOINT_URL_S3": "s3"}
    for key, part in parts.items():
        assert urlsplit(here[key]).hostname == f"platform-{part}.ratchet"
        assert urlsplit(there[key]).hostname == f"platform-{part}.ratchet.svc"
    assert {key: value.replace(".ratchet.svc", ".ratchet") for key, value in there.items()} == here
    (container,) = one(documents, "Deployment", "platform-mlflow")["spec"]["template"]["spec"]["containers"]
    allowed = container["args"][-1].split(",")
    for address in (here, there):
        host = urlsplit(address["RATCHET_TRACKING_URI"]).netloc
        assert any(fnmatch.fnmatch(host, pattern) for pattern in allowed), host


def test_connections_that_are_not_written_here_are_written_nowhere_else() -> None:
    with pytest.raises(UserError, match=r"connections\.create is off"):
        render("platform", "connections.create=false", "connections.namespaces={team}")


@pytest.mark.parametrize("chart", NAMES)
def test_lint_has_nothing_to_say(chart: str) -> None:
    assert isinstance(HELM, Helm)
    project = ["--set-file", "project=ratchet.yaml"] if chart == "ratchet" else []
    run([HELM.program, "lint", "--strict", f"charts/{chart}", *project])


@pytest.mark.parametrize("chart", NAMES)
def test_an_upgrade_that_reuses_the_values_of_a_release_made_before_renders_the_same(chart: str) -> None:
    """`helm upgrade --reuse-values` takes no new value of the chart."""
    new = {"platform": ["connections.namespaces"], "kubeflow-pipelines": ["pipelineRunner.others"], "ratchet": ["check"]}
    without = [f"{value}=null" for value in ("nameOverride", "fullnameOverride", *new.get(chart, []))]
    assert objects(render(chart, *without), "ratchet") == objects(render(chart), "ratchet")


def test_the_project_is_read_by_the_image_that_is_to_run_before_anything_changes() -> None:
    documents = render("ratchet", "image.tag=new", "imagePullSecrets[0]=pull")
    job, project = one(documents, "Job", "ratchet-check"), one(documents, "ConfigMap", "ratchet-check")
    for hook in (job, project):
        assert hook["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    weights = [int(hook["metadata"]["annotations"]["helm.sh/hook-weight"]) for hook in (project, job)]
    assert weights == sorted(set(weights))  # the project first
    assert job["spec"]["backoffLimit"] == 0
    spec = job["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert (container["image"], container["command"]) == ("ratchet/ratchet:new", ["ratchet", "validate"])
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    assert {"name": "project", "configMap": {"name": "ratchet-check"}} in spec["volumes"]
    assert project["data"] == one_of(documents, "ratchet-project", "ratchet")["data"]


def test_the_check_can_be_left_out_where_no_hooks_are_run() -> None:
    assert not [item for item in render("ratchet", "check.enabled=false") if item["metadata"]["name"] == "ratchet-check"]


@pytest.mark.parametrize("chart", NAMES)
def test_helm_renders_without_being_told_which_kubernetes(chart: str) -> None:
    """A helm that was built without its version takes a cluster for 1.20, and refuses charts that ask for more."""
    assert isinstance(HELM, Helm)
    project = ["--set-file", "project=ratchet.yaml"] if chart == "ratchet" else []
    HELM.helm("template", chart, f"charts/{chart}", *project)
    assert HELM.helm("version", "--template", "{{.Version}}").count(".") == 2


HOSTS = {"a list": "serving.hosts={api.example.com}", "a variable": "serving.env.RATCHET_HOSTS=api.example.com"}


def _variables(documents: list[Document], kind: str, name: str) -> dict[str, str]:
    (container,) = one(documents, kind, name)["spec"]["template"]["spec"]["containers"]
    names = [item["name"] for item in container["env"]]
    assert len(names) == len(set(names))
    return {item["name"]: item["value"] for item in container["env"] if "value" in item}


@pytest.mark.parametrize("value", HOSTS.values(), ids=HOSTS)
def test_where_serving_answers_to_certain_names_the_promoter_is_still_answered(value: str) -> None:
    assert HELM is not None
    documents = rendered(HELM, "ratchet", value, "ingress.enabled=true", "ingress.host=in.example.com", release="fraud")
    known = hosts_for("", _variables(documents, "Deployment", "fraud-serving")["RATCHET_HOSTS"], "RATCHET_HOSTS")
    assert known is not None
    asked = urlsplit(one(documents, "ConfigMap", "fraud-pipeline")["data"]["RATCHET_SERVING_URL"]).hostname
    service = {"fraud-serving", "fraud-serving.ratchet", "fraud-serving.ratchet.svc", "fraud-serving.ratchet.svc.cluster.local"}
    assert {"api.example.com", "in.example.com", asked, *service} <= known
    assert "evil.example.com" not in known


def test_without_names_serving_answers_to_any() -> None:
    assert HELM is not None
    assert "RATCHET_HOSTS" not in _variables(rendered(HELM, "ratchet"), "Deployment", "ratchet-serving")


@pytest.mark.parametrize("place", ["pods", "serving.pod"])
def test_names_that_would_lock_the_promoter_out_are_refused_with_where_to_write_them(place: str) -> None:
    assert HELM is not None
    variable = [f"{place}.extraEnv[0].name=RATCHET_HOSTS", f"{place}.extraEnv[0].value"]
    with pytest.raises(UserError, match="write them into serving"):
        rendered(HELM, "ratchet", variable[0], f"{variable[1]}=api.example.com")
    rendered(HELM, "ratchet", variable[0], f"{variable[1]}=api.example.com\\,ratchet-serving.ratchet")

"""Who reaches PostgreSQL, S3, MLflow and Kubeflow's API: whoever needs to, by what its own pod is told, and nobody else."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.images import ROOT
from pipelines import task_pods
from tests.cluster.rendering import found_helm, one, pod_template, rendered
from tests.integration.test_chart_pods import defaults, everything
from tests.support.network_policies import At, allowed

Document = dict[str, Any]
HELM = found_helm()
pytestmark = pytest.mark.skipif(HELM is None, reason="helm is missing: https://helm.sh/docs/intro/install, or `make cluster-up`")

HOME = "ratchet"
# each Service of the three charts that somebody connects to by a name and a port
ADDRESS = re.compile(
    r"(?<![\w.-])(platform-(?:postgres|s3|mlflow)|ml-pipeline|metadata-grpc-service|kubeflow-pipelines-mysql)(?![\w-])"
)
KEPT = ["platform-postgres", "platform-s3", "platform-mlflow", "ml-pipeline", "metadata-grpc-service", "kubeflow-pipelines-mysql"]

# what programs of Kubeflow ask by names that stand in them
BUILT_IN = {
    ("ml-pipeline-persistenceagent", "ml-pipeline"),
    ("ml-pipeline-scheduledworkflow", "ml-pipeline"),
    ("ml-pipeline", "metadata-grpc-service"),
}


@dataclass(frozen=True)
class Site:
    """All three charts as they are rendered, in one namespace, with a second model in another where `other` names one."""

    documents: tuple[tuple[str, Document], ...]  # with the namespace

    def of(self, kind: str) -> list[tuple[str, Document]]:
        return [(space, item) for space, item in self.documents if item["kind"] == kind]

    @property
    def policies(self) -> list[Document]:
        return [{**item, "metadata": {"namespace": space, **item["metadata"]}} for space, item in self.of("NetworkPolicy")]

    def pods(self) -> dict[str, tuple[At, Document]]:
        found = {}
        for space, document in self.documents:
            if (template := pod_template(document)) is not None:
                ports = {
                    item["name"]: item["containerPort"] for box in template["spec"]["containers"] for item in box.get("ports", [])
                }
                name = f"{space}/{document['kind']} {document['metadata']['name']}"
                found[name] = (At(space, template["metadata"]["labels"], ports), template["spec"])
        return found

    def behind(self, service: str) -> tuple[At, dict[int, int]]:
        """The pod behind a Service of the platform's namespace, and which of its ports each of the Service's is."""
        item = next(item for space, item in self.of("Service") if item["metadata"]["name"] == service and space == HOME)
        pod = next(at for at, _ in self.pods().values() if item["spec"]["selector"].items() <= at.labels.items())
        ports = {port["port"]: pod.ports.get(port["targetPort"], port["targetPort"]) for port in item["spec"]["ports"]}
        return pod, ports


@cache
def site(*, other: str = "") -> Site:
    assert HELM is not None
    documents: list[tuple[str, Document]] = []
    theirs = [f"connections.namespaces={{{other}}}"] if other else []
    kubeflow = [f"networkPolicy.namespaces={{{other}}}"] if other else []
    for chart, values in (("platform", theirs), ("kubeflow-pipelines", kubeflow)):
        documents += [(HOME, item) for item in rendered(HELM, chart, *values, *flags(chart), namespace=HOME)]
    url = ["kubeflow.url=http://ml-pipeline:8888"]
    documents += [(HOME, item) for item in rendered(HELM, "ratchet", *url, *flags("ratchet"), namespace=HOME)]
    if other:
        there = [f"kubeflow.url=http://ml-pipeline.{HOME}.svc:8888", f"kubeflow.namespace={HOME}"]
        documents += [
            (other, item) for item in rendered(HELM, "ratchet", *there, *flags("ratchet"), namespace=other, release="upsell")
        ]
    return Site(tuple((item["metadata"].get("namespace", space), item) for space, item in documents))


def flags(chart: str) -> list[str]:
    def walk(values: Document, path: str) -> list[str]:
        return [
            flag
            for name, value in values.items()
            for flag in (
                walk(value, f"{path}{name}.") if isinstance(value, dict) else [f"{path}{name}={'true' if value is True else value}"]
            )
        ]

    return walk(everything(defaults(chart)), "")


def told(where: Site, space: str, spec: Document) -> str:
    """All that a pod is told of addresses: variables, arguments, the Secrets and ConfigMaps that it reads."""
    texts = [json.dumps([container.get(key) for key in ("command", "args", "env")]) for container in spec["containers"]]
    stores = {
        (at, item["metadata"]["name"]): item.get("stringData") or item.get("data") or {}
        for kind in ("Secret", "ConfigMap")
        for at, item in where.of(kind)
    }
    for container in spec["containers"]:
        sources = [item.get("secretRef", item.get("configMapRef"))["name"] for item in container.get("envFrom", [])]
        texts += [json.dumps(stores.get((space, name), {})) for name in sources]
        keys = [
            item["valueFrom"]["secretKeyRef"] for item in container.get("env", []) if "secretKeyRef" in item.get("valueFrom", {})
        ]
        texts += [stores.get((space, key["name"]), {}).get(key["key"], "") for key in keys]
    mounted = [volume["configMap"]["name"] for volume in spec.get("volumes", []) if "configMap" in volume]
    texts += [json.dumps(stores.get((space, name), {})) for name in mounted]
    return "\n".join(texts)


def needs(where: Site) -> dict[tuple[str, str], At]:
    """Each pod and the Service that it is told of."""
    found = {}
    for name, (at, spec) in where.pods().items():
        own = {
            item["metadata"]["name"]
            for _, item in where.of("Service")
            if item["spec"].get("selector", {"": ""}).items() <= at.labels.items()
        }
        known = {service for pod, service in BUILT_IN if name == f"{HOME}/Deployment {pod}"}
        for service in known | set(ADDRESS.findall(told(where, at.namespace, spec))) - own:
            found[name, service] = at
    return found


def task(namespace: str) -> At:
    """A pod of a run on Kubeflow, as Argo labels it."""
    return At(namespace, {"workflows.argoproj.io/workflow": "continuous-training-x", "pipeline/runid": "1"}, {})


@pytest.mark.parametrize("other", ["", "sales"])
def test_every_pod_reaches_what_it_is_told_of(other: str) -> None:
    where = site(other=other)
    seen = needs(where)
    assert len({name for name, _ in seen}) >= 15, sorted(seen)
    for (name, service), at in seen.items():
        target, ports = where.behind(service)
        for port in ports.values():
            assert allowed(where.policies, at, target, port, HOME), f"{name} does not reach {service}:{port}"


def test_the_pods_of_a_run_reach_the_stores_the_api_and_the_metadata() -> None:
    assert {"RATCHET_TRACKING_URI", "RATCHET_LEDGER_URL"} <= set(task_pods.ADDRESSES)
    where = site()
    for service in ("platform-postgres", "platform-s3", "platform-mlflow", "ml-pipeline", "metadata-grpc-service"):
        target, ports = where.behind(service)
        assert all(allowed(where.policies, task(HOME), target, port, HOME) for port in ports.values()), service
    target, ports = where.behind("kubeflow-pipelines-mysql")
    assert not any(allowed(where.policies, task(HOME), target, port, HOME) for port in ports.values())


@pytest.mark.parametrize("service", KEPT)
def test_whoever_is_not_told_of_a_store_does_not_reach_it(service: str) -> None:
    where = site()
    target, ports = where.behind(service)
    strangers = {
        "a pod beside it": At(HOME, {"app": "notebook"}, {}),
        "a pod elsewhere": At("default", {}, {}),
        "Ratchet's labels elsewhere": At(
            "default", {"app.kubernetes.io/part-of": "ratchet", "app.kubernetes.io/name": "toolbox"}, {}
        ),
        "a run elsewhere": task("default"),
    }
    told_of = {at.labels["app.kubernetes.io/name"] for (_, known), at in needs(where).items() if known == service}
    for name, (at, _) in where.pods().items():
        if at.labels["app.kubernetes.io/name"] not in told_of | {target.labels["app.kubernetes.io/name"], "test"}:
            strangers[name] = at
    for name, at in strangers.items():
        for port in ports.values():
            assert not allowed(where.policies, at, target, port, HOME), f"{name} reaches {service}:{port}"


@pytest.mark.parametrize(("part", "store"), [("postgres", "PostgreSQL"), ("s3", "S3"), ("mlflow", "MLflow")])
def test_the_platforms_page_names_every_part_of_the_ratchet_chart_that_reaches_a_store(part: str, store: str) -> None:
    assert HELM is not None
    (rule,) = one(rendered(HELM, "platform"), "NetworkPolicy", f"platform-{part}")["spec"]["ingress"]
    let_in = {
        name
        for peer in rule["from"]
        if "namespaceSelector" in peer
        for expression in peer.get("podSelector", {}).get("matchExpressions", [])
        for name in expression.get("values", [])
        if not name.startswith("ml-pipeline")  # Kubeflow's, in other words
    }
    page = (ROOT / "charts" / "platform" / "README.md").read_text(encoding="utf-8").partition("## Who reaches what")[2]
    (told,) = re.findall(rf"^\| {store} \|[^|;]*;([^|;]*);[^|]*\|$", page, flags=re.MULTILINE)
    named = set(re.findall(r"\w+", told.replace("pages", "ui"))) - {"and", "of", "the", "ratchet", "chart"}
    assert named == let_in


@pytest.mark.parametrize("chart", ["platform", "kubeflow-pipelines"])
def test_no_pod_of_the_platform_is_without_a_policy(chart: str) -> None:
    where = site()
    stranger = At(HOME, {}, {"any": 1})
    for name, (at, _) in where.pods().items():
        if at.labels["helm.sh/chart"].startswith(chart):
            for port in at.ports.values() or [1]:
                assert not allowed(where.policies, stranger, at, port, HOME), name


@pytest.mark.parametrize(
    ("chart", "part", "service"), [("platform", "mlflow", "platform-mlflow"), ("kubeflow-pipelines", "apiServer", "ml-pipeline")]
)
def test_others_are_let_in_by_name_and_the_policies_can_be_left_out(chart: str, part: str, service: str, tmp_path: Path) -> None:
    assert HELM is not None
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "notebooks"}}}
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump({"networkPolicy": {"from": {part: [peer]}}}), encoding="utf-8")
    policy = one(rendered(HELM, chart, files=[file]), "NetworkPolicy", service)
    target = At(HOME, policy["spec"]["podSelector"]["matchLabels"], {"http": 5000})
    port = policy["spec"]["ingress"][0]["ports"][0]["port"]
    assert allowed([policy], At("notebooks", {}, {}), target, target.ports.get(port, port), HOME)
    assert not allowed([policy], At("elsewhere", {}, {}), target, target.ports.get(port, port), HOME)
    left = {document["kind"] for document in rendered(HELM, chart, "networkPolicy.enabled=false")}
    assert "NetworkPolicy" not in left

"""What the admission policy lets those change who may patch the serving Deployment; its CEL is evaluated on rendered objects."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import celpy
import pytest
from celpy.adapter import json_to_cel
from kubernetes.client import V1DeploymentSpec

from tests.cluster.rendering import found_helm, one, rendered

Document = dict[str, Any]
HELM = found_helm()
pytestmark = pytest.mark.skipif(HELM is None, reason="helm is missing: https://helm.sh/docs/intro/install, or `make cluster-up`")

NAME = "ratchet-promoter.ratchet"
KUBEFLOW = ["kubeflow.url=http://ml-pipeline.team:8888", "kubeflow.namespace=team", "kubeflow.serviceAccount=runner"]
SUBJECTS = [
    "promoter.extraSubjects[0].kind=User",
    "promoter.extraSubjects[0].name=o'hara",
    "promoter.extraSubjects[1].kind=Group",
    "promoter.extraSubjects[1].name=ml-ops",
    "promoter.extraSubjects[2].kind=ServiceAccount",
    "promoter.extraSubjects[2].name=robot",
    "promoter.extraSubjects[2].namespace=ci",
]


@cache
def policy(*values: str) -> Document:
    assert HELM is not None
    spec: Document = one(rendered(HELM, "ratchet", *values), "ValidatingAdmissionPolicy", NAME)["spec"]
    return spec


def evaluated(expression: str, **names: Any) -> Any:
    environment = celpy.Environment()
    program = environment.program(environment.compile(expression))
    return program.evaluate({name: json_to_cel(value) for name, value in names.items()})


def denied(spec: Document, before: Document, after: Document) -> list[str]:
    """The messages of the validations that do not hold."""
    both = {"object": after, "oldObject": before}
    variables = {item["name"]: evaluated(item["expression"], **both) for item in spec["variables"]}
    return [item["message"] for item in spec["validations"] if not evaluated(item["expression"], **both, variables=variables)]


def bounded(spec: Document, user: str, *groups: str) -> bool:
    (condition,) = spec["matchConditions"]
    return bool(
        evaluated(condition["expression"], request={"userInfo": {"username": user, "groups": [*groups, "system:authenticated"]}})
    )


@pytest.fixture(scope="module")
def running() -> Document:
    """The serving Deployment as an API server has it, with a model in production."""
    assert HELM is not None
    found: Document = one(rendered(HELM, "ratchet"), "Deployment", "ratchet-serving")
    found["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "3", "ratchet.dev/pins": "2"}
    found["spec"]["template"]["metadata"]["annotations"]["ratchet.dev/model-version"] = "2"
    return found


def test_a_promotion_and_one_that_undoes_the_first_are_let_through(running: Document) -> None:
    spec = policy()
    after = copy.deepcopy(running)
    after["metadata"]["annotations"] |= {"ratchet.dev/pins": "3", "ratchet.dev/last-pin": "abc"}
    after["spec"]["template"]["metadata"]["annotations"] |= {"ratchet.dev/model-version": "3", "ratchet.dev/canary": "4@10"}
    assert denied(spec, running, after) == []
    undone = copy.deepcopy(running)
    del undone["spec"]["template"]["metadata"]["annotations"]["ratchet.dev/model-version"]
    assert denied(spec, running, undone) == []
    bare = copy.deepcopy(running)
    del bare["metadata"]["annotations"]
    assert denied(spec, bare, {**bare, "metadata": {**bare["metadata"], "annotations": {"ratchet.dev/pins": "1"}}}) == []


def _pod(spec: Document) -> Document:
    found: Document = spec["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: _pod(d)["containers"][0].update(image="evil"), "not what the pods run"),
        (lambda d: _pod(d)["containers"][0].update(command=["sh", "-c", "id"]), "not what the pods run"),
        (lambda d: _pod(d)["containers"].append({"name": "more", "image": "evil"}), "not what the pods run"),
        (lambda d: _pod(d).update(serviceAccountName="ratchet-promoter"), "not what the pods run"),
        (lambda d: _pod(d)["volumes"].append({"name": "node", "hostPath": {"path": "/"}}), "not what the pods run"),
        (lambda d: d["spec"]["template"]["metadata"]["annotations"].update({"example.com/inject": "yes"}), "of the pods alone"),
        (lambda d: d["spec"]["template"]["metadata"]["annotations"].pop("checksum/project"), "of the pods alone"),
        (lambda d: d["metadata"]["annotations"].update({"deployment.kubernetes.io/revision": "9"}), "of the Deployment alone"),
        (lambda d: d["metadata"]["annotations"].pop("deployment.kubernetes.io/revision"), "of the Deployment alone"),
        (lambda d: d["spec"]["template"]["metadata"]["labels"].update(team="theirs"), "changes no labels"),
        (lambda d: d["metadata"]["labels"].update({"app.kubernetes.io/managed-by": "me"}), "changes no labels"),
        (lambda d: d["metadata"].update(finalizers=["example.com/stay"]), "neither owners nor finalizers"),
        (lambda d: d["metadata"].update(ownerReferences=[{"name": "gone"}]), "neither owners nor finalizers"),
        (lambda d: d["spec"].update(replicas=0), "the Deployment's replicas"),
        (lambda d: d["spec"].update(paused=True), "the Deployment's paused"),
        (lambda d: d["spec"].update(minReadySeconds=3600), "the Deployment's minReadySeconds"),
        (lambda d: d["spec"].update(strategy={"type": "Recreate"}), "the Deployment's strategy"),
        (lambda d: d["spec"].pop("revisionHistoryLimit"), "the Deployment's revisionHistoryLimit"),
        (lambda d: d["spec"].update(progressDeadlineSeconds=1), "the Deployment's progressDeadlineSeconds"),
        (lambda d: d["spec"]["selector"]["matchLabels"].update(a="b"), "the Deployment's selector"),
    ],
)
def test_whatever_else_is_changed_is_refused_by_name(running: Document, change: Callable[[Document], Any], sentence: str) -> None:
    after = copy.deepcopy(running)
    after["spec"]["template"]["metadata"]["annotations"]["ratchet.dev/model-version"] = "3"
    change(after)
    (message,) = denied(policy(), running, after)
    assert sentence in message


def test_every_field_of_a_deployment_is_compared() -> None:
    # apps/v1 DeploymentSpec, as kubernetes' own client has it; a field that is added to it has to be thought about
    compared = " ".join(item["expression"] for item in policy()["validations"])
    for field in set(V1DeploymentSpec.attribute_map.values()) - {"template"}:
        assert f"object.spec.{field} == oldObject.spec.{field}" in compared, field


def test_whoever_has_the_promoters_role_is_bounded_and_nobody_else() -> None:
    alone = policy()
    assert bounded(alone, "system:serviceaccount:ratchet:ratchet-promoter")
    assert not bounded(alone, "system:serviceaccount:team:runner")
    spec = policy(*KUBEFLOW, *SUBJECTS)
    for user in (
        "system:serviceaccount:ratchet:ratchet-promoter",
        "system:serviceaccount:team:runner",
        "o'hara",
        "system:serviceaccount:ci:robot",
    ):
        assert bounded(spec, user), user
    assert bounded(spec, "anybody", "ml-ops")
    for user in (
        "system:serviceaccount:kube-system:deployment-controller",
        "kubernetes-admin",
        "system:serviceaccount:ratchet:default",
    ):
        assert not bounded(spec, user), user


def test_the_policy_fails_closed_denies_and_holds_in_the_releases_namespace() -> None:
    assert HELM is not None
    spec = policy()
    assert spec["failurePolicy"] == "Fail"
    (rule,) = spec["matchConstraints"]["resourceRules"]
    assert rule == {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "resources": ["deployments"],
        "operations": ["UPDATE"],
        "resourceNames": ["ratchet-serving"],
    }
    binding = one(rendered(HELM, "ratchet"), "ValidatingAdmissionPolicyBinding", NAME)["spec"]
    assert (binding["policyName"], binding["validationActions"]) == (NAME, ["Deny"])
    assert binding["matchResources"]["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "ratchet"}}


@pytest.mark.parametrize("release", ["ratchet", "fraud"])
def test_what_a_bounded_subject_does_to_another_deployment_is_not_asked_about(release: str) -> None:
    assert HELM is not None
    documents = rendered(HELM, "ratchet", *SUBJECTS, release=release)
    spec = one(documents, "ValidatingAdmissionPolicy", f"{release}-promoter.ratchet")["spec"]
    names = [name for rule in spec["matchConstraints"]["resourceRules"] for name in rule["resourceNames"]]
    # the one that the Role lets those subjects patch, and that only
    role = one(documents, "Role", f"{release}-promoter")
    patched = [rule["resourceNames"] for rule in role["rules"] if "patch" in rule["verbs"] and rule["resources"] == ["deployments"]]
    assert [names] == patched == [[f"{release}-serving"]]


def test_a_cluster_without_the_api_and_a_site_that_may_not_make_one_get_none() -> None:
    assert HELM is not None
    command = ["template", "ratchet", "charts/ratchet", "--set-file", "project=ratchet.yaml", "--kube-version"]
    assert "ValidatingAdmissionPolicy" not in HELM.helm(*command, "1.29.0")
    assert "ValidatingAdmissionPolicy" in HELM.helm(*command, "1.30.0")
    early = ["--api-versions", "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"]
    assert "ValidatingAdmissionPolicy" in HELM.helm(*command, "1.29.0", *early)
    assert "ValidatingAdmissionPolicy" not in HELM.helm(*command, "1.34.4", "--set", "admission.enabled=false")

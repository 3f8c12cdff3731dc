"""What the chart kubeflow-pipelines renders. That a backend made of it runs pipelines is seen where its images are at hand."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.cluster.rendering import one, pods, rendered
from tests.cluster.toolbox import Toolbox

CHART = "kubeflow-pipelines"
OWN_MYSQL = ["mysql.enabled=false", "mysql.host=db.example.com", "mysql.existingSecret=mine"]
OWN_METADATA = ["metadata.enabled=false", "metadata.host=mlmd.example.com"]
_MEBIBYTES = {"Mi": 1, "Gi": 1024}


def names(documents: list[dict[str, Any]]) -> set[str]:
    return {f"{document['kind']} {document['metadata']['name']}" for document in documents}


def definitions(documents: list[dict[str, Any]]) -> set[str]:
    return {document["metadata"]["name"] for document in documents if document["kind"] == "CustomResourceDefinition"}


def mebibytes(quantity: str) -> int:
    (found,) = re.findall(r"^(\d+)(Mi|Gi)$", quantity)
    return int(found[0]) * _MEBIBYTES[found[1]]


def server_config(documents: list[dict[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(one(documents, "ConfigMap", "kubeflow-pipelines-api-server")["data"]["config.json"])
    return content


def environment(documents: list[dict[str, Any]], deployment: str) -> dict[str, str]:
    container = one(documents, "Deployment", deployment)["spec"]["template"]["spec"]["containers"][0]
    return {item["name"]: item.get("value", "") for item in container["env"]}


def test_what_others_rely_on_has_its_name_and_port(toolbox: Toolbox) -> None:
    documents = rendered(toolbox, CHART)
    ports = {
        document["metadata"]["name"]: {port["port"] for port in document["spec"]["ports"]}
        for document in documents
        if document["kind"] == "Service"
    }
    assert ports == {
        "ml-pipeline": {8888, 8887},
        "metadata-grpc-service": {8080},
        "ml-pipeline-ui": {80},
        "kubeflow-pipelines-mysql": {3306},
    }
    assert {"ServiceAccount pipeline-runner", "ConfigMap kfp-launcher"} <= names(documents)


def test_it_has_rights_in_its_own_namespace_alone(toolbox: Toolbox) -> None:
    documents = rendered(toolbox, CHART)
    assert not {"ClusterRole", "ClusterRoleBinding"} & {document["kind"] for document in documents}
    for document in documents:
        assert "namespace" not in document["metadata"], document["metadata"]["name"]
        for rule in document.get("rules", []):
            assert "*" not in {*rule["verbs"], *rule["resources"], *rule["apiGroups"]}, document["metadata"]["name"]
            if rule["resources"] == ["secrets"]:
                assert rule["resourceNames"] == ["platform-s3"]


def test_the_account_of_a_runs_pods_reads_and_reports_and_no_more(toolbox: Toolbox) -> None:
    documents = rendered(toolbox, CHART, "pipelineRunner.name=trainer", "objectStore.existingSecret=mine")
    assert one(documents, "Role", "trainer")["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["kfp-launcher"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["mine"], "verbs": ["get"]},
        {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
        {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["get"]},
    ]
    assert server_config(documents)["DEFAULTPIPELINERUNNERSERVICEACCOUNT"] == "trainer"


def test_at_rest_it_asks_for_less_than_1200_mebibytes(toolbox: Toolbox) -> None:
    standing = [spec for name, spec in pods(rendered(toolbox, CHART)) if not name.startswith("Pod ")]
    asked = [mebibytes(container["resources"]["requests"]["memory"]) for spec in standing for container in spec["containers"]]
    assert len(asked) == 8
    assert sum(asked) < 1200


@pytest.mark.parametrize(
    ("values", "gone"),
    [
        (["ui.enabled=false"], ["Deployment ml-pipeline-ui", "Service ml-pipeline-ui", "Role ml-pipeline-ui"]),
        (["ui.metadataProxy.enabled=false"], ["ConfigMap kubeflow-pipelines-metadata-proxy"]),
        (OWN_METADATA, ["Deployment metadata-grpc"]),
        (
            OWN_MYSQL,
            ["StatefulSet kubeflow-pipelines-mysql", "Secret kubeflow-pipelines-mysql", "Service kubeflow-pipelines-mysql"],
        ),
        (["mysql.existingSecret=mine"], ["Secret kubeflow-pipelines-mysql"]),
        (["persistenceAgent.enabled=false"], ["Deployment ml-pipeline-persistenceagent", "Role ml-pipeline-persistenceagent"]),
        (["scheduledWorkflow.enabled=false"], ["Deployment ml-pipeline-scheduledworkflow", "Role ml-pipeline-scheduledworkflow"]),
        (
            ["argo.enabled=false"],
            ["Deployment workflow-controller", "Role workflow-controller", "ConfigMap workflow-controller-configmap"],
        ),
    ],
    ids=lambda item: item[0],
)
def test_each_part_can_be_left_out(toolbox: Toolbox, values: list[str], gone: list[str]) -> None:
    assert set(gone) <= names(rendered(toolbox, CHART))
    left = names(rendered(toolbox, CHART, *values))
    assert not set(gone) & left
    assert "Deployment ml-pipeline" in left


def test_definitions_stay_when_the_release_goes_and_can_be_the_clusters_own(toolbox: Toolbox) -> None:
    documents = rendered(toolbox, CHART)
    assert len(definitions(documents)) == 9
    for document in documents:
        if document["kind"] == "CustomResourceDefinition":
            assert document["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    for off in ("argo.enabled=false", "argo.crds.enabled=false"):
        assert definitions(rendered(toolbox, CHART, off)) == {"scheduledworkflows.kubeflow.org"}
    without = definitions(rendered(toolbox, CHART, "scheduledWorkflow.crds.enabled=false"))
    assert without == definitions(documents) - {"scheduledworkflows.kubeflow.org"}


def test_a_store_of_your_own_reaches_everyone_who_asks_it(toolbox: Toolbox) -> None:
    own = ["endpoint=s3.example.com:9000", "secure=true", "region=eu-west-1", "bucket=models", "prefix=a/b", "existingSecret=mine"]
    documents = rendered(toolbox, CHART, *(f"objectStore.{value}" for value in own))
    launcher = one(documents, "ConfigMap", "kfp-launcher")["data"]
    assert launcher["defaultPipelineRoot"] == "minio://models/a/b/artifacts"
    assert yaml.safe_load(launcher["providers"])["minio"]["default"] == {
        "endpoint": "s3.example.com:9000",
        "region": "eu-west-1",
        "disableSSL": False,
        "credentials": {
            "fromEnv": False,
            "secretRef": {"secretName": "mine", "accessKeyKey": "s3-access-key", "secretKeyKey": "s3-secret-key"},
        },
    }
    argo = one(documents, "ConfigMap", "workflow-controller-configmap")["data"]
    repository = yaml.safe_load(argo["artifactRepository"])
    assert repository["archiveLogs"] is True
    assert repository["s3"]["keyFormat"] == "a/b/logs/{{workflow.name}}/{{pod.name}}"
    assert (repository["s3"]["endpoint"], repository["s3"]["insecure"]) == ("s3.example.com:9000", False)
    server = server_config(documents)["ObjectStoreConfig"]
    assert (server["Host"], server["Secure"]) == ("s3.example.com:9000", True)
    assert (server["Region"], server["BucketName"]) == ("eu-west-1", "models")
    pages = environment(documents, "ml-pipeline-ui")
    assert (pages["MINIO_HOST"], pages["MINIO_PORT"], pages["MINIO_SSL"]) == ("s3.example.com", "9000", "true")
    assert environment(rendered(toolbox, CHART, "objectStore.endpoint=s3.example.com"), "ml-pipeline-ui")["MINIO_PORT"] == "80"


def test_a_database_and_a_metadata_server_of_your_own_are_asked(toolbox: Toolbox) -> None:
    documents = rendered(toolbox, CHART, *OWN_MYSQL, "mysql.port=3307")
    server = server_config(documents)["DBConfig"]["MySQLConfig"]
    assert (server["Host"], server["Port"]) == ("db.example.com", "3307")
    arguments = one(documents, "Deployment", "metadata-grpc")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert {"--mysql_config_host=db.example.com", "--mysql_config_port=3307"} <= set(arguments)
    service = one(rendered(toolbox, CHART, *OWN_METADATA), "Service", "metadata-grpc-service")["spec"]
    assert (service["type"], service["externalName"]) == ("ExternalName", "mlmd.example.com")


def test_every_image_can_be_a_sites_own(toolbox: Toolbox) -> None:
    digest = f"sha256:{'0' * 64}"
    parts = ["mysql", "apiServer", "persistenceAgent", "scheduledWorkflow", "metadata", "ui", "ui.metadataProxy", "argo"]
    parts += ["argo.executor", "runs.driver", "runs.launcher"]
    own = [value for part in parts for value in (f"{part}.image.repository=own/{part}", f"{part}.image.digest={digest}")]
    documents = rendered(toolbox, CHART, *own)
    assert set(re.findall(rf"own/[A-Za-z.]+@{digest}", json.dumps(documents))) == {f"own/{part}@{digest}" for part in parts}
    used = {container["image"] for _, spec in pods(documents) for container in spec["containers"]}
    assert {image for image in used if not image.startswith("own/")} == {"ratchet/ratchet:0.1.0"}


def test_runs_are_kept_retried_and_bounded_as_the_values_say(toolbox: Toolbox) -> None:
    documents = rendered(toolbox, CHART, "runs.ttlSeconds=600", "runs.retries=1", "runs.podGC=OnPodSuccess", "runs.user=1234")
    argo = one(documents, "ConfigMap", "workflow-controller-configmap")["data"]
    defaults = yaml.safe_load(argo["workflowDefaults"])["spec"]
    retry = defaults.pop("templateDefaults")["retryStrategy"]
    assert defaults == {"ttlStrategy": {"secondsAfterCompletion": 600}, "podGC": {"strategy": "OnPodSuccess"}}
    assert retry["limit"] == "1"
    assert "lastRetry.message != ''" in retry["expression"], "else each level of a pipeline multiplies the tries"
    executor = yaml.safe_load(argo["executor"])
    assert executor["securityContext"]["runAsUser"] == 65532
    assert executor["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in executor["resources"]["limits"]
    agent = one(documents, "Deployment", "ml-pipeline-persistenceagent")["spec"]["template"]["spec"]["containers"][0]["command"]
    assert "--ttlSecondsAfterWorkflowFinish=600" in agent
    assert environment(documents, "ml-pipeline")["DEFAULT_SECURITY_CONTEXT_RUN_AS_USER"] == "1234"
    free = environment(rendered(toolbox, CHART, "runs.user=0"), "ml-pipeline")
    assert not [name for name in free if name.startswith("DEFAULT_SECURITY_CONTEXT")]

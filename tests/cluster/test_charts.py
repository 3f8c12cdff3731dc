"""What the charts render, and that an API server takes it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from cluster.images import ROOT
from pipelines import task_pods
from ratchet.core.errors import UserError
from tests.cluster.rendering import one, pods, rendered
from tests.cluster.toolbox import Toolbox

EVERYTHING = [
    "autoscaling.enabled=true",
    "ingress.enabled=true",
    "ingress.tlsSecret=certificate",
    "networkPolicy.enabled=true",
    "networkPolicy.from[0].podSelector.matchLabels.app=shop",
    "monitoring.dashboard.enabled=true",
    "exporter.enabled=true",
    "imagePullSecrets[0]=pull",
    "pipeline.schedule=0 6 * * *",
    "serving.tolerations[0].key=gpu",
    "kubeflow.url=http://ml-pipeline:8888",
    "kubeflow.tokenSecret=kubeflow-token",
    "kubeflow.caSecret=kubeflow-ca",
    "watch.enabled=true",
    "retention.schedule=0 5 * * *",
    "ui.enabled=true",
    "ui.ingress.enabled=true",
    "ui.ingress.tlsSecret=certificate",
    "ui.from[0].namespaceSelector.matchLabels.app=ingress",
]
KEPT = ["backup.schedule=0 1 * * *", "backup.restore=20260101T000000Z", "pods.nodeSelector.pool=ml"]
BACKEND = [
    "imagePullSecrets[0]=pull",
    "objectStore.endpoint=s3.example.com:9000",
    "mysql.storageClass=fast",
    "metadata.enabled=false",
    "metadata.host=mlmd.example.com",
    "runs.podGC=",
    "runs.user=0",
    r"pipelineRunner.annotations.example\.com/identity=trainer",
]
# they ask Kubernetes for something; no other pod gets a token
WITH_TOKEN = {
    "ratchet-exporter",
    "ratchet-toolbox",
    "ratchet-pipeline",
    "ratchet-watch",
    "ratchet-ui",
    "ratchet-retention",
    "ratchet-score",
    "ml-pipeline",
    "ml-pipeline-persistenceagent",
    "ml-pipeline-scheduledworkflow",
    "ml-pipeline-ui",
    "workflow-controller",
}
PROMETHEUS = ["monitoring.serviceMonitor.enabled=true", "monitoring.prometheusRule.enabled=true"]

LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")  # where MLflow asks for one


@pytest.fixture(scope="module")
def strict_namespace(toolbox: Toolbox) -> Iterator[str]:
    """An empty one, where what is installed stands in nobody's way, and which admits restricted pods only."""
    name = "ratchet-charts"
    toolbox.cluster.kubectl("create", "namespace", name)
    try:
        toolbox.cluster.kubectl(
            "label", "namespace", name, *(f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn"))
        )
        yield name
    finally:
        toolbox.cluster.kubectl("delete", "namespace", name)


@pytest.mark.parametrize("chart", ["kubeflow-pipelines", "platform", "ratchet"])
def test_no_container_has_more_rights_than_it_needs(toolbox: Toolbox, chart: str) -> None:
    seen = 0
    every = [f"{part}.enabled=true" for part in ("watch", "exporter", "ui")] if chart == "ratchet" else []
    every += ["retention.schedule=0 5 * * *"] if chart == "ratchet" else []
    for name, spec in pods(rendered(toolbox, chart, *every)):
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is (name.split()[1] in WITH_TOKEN), name
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
            assert "memory" in container["resources"]["limits"], name
            seen += 1
    assert seen >= 4


def test_the_role_is_exactly_the_promoters_three_rights(toolbox: Toolbox) -> None:
    assert one(rendered(toolbox, "ratchet"), "Role", "ratchet-promoter")["rules"] == [
        {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["ratchet-serving"], "verbs": ["get", "patch"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": ["ratchet-promotion"],
            "verbs": ["get", "update", "patch"],
        },
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
    ]


def test_serving_never_has_fewer_pods_and_knows_neither_ledger_nor_s3(toolbox: Toolbox) -> None:
    deployment = one(rendered(toolbox, "ratchet"), "Deployment", "ratchet-serving")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    variables = {item["name"] for item in container["env"]}
    assert "envFrom" not in container
    assert not variables & {"RATCHET_LEDGER_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert {"startupProbe", "readinessProbe", "livenessProbe", "lifecycle"} <= set(container)
    assert "ratchet.dev/model-version" not in deployment["spec"]["template"]["metadata"]["annotations"]


def test_with_an_autoscaler_the_deployment_names_no_replicas(toolbox: Toolbox) -> None:
    documents = rendered(toolbox, "ratchet", "autoscaling.enabled=true")
    assert "replicas" not in one(documents, "Deployment", "ratchet-serving")["spec"]
    assert one(documents, "HorizontalPodAutoscaler", "ratchet-serving")["spec"]["scaleTargetRef"]["name"] == "ratchet-serving"


def test_without_a_schedule_nothing_runs_by_itself(toolbox: Toolbox) -> None:
    assert one(rendered(toolbox, "ratchet"), "CronJob", "ratchet-pipeline")["spec"]["suspend"] is True
    scheduled = one(rendered(toolbox, "ratchet", "pipeline.schedule=0 6 * * *"), "CronJob", "ratchet-pipeline")
    assert (scheduled["spec"]["suspend"], scheduled["spec"]["schedule"]) == (False, "0 6 * * *")


def test_on_kubeflow_the_tasks_pods_get_the_promoters_rights_and_settings_in_their_namespace(toolbox: Toolbox) -> None:
    alone = rendered(toolbox, "ratchet")
    assert [subject["name"] for subject in one(alone, "RoleBinding", "ratchet-promoter")["subjects"]] == ["ratchet-promoter"]
    theirs = ["kubeflow.url=http://ml-pipeline.kubeflow:8888", "kubeflow.namespace=team", "image.digest=sha256:" + "0" * 64]
    documents = rendered(toolbox, "ratchet", *theirs)
    subjects = {(item["name"], item["namespace"]) for item in one(documents, "RoleBinding", "ratchet-promoter")["subjects"]}
    assert ("pipeline-runner", "team") in subjects
    kept = [item["metadata"] for item in documents if item["kind"] == "ConfigMap" and "annotations" not in item["metadata"]]
    maps = {(item["name"], item["namespace"]) for item in kept}  # a hook's is gone when the release is there
    assert {(f"ratchet-{name}", space) for name in ("project", "pipeline") for space in ("team", "ratchet")} == maps
    (container,) = one(documents, "Deployment", "ratchet-toolbox")["spec"]["template"]["spec"]["containers"]
    variables = {item["name"]: item.get("value") for item in container["env"]}
    assert variables["RATCHET_KFP_URL"] == "http://ml-pipeline.kubeflow:8888"
    assert variables["RATCHET_KFP_IMAGE"] == container["image"] == "ratchet/ratchet@sha256:" + "0" * 64


def test_the_tasks_pods_find_every_setting_and_address_that_they_ask_for(toolbox: Toolbox) -> None:
    settings = one(rendered(toolbox, "ratchet"), "ConfigMap", "ratchet-pipeline")["data"]
    assert set(task_pods.SETTINGS) <= set(settings)
    addresses = one(rendered(toolbox, "platform"), "Secret", "ratchet-connections-promoter")["stringData"]
    assert {*task_pods.ADDRESSES, *task_pods.OPTIONAL} == set(addresses)


def test_with_a_network_policy_the_tasks_on_kubeflow_reach_the_pods(toolbox: Toolbox) -> None:
    wanted = ["networkPolicy.enabled=true", "kubeflow.url=http://ml-pipeline:8888", "kubeflow.namespace=team"]
    (rule,) = one(rendered(toolbox, "ratchet", *wanted), "NetworkPolicy", "ratchet-serving")["spec"]["ingress"]
    assert {"key": "pipeline/runid", "operator": "Exists"} in rule["from"][1]["podSelector"]["matchExpressions"]
    assert rule["from"][1]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "team"}


def test_the_watcher_is_there_when_asked_for(toolbox: Toolbox) -> None:
    assert "ratchet-watch" not in {document["metadata"]["name"] for document in rendered(toolbox, "ratchet")}
    watch = one(rendered(toolbox, "ratchet", "watch.enabled=true", "watch.intervalSeconds=5"), "Deployment", "ratchet-watch")
    (container,) = watch["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["ratchet", "watch", "--interval", "5", "--alive", "/tmp/alive"]  # noqa: S108 - in the pod
    careful = ("watch.enabled=true", "watch.quietSeconds=900", "watch.marker=_DONE")
    (container,) = one(rendered(toolbox, "ratchet", *careful), "Deployment", "ratchet-watch")["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["command"][6:] == ["--quiet", "900", "--marker", "_DONE"]


LOGIN = {"MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"}  # where MLflow asks for one


def test_old_answers_are_deleted_by_the_clock_when_asked_for(toolbox: Toolbox) -> None:
    assert "ratchet-retention" not in {document["metadata"]["name"] for document in rendered(toolbox, "ratchet")}
    asked = rendered(toolbox, "ratchet", "retention.schedule=0 5 * * *", "retention.answersDays=90")
    job = one(asked, "CronJob", "ratchet-retention")["spec"]
    assert job["schedule"] == "0 5 * * *"
    (container,) = job["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["ratchet", "prune", "--answers", "90", "--yes"]
    assert {item["name"] for item in container["env"]} == {
        "RATCHET_ACTOR",
        "RATCHET_LEDGER_KEY",
        "RATCHET_TRACKING_URI",
        "RATCHET_LEDGER_URL",
        "RATCHET_REQUESTS_URL",
        *LOGIN,
    }


def test_the_exporter_may_look_and_move_nothing_and_has_no_keys_of_s3(toolbox: Toolbox) -> None:
    documents = rendered(toolbox, "ratchet", "exporter.enabled=true", "exporter.intervalSeconds=7")
    assert one(documents, "Role", "ratchet-exporter")["rules"] == [
        {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["ratchet-serving"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
    ]
    spec = one(documents, "Deployment", "ratchet-exporter")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert spec["serviceAccountName"] == "ratchet-exporter"
    assert container["command"] == ["ratchet", "exporter", "--host", "0.0.0.0", "--interval", "7"]  # noqa: S104 - as a pod must
    assert {item["name"] for item in container["env"]} == {
        "RATCHET_TRACKING_URI",
        "RATCHET_LEDGER_URL",
        "RATCHET_REQUESTS_URL",
        *LOGIN,
    }
    assert container["envFrom"] == [{"configMapRef": {"name": "ratchet-pipeline"}}]
    assert "ratchet-exporter" not in {document["metadata"]["name"] for document in rendered(toolbox, "ratchet")}


@pytest.mark.parametrize(("token", "account"), [("", "ratchet-ui"), ("ui-token", "ratchet-promoter")])
def test_the_status_page_can_change_something_only_where_people_can(toolbox: Toolbox, token: str, account: str) -> None:
    documents = rendered(toolbox, "ratchet", "ui.enabled=true", f"ui.tokenSecret={token}")
    spec = one(documents, "Deployment", "ratchet-ui")["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == account
    names = {variable["name"] for variable in spec["containers"][0]["env"]}
    assert ("RATCHET_UI_TOKEN" in names) is bool(token)
    roles = [document for document in documents if document["kind"] == "Role" and document["metadata"]["name"] == "ratchet-ui"]
    assert bool(roles) is not bool(token)
    assert all(set(rule["verbs"]) <= {"get", "list"} for role in roles for rule in role["rules"])


def test_the_status_page_has_an_ingress_and_lets_in_only_who_is_named(toolbox: Toolbox) -> None:
    wanted = ["ui.enabled=true", "networkPolicy.enabled=true"]
    documents = rendered(toolbox, "ratchet", *wanted)
    assert one(documents, "NetworkPolicy", "ratchet-ui")["spec"]["ingress"] == []
    assert not [document for document in documents if document["kind"] == "Ingress"]
    wanted += ["ui.ingress.enabled=true", "ui.ingress.host=churn.example.com", "ui.from[0].podSelector.matchLabels.app=ingress"]
    documents = rendered(toolbox, "ratchet", *wanted)
    (rule,) = one(documents, "NetworkPolicy", "ratchet-ui")["spec"]["ingress"]
    assert rule == {"ports": [{"port": "http"}], "from": [{"podSelector": {"matchLabels": {"app": "ingress"}}}]}
    (way,) = one(documents, "Ingress", "ratchet-ui")["spec"]["rules"]
    assert (way["host"], way["http"]["paths"][0]["backend"]["service"]["name"]) == ("churn.example.com", "ratchet-ui")
    (container,) = one(documents, "Deployment", "ratchet-ui")["spec"]["template"]["spec"]["containers"]
    assert {"name": "FORWARDED_ALLOW_IPS", "value": "*"} in container["env"]


def test_prometheus_objects_are_there_when_asked_for(toolbox: Toolbox) -> None:
    documents = rendered(toolbox, "ratchet", *PROMETHEUS)
    monitors = {document["metadata"]["name"] for document in documents if document["kind"] == "ServiceMonitor"}
    assert monitors == {"ratchet-serving"}
    (group,) = one(documents, "PrometheusRule", "ratchet-serving")["spec"]["groups"]
    assert group["name"] == "ratchet-serving"  # the others would miss the exporter
    assert not {"ServiceMonitor", "PrometheusRule"} & {document["kind"] for document in rendered(toolbox, "ratchet")}


def test_the_rules_are_the_rules_file_with_the_runbooks_address(toolbox: Toolbox) -> None:
    page = "https://wiki.example.com/runbook"
    wanted = [*PROMETHEUS, "exporter.enabled=true", f"monitoring.prometheusRule.runbook={page}"]
    documents = rendered(toolbox, "ratchet", *wanted)
    written = (ROOT / "charts" / "ratchet" / "files" / "rules.yaml").read_text(encoding="utf-8")
    written = re.sub(
        r"absent\((\w+)\)", r'absent(\1{namespace="ratchet", release="ratchet"})', written
    )  # its own, not another release's
    assert one(documents, "PrometheusRule", "ratchet-serving")["spec"] == yaml.safe_load(
        written.replace("docs/runbook.md#", f"{page}#")
    )
    monitors = {document["metadata"]["name"]: document for document in documents if document["kind"] == "ServiceMonitor"}
    for name, monitor in monitors.items():
        service = one(documents, "Service", name)
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert set(monitors) == {"ratchet-serving", "ratchet-exporter"}


@pytest.mark.parametrize(
    ("chart", "values", "sentence"),
    [
        ("ratchet", ["serving.replica=3"], "additional properties 'replica' not allowed"),
        ("ratchet", ["serving.replicas=two"], "got string, want integer"),
        ("ratchet", ["image.pullPolicy=Sometimes"], "must be one of"),
        ("ratchet", ["serving.resources.limit.memory=1Gi"], "additional properties 'limit' not allowed"),
        ("ratchet", [r"serving.podAnnotations.ratchet\.dev/model-version=v3"], "model-version"),
        ("ratchet", ["serving.env.RATCHET_MODEL_VERSION=v3"], "RATCHET_MODEL_VERSION"),
        ("ratchet", ["project="], "the project is missing: add --set-file project=ratchet.yaml"),
        ("platform", ["postgre.enabled=false"], "additional properties 'postgre' not allowed"),
        ("platform", ["mlflow.enabled=false"], "mlflow is off: give the address of your own in mlflow.url"),
        ("platform", ["postgres.enabled=false"], "postgres is off: name the Secret"),
        ("platform", ["s3.enabled=false"], "s3 is off: name the Secret"),
        ("platform", ["s3.enabled=false", "s3.existingSecret=mine"], "write the connections Secret yourself"),
        ("kubeflow-pipelines", ["mysq.enabled=false"], "additional properties 'mysq' not allowed"),
        ("kubeflow-pipelines", ["ui.image.tags=1"], "additional properties 'tags' not allowed"),
        ("kubeflow-pipelines", ["runs.podGC=Never"], "must be one of"),
        ("kubeflow-pipelines", ["apiServer.image.digest=2.17.0"], "does not match pattern"),
        ("kubeflow-pipelines", ["objectStore.endpoint=http://s3.example.com"], "does not match pattern"),
        ("kubeflow-pipelines", ["mysql.enabled=false", "mysql.host=db"], "mysql is off: give the host of your own"),
        ("kubeflow-pipelines", ["metadata.enabled=false"], "metadata is off: give the host of your own"),
    ],
)
def test_values_that_do_not_fit_are_one_sentence(toolbox: Toolbox, chart: str, values: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        rendered(toolbox, chart, *values)


def test_each_part_of_the_platform_can_be_your_own(toolbox: Toolbox) -> None:
    own = [
        "postgres.enabled=false",
        "mlflow.databaseSecret=mine",
        "s3.enabled=false",
        "s3.existingSecret=mine",
        "connections.create=false",
    ]
    names = {document["metadata"]["name"] for document in rendered(toolbox, "platform", *own)}
    assert "platform-mlflow" in names
    assert not names & {"platform-postgres", "platform-s3", "ratchet-connections"}
    without = rendered(toolbox, "platform", "mlflow.enabled=false", "mlflow.url=https://mlflow.example.com")
    assert one(without, "Secret", "ratchet-connections")["stringData"]["RATCHET_TRACKING_URI"] == "https://mlflow.example.com"


@pytest.mark.parametrize(
    ("chart", "values"),
    [
        ("platform", []),
        ("platform", KEPT),
        ("ratchet", []),
        ("ratchet", EVERYTHING),
        ("kubeflow-pipelines", []),
        ("kubeflow-pipelines", BACKEND),
    ],
)
def test_the_api_server_takes_what_is_rendered(toolbox: Toolbox, strict_namespace: str, chart: str, values: list[str]) -> None:
    text = yaml.safe_dump_all(rendered(toolbox, chart, *values, namespace=strict_namespace))
    command = [*map(str, toolbox.cluster.kubectl_command()), "--namespace", strict_namespace]
    command += ["apply", "--dry-run=server", "--filename", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "would violate PodSecurity" not in done.stderr, done.stderr


def test_an_upgrade_changes_no_password(toolbox: Toolbox) -> None:
    before = toolbox.cluster.read("secret", "platform-credentials")["data"]
    toolbox.helm("upgrade", "platform", "charts/platform", "--reuse-values", "--wait", "--timeout", "3m")
    assert toolbox.cluster.read("secret", "platform-credentials")["data"] == before

"""What a task needs where it runs: on a cluster its pod has settings, on this machine nothing."""

from __future__ import annotations

from kfp import kubernetes
from kfp.dsl import PipelineConfig, PipelineTask

from pipelines.runners.kubeflow.settings import KubeflowSettings

ADDRESSES = ("RATCHET_TRACKING_URI", "RATCHET_LEDGER_URL", "RATCHET_REQUESTS_URL")
OPTIONAL = (  # absent where an identity or Amazon's own address serves, or where the project has no features in a store of ours
    "RATCHET_ONLINE_URL",
    "RATCHET_SNAPSHOTS_URL",
    "RATCHET_REPORTS_URL",
    "RATCHET_LEDGER_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_ENDPOINT_URL_S3",
)
BY_HAND = (  # that the Secret has where somebody has put them there: no chart writes them
    "RATCHET_NOTIFY_URL",
    "RATCHET_SOURCE_URL",  # of raw data in a database
    "RATCHET_SOURCE_TIMEOUT",
    "PGUSER",
    "PGPASSWORD",
    "AWS_SESSION_TOKEN",  # of a key that ends
    "MLFLOW_TRACKING_USERNAME",  # of an MLflow that asks for a login
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)
SETTINGS = (  # in a ConfigMap and not in the pipeline: kfp.local takes over what is set there
    "RATCHET_PROJECT",
    "RATCHET_HOME",
    "RATCHET_STEP_TRIES",
    "RATCHET_ROWS_PER_POD",
    "RATCHET_DEPLOYMENT",
    "RATCHET_NAMESPACE",
    "RATCHET_LEASE",
    "RATCHET_SERVING_URL",
    "RATCHET_READY_TIMEOUT",
    "RATCHET_LOCK_TIMEOUT",
    "RATCHET_LEASE_SECONDS",
)
_HOME, _PROJECT = "/var/lib/ratchet", "/etc/ratchet"  # as in the chart
_USER = 65532  # the image's
_TASKS = 8  # of a run one after another, and one's time to wait for room on a node


def in_process(task: PipelineTask) -> PipelineTask:
    """A task of kfp.local, which passes over a pod's settings."""
    return task.set_caching_options(enable_caching=False)


def in_pod(task: PipelineTask, settings: KubeflowSettings) -> PipelineTask:
    """Give the task addresses, project, a home, an identity in the ledger, resources, a time limit and no cache.

    KFP's cache stays off: ingest and train find by themselves what they made of the same content before, and ask the stores whether
    it is still there, where a cache would name a version that a restored registry no longer has. A retry of the pod is left to the
    backend's default (it repeats what was evicted or killed); what can be tried again for a reason is tried again inside.
    """
    kubernetes.use_secret_as_env(task, settings.connections, {name: name for name in ADDRESSES})
    kubernetes.use_secret_as_env(task, settings.connections, {name: name for name in (*OPTIONAL, *BY_HAND)}, optional=True)
    kubernetes.use_config_map_as_env(task, settings.settings, {name: name for name in SETTINGS})
    kubernetes.use_config_map_as_volume(task, settings.project, _PROJECT)
    kubernetes.empty_dir_mount(task, "home", _HOME)
    kubernetes.use_field_path_as_env(task, "RATCHET_ACTOR", "metadata.name")
    kubernetes.use_field_path_as_env(task, "RATCHET_RUN_ID", "metadata.labels['pipeline/runid']")
    kubernetes.set_security_context(task, run_as_user=_USER, run_as_group=_USER, run_as_non_root=True)
    kubernetes.set_timeout(task, settings.timeout)
    task.set_cpu_request(settings.cpu_request)
    task.set_memory_request(settings.memory_request).set_memory_limit(settings.memory_limit)
    return task.set_caching_options(enable_caching=False)


def of_run(settings: KubeflowSettings) -> PipelineConfig:
    """What holds for a run as a whole: the time after which it is ended, whatever it waits for, and for which its pods stay."""
    return PipelineConfig(
        ttl_seconds_after_finished=settings.ttl or None,
        active_deadline_seconds=settings.deadline or _TASKS * settings.timeout,
    )

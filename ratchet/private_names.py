"""Names of vendors that no vendor promises, all of them here: what each is for, and what breaks when a release takes it away.

tests/integration/test_private_names.py looks for each in what is installed, and says which release of which vendor has it no more.
Nothing is imported: objects and modules are handed in, so the vendors stay in their adapters and this costs no start-up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class PrivateName:
    """A name and what hangs on it.

    Args:
        vendor: the distribution that has it.
        name: where it is.
        breaks: what no longer works without it; completes "without it …".
    """

    vendor: str
    name: str
    breaks: str

    @property
    def gone(self) -> str:
        """The sentence for an installed release that does not have it."""
        return f"{self.vendor} {version(self.vendor)} has no {self.name} as we use it: without it {self.breaks}"


FEAST_CONNECTION = PrivateName(
    "feast", "PostgreSQLOnlineStore._conn", "a closed feature store keeps its connection to PostgreSQL (feast_postgres.close)"
)
FEAST_LOOK_UP = PrivateName(
    "feast", "Provider.online_read(config, table, entity_keys, requested_features)", "no features are looked up (feast_features)"
)
FEAST_REGISTRY = PrivateName(
    "feast",
    "feast.infra.registry.registry.get_registry_store_class_from_scheme, and ..._from_type",
    "a mistyped registry is made, empty, instead of named (feast_opening)",
)
FEAST_PLUGIN = PrivateName(
    "feast", "the MLflow plugin feast.infra.data_sources.mlflow.auth", "importing MLflow imports all of Feast (lean_imports)"
)
FEAST_SERVERS = PrivateName(
    "feast", "feast.feature_server and feast.ui_server", "importing Feast brings its HTTP servers (lean_imports)"
)
FEAST_TYPE_CHECKS = PrivateName("feast", "its use of typeguard.typechecked", "importing Feast takes 2.7 s longer (lean_imports)")
FEAST_METRICS = PrivateName(
    "feast", "feast.metrics, which sets PROMETHEUS_MULTIPROC_DIR", "serving's own /metrics comes out empty (lean_imports)"
)
SKLEARN_TREES = PrivateName(
    "scikit-learn",
    "HistGradientBoostingClassifier._baseline_prediction and ._predictors[i][0].nodes",
    "no scorer is made of boosted trees (estimators/plain/hist_gradient_boosting)",
)
MLFLOW_TRIES = PrivateName(
    "mlflow", "mlflow.store.db.utils.MAX_RETRY_COUNT", "a database that is away keeps a person waiting for 100 s (mlflow_registry)"
)
MLFLOW_TABLES = PrivateName(
    "mlflow", "the revision dc11669786a5 of its tables", "serving reads SQLite through MLflow, 1.3 s later (mlflow_reader)"
)
PROMETHEUS_VALUES = PrivateName(
    "prometheus-client", "values.ValueClass and values.MutexValue", "it is not known whose counts /metrics has (serving/metrics)"
)
KFP_SENTENCES = PrivateName(
    "kfp", "kfp.local's `Executing task '…'` and `Task '…' finished with status …`", "`ratchet run` shows no tasks (runners/local)"
)
KFP_WARNING = PrivateName(
    "kfp", "kfp.local's warning `You may be attemping …`", "it stands in the log of every task (runners/local/program)"
)
UVICORN_EXIT = PrivateName(
    "uvicorn", "Server.handle_exit(sig, frame)", "a pod that is asked to stop does not drain first (serving/pod)"
)
UVICORN_CONNECTION = PrivateName(
    "uvicorn",
    "HttpToolsProtocol with its cycle, pipeline and callbacks",
    "heads, bodies and connections are not bounded (serving/connection)",
)

NAMES = (
    FEAST_CONNECTION,
    FEAST_LOOK_UP,
    FEAST_REGISTRY,
    FEAST_PLUGIN,
    FEAST_SERVERS,
    FEAST_TYPE_CHECKS,
    FEAST_METRICS,
    SKLEARN_TREES,
    MLFLOW_TRIES,
    MLFLOW_TABLES,
    PROMETHEUS_VALUES,
    KFP_SENTENCES,
    KFP_WARNING,
    UVICORN_EXIT,
    UVICORN_CONNECTION,
)

FEAST_PLUGIN_MODULE = "feast.infra.data_sources.mlflow.auth"
FEAST_SERVER_MODULES = (
    "feast.feature_server",
    "feast.ui_server",
)  # `import feast` imports both, `feast serve` and `feast ui` use them
FEAST_METRICS_VARIABLES = ("PROMETHEUS_MULTIPROC_DIR", "PROMETHEUS_MULTIPROCESS_DIR")
MLFLOW_REVISION = "dc11669786a5"  # of MLflow 3.17's tables (its alembic_version)
NODE_FIELDS = ("is_leaf", "value", "is_categorical", "num_threshold", "feature_idx", "missing_go_to_left", "left", "right")
KFP_STARTED = re.compile(r"Executing task '([a-z0-9-]+)'")
KFP_ENDED = re.compile(r"Task '([a-z0-9-]+)' finished with status (\w+)")
KFP_FOREIGN_IMAGE = "You may be attemping"


def feasts_connection(store: Any) -> Any:
    """What Feast's PostgreSQL store keeps open and has no way to close; None before the first look-up, and of SQLite's."""
    return getattr(store.provider.online_store, "_conn", None)


def registry_store(registries: Any, config: Any, folder: Path) -> Any | None:
    """What reads a registry that is one file, here or in a bucket; None for one of another kind, which Feast makes nothing of.

    Args:
        registries: `feast.infra.registry.registry`.
        config: its settings, Feast's RegistryConfig.
        folder: that relative paths are meant from.
    """
    if config.registry_type != "file":
        return None
    if config.registry_store_type is None:
        kind = registries.get_registry_store_class_from_scheme(config.path)
    else:
        kind = registries.get_registry_store_class_from_type(str(config.registry_store_type))
    return kind(config, folder)


def connected(store: Any) -> Any:
    """The connection of Feast's PostgreSQL store, opened as its settings have it; the context does not close it."""
    return store.provider.online_store._get_conn(store.config)  # noqa: SLF001 - a second way to read its settings would differ


def boosted_trees(estimator: Any) -> tuple[float, list[Any]]:
    """Baseline and trees of a fitted binary HistGradientBoostingClassifier, in the order in which it adds them up.

    A tree is its table of nodes, a structured array with NODE_FIELDS; node 0 is the root, `left` and `right` are positions.
    """
    baseline = float(estimator._baseline_prediction[0, 0])  # noqa: SLF001 - has no public counterpart
    return baseline, [trees[0].nodes for trees in estimator._predictors]  # noqa: SLF001 - likewise


def set_mlflows_tries(utils: Any, tries: int) -> None:
    """How often MLflow tries to open its database, waiting ever longer; `utils` is `mlflow.store.db.utils`."""
    utils.MAX_RETRY_COUNT = tries


def counts_alone(values: Any) -> bool:
    """Whether Prometheus' client keeps this process's counts by themselves; `values` is `prometheus_client.values`.

    That is settled when the client is imported. PROMETHEUS_MULTIPROC_DIR does not say: a library may set it later.
    """
    return values.ValueClass is values.MutexValue

"""Each private name of a vendor is where the installed release has it, and nobody but one module reaches for one."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path

import pytest

from ratchet import private_names as ours
from ratchet.private_names import NAMES, PrivateName
from tests.support.churn import fitted

ROOT = Path(__file__).parents[2]
PRODUCT = ("ratchet", "serving", "pipelines", "components", "cluster")


def feasts_connection() -> bool:
    from feast.infra.online_stores.postgres_online_store.postgres import PostgreSQLOnlineStore

    return "_conn" in PostgreSQLOnlineStore.__annotations__ and "self._conn = " in inspect.getsource(PostgreSQLOnlineStore)


def feasts_look_up() -> bool:
    from feast import FeatureStore
    from feast.infra.provider import Provider

    given = list(inspect.signature(Provider.online_read).parameters)[1:5]
    return isinstance(FeatureStore.provider, property) and given == ["config", "table", "entity_keys", "requested_features"]


def feasts_registry() -> bool:
    from feast.infra.registry import registry
    from feast.repo_config import RegistryConfig

    store = ours.registry_store(registry, RegistryConfig(path="registry.db"), Path("/nowhere"))
    return store is not None and callable(store.get_registry_proto) and callable(registry.get_registry_store_class_from_type)


def feasts_plugin() -> bool:
    plugins = entry_points(group="mlflow.request_header_provider")
    return any(plugin.module == ours.FEAST_PLUGIN_MODULE for plugin in plugins)


def feasts_servers() -> bool:
    import feast.feature_store

    source = inspect.getsource(feast.feature_store)
    return all(find_spec(name) and name.removeprefix("feast.") in source for name in ours.FEAST_SERVER_MODULES)


def feasts_type_checks() -> bool:
    import feast.field
    import typeguard

    return callable(typeguard.typechecked) and "from typeguard import typechecked" in inspect.getsource(feast.field)


def feasts_metrics() -> bool:
    import feast.metrics

    return ours.FEAST_METRICS_VARIABLES[0] in inspect.getsource(feast.metrics)


def boosted_trees() -> bool:
    baseline, trees = ours.boosted_trees(fitted("trees")[-1])
    return isinstance(baseline, float) and all(set(ours.NODE_FIELDS) <= set(nodes.dtype.names) for nodes in trees)


def mlflows_tries() -> bool:
    from mlflow.store.db import utils

    return "MAX_RETRY_COUNT" in inspect.getsource(utils.create_sqlalchemy_engine_with_retry)


def mlflows_tables() -> bool:
    import mlflow
    from alembic.script import ScriptDirectory

    revisions = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    return revisions.get_current_head() == ours.MLFLOW_REVISION


def counts_of_one_process() -> bool:
    from prometheus_client import values

    return ours.counts_alone(values)


def kfps_sentences() -> bool:
    from kfp.local import logging_utils, task_dispatcher
    from kfp.local.status import Status

    source = inspect.getsource(task_dispatcher)
    said = re.findall(r"f'(Executing task .*|Task \{\w+\} finished with status .*)'", source)
    task, status = logging_utils.format_task_name("profile-rows"), logging_utils.format_status(Status.SUCCESS)
    texts = [re.sub(r"\{logging_utils.format_status.*\}", status, re.sub(r"\{task_name_for_logs\}", task, text)) for text in said]
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in texts]
    started, ended = (next(filter(None, map(way.search, plain)), None) for way in (ours.KFP_STARTED, ours.KFP_ENDED))
    if started is None or ended is None:
        return False
    return (started[1], ended.groups()) == ("profile-rows", ("profile-rows", "SUCCESS"))


def kfps_warning() -> bool:
    from kfp.local import subprocess_task_handler

    return ours.KFP_FOREIGN_IMAGE in inspect.getsource(subprocess_task_handler)


def uvicorns_exit() -> bool:
    import uvicorn

    takes = list(inspect.signature(uvicorn.Server.handle_exit).parameters)
    return takes == ["self", "sig", "frame"] and "self.handle_exit" in inspect.getsource(uvicorn.Server.capture_signals)


def uvicorns_connection() -> bool:
    from uvicorn.protocols.http import httptools_impl as http

    takes = set(inspect.signature(http.HttpToolsProtocol.__init__).parameters)
    calls = inspect.getsource(http.HttpToolsProtocol)
    kept = ("self.cycle", "self.pipeline", "self.headers", "self.url", "self.client", "self.timeout_keep_alive_task")
    cycle = ("self.disconnected", "self.message_event", "self.response_started", "self.response_complete")
    return (
        {"config", "server_state", "app_state", "_loop"} <= takes
        and all(name in calls for name in (*kept, "self.send_400_response(msg)", "on_message_begin", "on_message_complete"))
        and all(name in inspect.getsource(http.RequestResponseCycle) for name in cycle)
    )


CHECKS: dict[PrivateName, Callable[[], bool]] = {
    ours.FEAST_CONNECTION: feasts_connection,
    ours.FEAST_LOOK_UP: feasts_look_up,
    ours.FEAST_REGISTRY: feasts_registry,
    ours.FEAST_PLUGIN: feasts_plugin,
    ours.FEAST_SERVERS: feasts_servers,
    ours.FEAST_TYPE_CHECKS: feasts_type_checks,
    ours.FEAST_METRICS: feasts_metrics,
    ours.SKLEARN_TREES: boosted_trees,
    ours.MLFLOW_TRIES: mlflows_tries,
    ours.MLFLOW_TABLES: mlflows_tables,
    ours.PROMETHEUS_VALUES: counts_of_one_process,
    ours.KFP_SENTENCES: kfps_sentences,
    ours.KFP_WARNING: kfps_warning,
    ours.UVICORN_EXIT: uvicorns_exit,
    ours.UVICORN_CONNECTION: uvicorns_connection,
}


def checked(name: PrivateName, there: Callable[[], bool]) -> str:
    """Empty while the name is there, else what its release has done to us."""
    try:
        return "" if there() else name.gone
    except (ImportError, AttributeError, TypeError) as error:
        return f"{name.gone} ({type(error).__name__}: {error})"


@pytest.fixture(autouse=True, scope="module")
def _as_the_product_imports_them() -> None:
    """Feast and MLflow come in by their adapters, as everywhere."""
    from ratchet.features import feast_features  # noqa: F401
    from ratchet.registry.mlflow_import import import_mlflow

    import_mlflow()


@pytest.mark.parametrize("name", NAMES, ids=[f"{name.vendor}: {name.name}" for name in NAMES])
def test_the_installed_release_has_each_private_name(name: PrivateName) -> None:
    assert not checked(name, CHECKS[name])


def test_a_release_without_one_is_named_with_what_breaks() -> None:
    def gone() -> bool:
        from feast import FeatureStore

        return bool(FeatureStore.a_name_that_was_renamed)

    name = PrivateName("feast", "FeatureStore.a_name_that_was_renamed", "nothing is looked up (feast_features)")
    sentence = f"feast {version('feast')} has no {name.name} as we use it: without it nothing is looked up (feast_features)"
    assert checked(name, lambda: False) == sentence
    assert checked(name, gone).startswith(f"{sentence} (AttributeError: ")


def test_no_other_module_reaches_for_a_private_name() -> None:
    """The linter refuses them (SLF001); here, that nobody has silenced it."""
    silenced = {
        str(path.relative_to(ROOT))
        for folder in PRODUCT
        for path in (ROOT / folder).rglob("*.py")
        if "SLF001" in path.read_text(encoding="utf-8")
    }
    assert silenced == {"ratchet/private_names.py"}

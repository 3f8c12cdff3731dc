"""What two vendors do while they are imported that we must do without. Every step is a process, so import time is run time.

What it buys, with the MLflow reader (ratchet/registry/mlflow_reader.py) and the missing offline store (feast_no_offline.py): a
serving process is ready in 2.0 s where the same look-up and model in a plain FastAPI take 7.4 s, for 1.9 s of CPU against 7.0
(benchmarks/results/startup.json). Before, it took 4.8 s of CPU (docs/benchmarks-startup.md).
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import prometheus_client  # noqa: F401 - chooses between one process and many when it is imported: before Feast says "many"
import typeguard

from ratchet.private_names import FEAST_METRICS_VARIABLES, FEAST_PLUGIN_MODULE, FEAST_SERVER_MODULES


@contextmanager
def without_feasts_plugin() -> Iterator[None]:
    """Import MLflow inside the block, and its plugin loader skips Feast's request header provider.

    That plugin sends the pod's service account token to whatever server the tracking URI names, and costs the import of all of
    Feast (5 s) in every process that only wants the registry. A None in sys.modules makes its import fail at once; MLflow warns
    and goes on. Feast itself is not touched: the entry is taken away again.
    """
    before = sys.modules.get(FEAST_PLUGIN_MODULE)
    sys.modules[FEAST_PLUGIN_MODULE] = None  # type: ignore[assignment]  # the documented way to halt an import
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Failure attempting to register request header provider")
            yield
    finally:
        if before is None:
            del sys.modules[FEAST_PLUGIN_MODULE]
        else:
            sys.modules[FEAST_PLUGIN_MODULE] = before


@contextmanager
def feast_importable() -> Iterator[None]:
    """Import Feast inside the block, without its servers and two of its side effects.

    The servers would bring FastAPI's applications, JWT and cryptography.

    Its classes are not rewritten to check their arguments' types: that takes 2.7 s of Feast's 6.2 s import, and mypy checks what we
    pass. And the environment does not tell Prometheus' client that this process is one of many: the service's own /metrics would
    be looked for in Feast's folder and come out empty, and the serving processes that this one starts would share a folder, in
    which an old version stays ready for ever. Feast says it in `feast.metrics`, which it imports late: import that here too.
    """
    before, folders = typeguard.typechecked, {name: os.environ.get(name) for name in FEAST_METRICS_VARIABLES}
    absent = [name for name in FEAST_SERVER_MODULES if name not in sys.modules]

    def untouched(target: Any = None, **_options: Any) -> Any:
        return (lambda item: item) if target is None else target

    typeguard.typechecked = untouched
    sys.modules.update({name: ModuleType(name) for name in absent})
    try:
        yield
    finally:
        typeguard.typechecked = before
        for name in absent:
            sys.modules.pop(name, None)
        for name, folder in folders.items():
            if folder is None:
                os.environ.pop(name, None)

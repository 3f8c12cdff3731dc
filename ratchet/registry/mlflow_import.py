"""MLflow, imported when a registry is built and with its settings in the environment first: it reads some while it is imported."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any

from ratchet.clients.lean_imports import without_feasts_plugin
from ratchet.clients.obstacles import forget_mlflows

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # its default of 7 keeps a person waiting for minutes
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # else the server may hand out addresses in S3 by its own name for it; a client that cannot reach those hangs for minutes
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",  # else every version warns of pickle, which nothing of ours loads
}


def import_mlflow() -> Any:
    """The module `mlflow`. What the environment says of the way to its server is left as it is, the rest is taken away."""
    forget_mlflows()
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    module = _imported()
    logging.getLogger("mlflow").setLevel(os.environ["MLFLOW_LOGGING_LEVEL"])  # somebody else may have imported it before
    return module


@cache
def _imported() -> Any:
    with without_feasts_plugin():
        import mlflow  # noqa: PLC0415 - takes 2 s, and the settings come first
    return mlflow

"""MLflow imports whatever other packages register as its plugins; Feast registers one that we must do without."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_FEASTS = "feast.infra.data_sources.mlflow.auth"


@contextmanager
def without_feasts_plugin() -> Iterator[None]:
    """Import MLflow inside the block and its plugin loader skips Feast's request header provider.

    That plugin sends the pod's service account token to whatever server the tracking URI names, and costs the import of all of
    Feast (5 s) in every process that only wants the registry. A None in sys.modules makes its import fail at once; MLflow warns
    and goes on. Feast itself is not touched: the entry is taken away again.
    """
    before = sys.modules.get(_FEASTS)
    sys.modules[_FEASTS] = None  # type: ignore[assignment]  # the documented way to halt an import
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Failure attempting to register request header provider")
            yield
    finally:
        if before is None:
            del sys.modules[_FEASTS]
        else:
            sys.modules[_FEASTS] = before

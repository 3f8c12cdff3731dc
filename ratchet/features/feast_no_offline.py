"""An offline store for Feast where there is none: who only looks features up does not import Dask (half a second) for it.

Feast builds its configuration from the class that `offline_store.type` names, whether or not anything will be asked of it.
"""

from __future__ import annotations

from typing import Literal

from feast.infra.offline_stores.offline_store import OfflineStore
from feast.repo_config import FeastConfigBaseModel

TYPE: Literal["ratchet.features.feast_no_offline.NoOfflineStore"] = "ratchet.features.feast_no_offline.NoOfflineStore"


class NoOfflineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # Feast ships no types
    """Its settings: none. Feast finds it by its name."""

    type: Literal["ratchet.features.feast_no_offline.NoOfflineStore"] = TYPE


class NoOfflineStore(OfflineStore):  # type: ignore[misc]  # as above
    """Whatever is asked of it raises NotImplementedError, as the base class does."""

"""An online store for Feast that makes no tables: a pod that serves registers its definitions and may make nothing in the database.

Feast makes the tables of a store as it registers definitions (`update`), and PostgreSQL refuses even CREATE TABLE IF NOT EXISTS of
a table that is there to a role without the right to make one.
"""

from __future__ import annotations

from typing import Any, Literal

from feast.infra.online_stores.online_store import OnlineStore
from feast.repo_config import FeastConfigBaseModel

TYPE: Literal["ratchet.features.feast_no_tables.NoTablesOnlineStore"] = "ratchet.features.feast_no_tables.NoTablesOnlineStore"


class NoTablesOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]  # Feast ships no types
    """Its settings: none. Feast finds it by its name."""

    type: Literal["ratchet.features.feast_no_tables.NoTablesOnlineStore"] = TYPE


class NoTablesOnlineStore(OnlineStore):  # type: ignore[misc]  # as above
    """Registers, and does nothing else."""

    def update(self, *_: Any, **__: Any) -> None:
        """The tables are there, or are made by who loads."""

    def teardown(self, *_: Any, **__: Any) -> None:
        """Nothing was made."""

    def online_write_batch(self, *_: Any, **__: Any) -> None:
        """Raises NotImplementedError: nobody writes by it."""
        raise NotImplementedError

    def online_read(self, *_: Any, **__: Any) -> Any:
        """Raises NotImplementedError: nobody reads by it."""
        raise NotImplementedError

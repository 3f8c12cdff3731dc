"""A load of Feast's online store that goes past Feast, to the rows that it would write (bulk_sqlite.py, bulk_postgres.py)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from ratchet.clients.lean_imports import feast_importable
from ratchet.features import bulk_postgres, bulk_sqlite
from ratchet.features.bulk_rows import pieces
from ratchet.private_names import connected

with feast_importable():
    import feast.metrics  # noqa: F401 - as in feast_features
    from feast.infra.online_stores.helpers import compute_table_id
    from feast.types import Bool, Float64, Int64, String

_KINDS = {Int64: "int64", Float64: "double", Bool: "bool", String: "string"}


def make_table(store: Any, view: Any) -> None:
    """Make the table of a view before Feast does, as a bulk load wants it; one that is there stays.

    Raises what the database raises.

    Args:
        store: a FeatureStore whose online store is SQLite or PostgreSQL.
        view: the FeatureView.
    """
    table = compute_table_id(store.config.project, view)
    if store.config.online_store.type == "sqlite":
        bulk_sqlite.make_table(Path(store.config.online_store.path), table)
    else:
        with connected(store) as connection:
            bulk_postgres.make_table(connection, table)


def load(store: Any, view: Any, batches: Iterable[pa.Table]) -> None:
    """Write tables of entity, features and time over what is stored. Raises what the database and `batches` raise.

    Args:
        store: a FeatureStore whose online store is SQLite or PostgreSQL.
        view: the FeatureView, of one entity, that names the features.
        batches: the tables.
    """
    table = compute_table_id(store.config.project, view)
    (entity,) = (column.name for column in view.entity_columns)
    rows = pieces(batches, entity, {field.name: _KINDS[field.dtype] for field in view.features})
    if store.config.online_store.type == "sqlite":
        bulk_sqlite.write(Path(store.config.online_store.path), table, rows)
    else:
        with connected(store) as connection:
            bulk_postgres.write(connection, table, rows)

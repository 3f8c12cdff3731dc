"""A feature table in pieces that a bulk load writes at once, each encoded as Feast would store it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ratchet.features.bulk_values import Column, encoded, keys_of
from ratchet.snapshots.layout import EVENT_TIMESTAMP

_AT_ONCE = 1_000_000  # rows of the online store, one an entity and feature: some 150 MB of objects, 100 MB of SQLite's journal


@dataclass(frozen=True, slots=True)
class Rows:
    """Some entities of one moment.

    Args:
        keys: Feast's entity keys, shape (n,).
        columns: a column of n cells a feature, sorted by the feature's name as the store's own key is.
        moment: what Feast has as their time: in UTC, without a zone.
    """

    keys: list[bytes]
    columns: list[tuple[str, Column]]
    moment: datetime


def pieces(batches: Iterable[pa.Table], entity: str, kinds: Mapping[str, str]) -> Iterator[Rows]:
    """The rows of feature tables, in their order.

    Args:
        batches: tables of entity, features and time.
        entity: the entity key's column.
        kinds: by feature, as in `bulk_values.encoded`; others are left out.
    """
    most = max(1, _AT_ONCE // max(1, len(kinds)))
    for batch in batches:
        for moment in batch[EVENT_TIMESTAMP].unique():
            rows = batch.filter(pc.equal(batch[EVENT_TIMESTAMP], moment))
            for start in range(0, rows.num_rows, most):
                yield _encoded(rows.slice(start, most), entity, kinds, moment.as_py())


def _encoded(rows: pa.Table, entity: str, kinds: Mapping[str, str], moment: datetime) -> Rows:
    def cells(name: str) -> Any:
        return rows[name].combine_chunks()

    keys = keys_of(entity, cells(entity).to_pylist())
    columns = [(name, encoded(cells(name), kind)) for name, kind in sorted(kinds.items())]
    return Rows(keys, columns, moment.astimezone(UTC).replace(tzinfo=None))

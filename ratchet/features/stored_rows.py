"""The feature tables of snapshots as a load reads them: whose rows they hold, and the rows themselves, some at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ratchet.clients.arrow_keys import one_code, respelled
from ratchet.core.entity_key import spelled
from ratchet.core.errors import REPLACE, DataError
from ratchet.core.schema import Snapshot
from ratchet.snapshots.layout import EVENT_TIMESTAMP, FEATURES, folder_name

_BATCH = 20_000  # rows a transaction: bounds memory, and the time that a reader would wait without WAL


class StoredRows:
    """Raises what pyarrow and the file system raise where a table cannot be read.

    Args:
        snapshots: root of the snapshots.
        entity: the entity key's column.
        features: the columns that are loaded.
        codes: those of them that are categories, with what ratchet.yaml declares of each.
    """

    def __init__(self, snapshots: Path, entity: str, features: Sequence[str], codes: Mapping[str, Collection[str]]) -> None:
        self._snapshots, self._entity, self._features, self._codes = snapshots, entity, list(features), codes

    def entities_of(self, dates: Sequence[date]) -> pa.Array | None:
        """All entities of the snapshots of these dates; None when there are none."""
        parts = [self._keys(day) for day in dates if self._path(day).exists()]
        return respelled(pa.concat_arrays(parts).unique()).unique() if parts else None

    def known_by(self, as_of: date) -> tuple[pd.Index, Mapping[str, str]]:
        """All entities of the snapshots taken by then, and how the newest of them that has an entity keeps its key.

        The second holds those alone that are kept otherwise than they are spelled: releases before the rule of
        ratchet.core.entity_key kept keys as they were written, and Feast joins on what is stored.
        """
        parts: list[pa.Array] = []
        kept: dict[str, str] = {}
        for day in sorted(day for day in self._days() if day <= as_of):
            there = self._keys(day)
            keys = respelled(there)
            if keys is not there or kept:
                kept.update(zip(keys.to_pylist(), there.to_pylist(), strict=True))
            parts.append(keys)
        found = pa.concat_arrays(parts).unique().to_numpy(zero_copy_only=False) if parts else []
        return pd.Index(found, dtype=object), {key: name for key, name in kept.items() if key != name}

    def newest(self, as_of: date, entities: pa.Array) -> dict[str, pa.Array] | None:
        """A point-in-time join: of each entity the features of the newest snapshot by then that has it, null where none has.

        Args:
            as_of: the date.
            entities: whose, shape (n,), in one spelling.

        Returns columns, shape (n,), or None where a snapshot that is needed was ingested without one of the features.
        """
        left = np.arange(len(entities))
        parts: list[pa.Table] = []
        order: list[NDArray[np.int64]] = []
        for day in sorted((day for day in self._days() if day <= as_of), reverse=True):
            at = pc.index_in(entities.take(pa.array(left)), value_set=respelled(self._keys(day)))
            there = at.is_valid().to_numpy(zero_copy_only=False)
            if there.any():
                file = pq.read_table(self._path(day), columns=self._features, partitioning=None)
                if file.num_columns != len(self._features):
                    return None
                parts.append(file.take(at.drop_null()))
                order.append(left[there])
            left = left[~there]
            if not len(left):
                break
        places = np.full(len(entities), -1)
        places[np.concatenate([*order, np.zeros(0, dtype=np.int64)])] = np.arange(len(entities) - len(left))
        indices = pa.array(places, mask=places < 0)
        if not parts:
            return {name: pa.nulls(len(entities)) for name in self._features}
        rows = pa.concat_tables(parts, promote_options="permissive")
        return {name: rows[name].combine_chunks().take(indices) for name in self._features}

    def first_entity(self, as_of: date) -> str:
        """The entity of a snapshot's first row."""
        with pq.ParquetFile(self._path(as_of)) as file:
            return spelled(str(next(file.iter_batches(batch_size=1, columns=[self._entity]))[self._entity][0]))

    def batches(self, snapshot: Snapshot) -> Iterator[pa.Table]:
        """Entity, features and time of its rows. Raises DataError when a feature has no column."""
        names = [self._entity, *self._features, EVENT_TIMESTAMP]
        with pq.ParquetFile(self._path(snapshot.as_of)) as file:
            there = set(file.schema_arrow.names)
            missing = [name for name in names if name not in there]
            if missing:
                message = f"snapshot {snapshot.name} was ingested without {', '.join(missing)}: ingest it again with {REPLACE}"
                raise DataError(message)
            for batch in file.iter_batches(batch_size=_BATCH, columns=names):
                columns = [self._respelled(name, part) for name, part in zip(names, batch.columns, strict=True)]
                yield pa.table(columns, names=names)

    def _respelled(self, name: str, part: pa.Array) -> pa.Array:
        if name == self._entity:
            return respelled(part)
        return one_code(part, self._codes[name]) if name in self._codes and pa.types.is_string(part.type) else part

    def _keys(self, as_of: date) -> pa.Array:
        return pa.concat_arrays(pq.ParquetFile(self._path(as_of)).read(columns=[self._entity])[self._entity].chunks)

    def _days(self) -> Iterator[date]:
        return (date.fromisoformat(folder.name.partition("=")[2]) for folder in self._snapshots.glob("as_of=*"))

    def _path(self, as_of: date) -> Path:
        return self._snapshots / folder_name(as_of) / FEATURES

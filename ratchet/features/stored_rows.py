"""The feature tables of snapshots as a load reads them: whose rows they hold, and the rows themselves, some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ratchet.core.errors import DataError
from ratchet.core.schema import Snapshot
from ratchet.snapshots.layout import EVENT_TIMESTAMP, FEATURES, folder_name

_BATCH = 20_000  # rows a transaction: bounds memory, and the time that a reader would wait without WAL


class StoredRows:
    """Raises what pyarrow and the file system raise where a table cannot be read.

    Args:
        snapshots: root of the snapshots.
        entity: the entity key's column.
        features: the columns that are loaded.
    """

    def __init__(self, snapshots: Path, entity: str, features: Sequence[str]) -> None:
        self._snapshots, self._entity, self._features = snapshots, entity, features

    def entities_of(self, dates: Sequence[date]) -> pa.Array | None:
        """All entities of the snapshots of these dates; None when there are none."""
        paths = [path for path in map(self._path, dates) if path.exists()]
        parts = [pq.ParquetFile(path).read(columns=[self._entity])[self._entity] for path in paths]
        return pa.concat_arrays([chunk for part in parts for chunk in part.chunks]).unique() if parts else None

    def entities_by(self, as_of: date) -> pd.Index:
        """All entities of the snapshots taken by then."""
        days = (date.fromisoformat(folder.name.partition("=")[2]) for folder in self._snapshots.glob("as_of=*"))
        found = self.entities_of([day for day in days if day <= as_of])
        return pd.Index([] if found is None else found.to_numpy(zero_copy_only=False), dtype=object)

    def first_entity(self, as_of: date) -> str:
        """The entity of a snapshot's first row."""
        with pq.ParquetFile(self._path(as_of)) as file:
            return str(next(file.iter_batches(batch_size=1, columns=[self._entity]))[self._entity][0])

    def batches(self, snapshot: Snapshot) -> Iterator[pa.Table]:
        """Entity, features and time of its rows. Raises DataError when a feature has no column."""
        names = [self._entity, *self._features, EVENT_TIMESTAMP]
        with pq.ParquetFile(self._path(snapshot.as_of)) as file:
            missing = [name for name in names if name not in file.schema_arrow.names]
            if missing:
                message = f"snapshot {snapshot.name} was ingested without {', '.join(missing)}: ingest it again with --replace"
                raise DataError(message)
            for batch in file.iter_batches(batch_size=_BATCH, columns=names):
                yield pa.table(batch.columns, schema=batch.schema)

    def _path(self, as_of: date) -> Path:
        return self._snapshots / folder_name(as_of) / FEATURES

"""A stored snapshot as rows to score: it was checked when it was ingested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from ratchet.core.schema import Snapshot
from ratchet.scores.port import BATCH, Batch, Read
from ratchet.snapshots.port import SnapshotStore


class StoredRows:
    """Implements `ratchet.scores.port.Rows`.

    Args:
        store: has the snapshot.
        snapshot: whose rows they are.
        entity: the key's column.
    """

    proven = True

    def __init__(self, store: SnapshotStore, snapshot: Snapshot, entity: str) -> None:
        self._store, self._snapshot, self._entity = store, snapshot, entity

    @property
    def name(self) -> str:
        """The snapshot's id."""
        return self._snapshot.id

    @property
    def as_of(self) -> date:
        """The snapshot's date."""
        return self._snapshot.as_of

    @property
    def total(self) -> int:
        """Its rows."""
        return self._snapshot.rows

    def identity(self) -> str:
        """The hash of its features."""
        return self._snapshot.features_hash

    def batches(self, features: Sequence[str], start: int) -> Iterator[Read]:
        """Stretches of the stored table; raises DataError where it was ingested without a feature."""
        self._store.columns(self._snapshot, [self._entity, *features], range(0))  # it is here now, and the threads find it
        for first in range(start, self._snapshot.rows, BATCH):
            yield self._read(features, range(first, min(first + BATCH, self._snapshot.rows)))

    def _read(self, features: Sequence[str], rows: range) -> Read:
        def read() -> Batch:
            columns = self._store.columns(self._snapshot, [self._entity, *features], rows)
            return Batch(columns.pop(self._entity), columns)

        return read

    def judged(self, seen: Mapping[str, int], rows: int) -> list[str]:
        """Nothing."""
        del seen, rows
        return []

"""The stored snapshots as a project saw them at some time: those that had come, with the labels that had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.backtest.timeline import Timeline
from ratchet.core.errors import DataError
from ratchet.core.schema import Columns, Snapshot, StoredRow, take
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore


class ReplayedSnapshots:
    """Implements ratchet.snapshots.port.SnapshotStore over another one, which is only read."""

    def __init__(self, store: SnapshotStore, timeline: Timeline) -> None:
        self._store, self._timeline = store, timeline
        self._seen: dict[date, Snapshot] = {}
        self._whole = {item.as_of: item for item in timeline.snapshots}

    def come(self, at: int) -> Snapshot:
        """The snapshot at that position comes, and with it the labels that were late until then."""
        snapshot = self._timeline.snapshots[at]
        self._seen[snapshot.as_of] = replace(snapshot, labelled_rows=0, labels_hash="")
        labelled = self._timeline.labels_with(at)
        if labelled is not None:
            self._seen[labelled.as_of] = labelled
        return self._seen[snapshot.as_of]

    def write(self, snapshot: Snapshot, features: Any, labels: Any | None, *, replace: bool = False) -> bool:
        """Nothing is stored in a replay."""
        del features, labels, replace
        message = f"a replay stores no snapshot: {snapshot.id}"
        raise NotImplementedError(message)

    def snapshots(self) -> list[Snapshot]:
        """Those that have come, oldest first."""
        return [self._seen[day] for day in sorted(self._seen)]

    def listed(self) -> list[Snapshot]:
        """The same."""
        return self.snapshots()

    def get(self, name: str) -> Snapshot:
        """The snapshot of that name, ISO date or id. Raises DataError when it has not come."""
        for snapshot in self._seen.values():
            if name in {snapshot.name, snapshot.as_of.isoformat(), snapshot.id}:
                return snapshot
        message = f"snapshot {name!r} has not come yet"
        raise DataError(message)

    def columns(self, snapshot: Snapshot, names: Sequence[str], rows: range | None = None) -> Columns:
        """As the store has them."""
        return self._store.columns(self._whole[snapshot.as_of], names, rows)

    def labels(self, snapshot: Snapshot, rows: range | None = None) -> Columns:
        """As the store has them. Raises DataError while they have not come."""
        if not self._seen[snapshot.as_of].labelled:
            message = f"the labels of {snapshot.as_of} have not come yet"
            raise DataError(message)
        return self._store.labels(self._whole[snapshot.as_of], rows)


class SnapshotFeatures:
    """Implements ratchet.features.port.FeatureStore by the snapshots themselves, whose features at their dates are the same."""

    def __init__(self, project: Project, store: ReplayedSnapshots) -> None:
        self._project, self._store = project, store

    def materialise(self, snapshot: Snapshot) -> None:
        """Nobody asks online."""

    def training_set(self, as_of: date, entities: NDArray[Any]) -> Columns:
        """The features of entities of the snapshot of that date, in the order asked for."""
        key, names = self._project.entity, [feature.name for feature in self._project.inputs]
        columns = self._store.columns(self._store.get(as_of.isoformat()), [key, *names])
        position = {entity: index for index, entity in enumerate(columns.pop(key))}
        return take(columns, np.array([position[entity] for entity in entities], dtype=np.int64))

    def online(self, entities: Sequence[str]) -> list[StoredRow | None]:
        """Nobody is known."""
        return [None for _ in entities]

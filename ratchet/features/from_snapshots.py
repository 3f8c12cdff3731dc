"""Features without a store of their own: training sets from the stored snapshots, and nothing to look up.

What a point-in-time join gives, by the same rule: of each entity the features of the newest snapshot that has it, and is no younger
than the date asked for (tests/contract/test_training_sets.py holds this and Feast to each other). Nothing of Feast is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ratchet.core.errors import Misconfigured
from ratchet.core.schema import Columns, Feature, Snapshot, StoredRow


class Stored(Protocol):
    """The part of the snapshot store (ratchet/snapshots/port.py) that is read here."""

    def snapshots(self) -> list[Snapshot]:
        """All, oldest first."""
        ...

    def columns(self, snapshot: Snapshot, names: Sequence[str]) -> Columns:
        """Columns of its feature table, the entity's among them."""
        ...


class SnapshotFeatures:
    """The FeatureStore of port.py.

    Args:
        store: gives the stored snapshots; called when a training set is asked for, because opening them imports pandas.
        entity: the entity key's column.
        features: the model's inputs, in order.
    """

    def __init__(self, store: Callable[[], Stored], entity: str, features: Sequence[Feature]) -> None:
        self._store, self._entity, self._features = store, entity, tuple(features)

    def materialise(self, snapshot: Snapshot) -> None:
        """Nothing: there is nowhere to load it into."""

    def training_set(self, as_of: date, entities: NDArray[Any]) -> Columns:
        """The features of `entities` as known at `as_of`, in the order asked for; all missing of one that no snapshot has by then.

        Raises DataError when a snapshot that is needed was ingested without one of the features.
        """
        found = {feature.name: _missing(feature, len(entities)) for feature in self._features}
        wanted: dict[str, list[int]] = {}
        for row, entity in enumerate(entities):
            wanted.setdefault(entity, []).append(row)
        store = self._store()
        for snapshot in reversed([item for item in store.snapshots() if item.as_of <= as_of]):
            if not wanted:
                break
            self._fill(found, wanted, store, snapshot)
        return found

    def _fill(self, found: Columns, wanted: dict[str, list[int]], store: Stored, snapshot: Snapshot) -> None:
        """Take from the snapshot what it has of those that are wanted still, who are wanted no longer then."""
        keys = store.columns(snapshot, [self._entity])[self._entity]
        pairs = [(at, row) for at, key in enumerate(keys) for row in wanted.pop(key, ())]
        if not pairs:
            return
        there, rows = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
        columns = store.columns(snapshot, list(found))
        for name, values in found.items():
            values[rows] = columns[name][there]

    def online(self, entities: Sequence[str]) -> list[StoredRow | None]:
        """Raises Misconfigured: nothing is kept that could be looked up."""
        message = f"no features are kept of {len(entities)} entities (feature_store: none): a request must bring its features"
        raise Misconfigured(message)


def _missing(feature: Feature, rows: int) -> NDArray[Any]:
    if feature.dtype.is_number:
        return np.full(rows, np.nan)
    return np.full(rows, None, dtype=object)

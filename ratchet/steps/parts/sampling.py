"""A bounded sample of a snapshot, read without holding the whole of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ratchet.core.schema import Columns, Snapshot, take
from ratchet.snapshots.port import SnapshotStore

_PIECE = 1_000_000  # rows read at a time


def sample(store: SnapshotStore, snapshot: Snapshot, names: Sequence[str], most: int, seed: int = 0) -> Columns:
    """Columns of at most `most` rows, drawn without replacement with that seed, in their order."""
    if snapshot.rows <= most:
        return store.columns(snapshot, names)
    drawn = np.sort(np.random.default_rng(seed).choice(snapshot.rows, most, replace=False))
    parts = []
    for start in range(0, snapshot.rows, _PIECE):
        stop = min(start + _PIECE, snapshot.rows)
        wanted = drawn[(drawn >= start) & (drawn < stop)]
        if len(wanted):
            parts.append(take(store.columns(snapshot, names, range(start, stop)), wanted - start))
    return {name: np.concatenate([part[name] for part in parts]) for name in names}

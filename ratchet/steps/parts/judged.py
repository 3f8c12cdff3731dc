"""Which snapshot a candidate is made and judged on."""

from __future__ import annotations

from ratchet.core.schema import Snapshot
from ratchet.snapshots.port import SnapshotStore


def labelled_until(store: SnapshotStore, until: Snapshot) -> list[Snapshot]:
    """The labelled snapshots up to that one's date, oldest first."""
    return [item for item in store.snapshots() if item.labelled and item.as_of <= until.as_of]


def newest_labelled(store: SnapshotStore, until: Snapshot) -> Snapshot | None:
    """The last of them; None where there is none."""
    return next(reversed(labelled_until(store, until)), None)

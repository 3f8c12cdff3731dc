"""The snapshot store as the steps need it.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ratchet.core.schema import Columns, Snapshot


class SnapshotStore(Protocol):
    """Snapshots as Parquet with a manifest, written whole or not at all."""

    def write(self, snapshot: Snapshot, features: Any, labels: Any | None, *, replace: bool = False) -> bool:
        """Store the entity-keyed tables (pandas DataFrames: entity, features and slices; entity and label).

        Returns False when the same content is there already (no-op). Labels of entities that have none yet are added.
        Raises DataError when the date holds other content, another label of an entity among it, and `replace` is not set.
        """
        ...

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, oldest first."""
        ...

    def listed(self) -> list[Snapshot]:
        """As `snapshots`, by their manifests alone: no table is fetched for it."""
        ...

    def get(self, name: str) -> Snapshot:
        """The snapshot of that name, ISO date or id. Raises DataError when there is none."""
        ...

    def columns(self, snapshot: Snapshot, names: Sequence[str], rows: range | None = None) -> Columns:
        """Columns of the feature table, in stored row order; the entity column is an object array of str.

        `rows` asks for a stretch of them, which costs the memory of that stretch.
        """
        ...

    def labels(self, snapshot: Snapshot, rows: range | None = None) -> Columns:
        """The columns `entity` (str objects) and `label` (as it was written) of the labelled rows. DataError when unlabelled.

        `rows` asks for a stretch of the labelled rows.
        """
        ...

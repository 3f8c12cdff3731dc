"""Raw snapshots as the steps need them.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ratchet.core.schema import Snapshot


class RawSnapshot(Protocol):
    """A validated raw snapshot: what it is, and its tables as DataFrames (see SnapshotStore.write)."""

    @property
    def snapshot(self) -> Snapshot:
        """Name, date, row counts, hashes."""
        ...

    @property
    def features(self) -> Any:
        """Entity, features and slices."""
        ...

    @property
    def labels(self) -> Any | None:
        """Entity and label, None while labels have not arrived."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What was taken in that did not fit."""
        ...


class Source(Protocol):
    """Raw snapshots as they are delivered."""

    def newest(self) -> str:
        """Name of the snapshot with the latest date. Raises DataError when there is none."""
        ...

    def by_date(self) -> list[str]:
        """Names of all snapshots, oldest first. Raises DataError when one has no date, or none is there."""
        ...

    def has_labels(self, name: str) -> bool:
        """Whether the table of the labels lies there: a flat one does before they have come. Nothing is read for it.

        Raises DataError when there is no such snapshot.
        """
        ...

    def fingerprint(self, name: str) -> str:
        """Changes with every change of the snapshot's files, which are not read for it. Raises DataError when there are none."""
        ...

    def labels_fingerprint(self, name: str) -> str:
        """As `fingerprint`, of the label's table alone; empty where it is not there."""
        ...

    def marked(self, name: str, marker: str) -> bool | None:
        """Whether the file `marker`, by which an upload says that it is done, is no older than the tables; None without it."""
        ...

    def check(self, name: str) -> Sequence[Any]:
        """Everything that is wrong with a snapshot (problems.Problem); empty when it can be ingested."""
        ...

    def examine(self, name: str) -> tuple[Sequence[Any], Sequence[str], Sequence[str]]:
        """As `check`, what is taken in that does not fit, and the entities of the snapshot as far as they can be read."""
        ...

    def read(self, name: str) -> RawSnapshot:
        """Read and validate. Raises DataError with the first thing that is wrong."""
        ...

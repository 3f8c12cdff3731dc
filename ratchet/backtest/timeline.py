"""What was known when: snapshots in the order in which they came, and labels that came later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.core.errors import DataError
from ratchet.core.schema import Snapshot
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.held_rows import needed

LEAST = 3  # labelled snapshots: one to learn from, one to decide on, one that shows how it went


@dataclass(frozen=True, slots=True)
class Timeline:
    """Snapshots, oldest first; the labels of one come with the `lag`-th snapshot after it. `left_out` says which do not count."""

    snapshots: tuple[Snapshot, ...]
    lag: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def labelled(self) -> tuple[Snapshot, ...]:
        """Those that have labels, whenever these came."""
        return tuple(item for item in self.snapshots if item.labelled)

    def labels_with(self, at: int) -> Snapshot | None:
        """The snapshot whose labels came with the one at that position; None where none did."""
        found = self.snapshots[at - self.lag] if at >= self.lag else None
        return found if found is not None and found.labelled else None

    @property
    def months(self) -> tuple[Snapshot, ...]:
        """The labelled snapshots that came after the first labels: those on which a model that was chosen before them is seen."""
        first = next((at for at in range(len(self.snapshots)) if self.labels_with(at)), len(self.snapshots))
        return tuple(item for item in self.snapshots[first + 1 :] if item.labelled)

    def window(self, until: Snapshot, most: int) -> tuple[Snapshot, ...]:
        """The newest labelled snapshots up to that one, at most so many, oldest first."""
        return tuple(item for item in self.labelled if item.as_of <= until.as_of)[-most:]

    def before(self, snapshot: Snapshot) -> Snapshot | None:
        """The last labelled snapshot before that one."""
        return next((item for item in reversed(self.labelled) if item.as_of < snapshot.as_of), None)


def timeline(project: Project, store: SnapshotStore, lag: int) -> Timeline:
    """The stored snapshots as they came.

    A snapshot without a column that ratchet.yaml names cannot be scored: it is left out, and said so. Raises DataError where too
    few are left: two decisions need a month each that shows how they went.
    """
    kept, left_out = [], []
    names = list(dict.fromkeys([*needed(project), *(column.name for column in project.columns)]))
    for snapshot in store.snapshots():
        try:
            store.columns(snapshot, names, range(min(1, snapshot.rows)))
            kept.append(snapshot)
        except DataError as error:
            left_out.append(f"{snapshot.as_of} is left out: {error}")
    found = Timeline(tuple(kept), lag, tuple(left_out))
    if len(found.labelled) < LEAST or len(found.months) < LEAST - 1:
        raise DataError(_too_few(project, found))
    return found


def _too_few(project: Project, found: Timeline) -> str:
    there = _named(found.labelled)
    late = f", and with labels {found.lag} snapshots late {LEAST + found.lag}" if found.lag else ""
    left_out = f" ({'; '.join(found.left_out)})" if found.left_out else ""
    return (
        f"the snapshot store of {project.model} has {there}{left_out}: a backtest needs {LEAST} with labels{late}, one to learn "
        "from, one to decide on and one that shows how it went; `ratchet data ingest` adds snapshots"
    )


def _named(labelled: Sequence[Snapshot]) -> str:
    if not labelled:
        return "no labelled snapshot that can be used"
    names = ", ".join(item.as_of.isoformat() for item in labelled)
    return f"{len(labelled)} labelled snapshot{'s' if len(labelled) > 1 else ''} that can be used ({names})"

"""What a process of a backtest has: it scores recipes, and replays the project's own policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path as Folder

from ratchet.backtest import own
from ratchet.backtest.path import Path, made_of
from ratchet.backtest.table import ScoreTable
from ratchet.backtest.timeline import Timeline
from ratchet.core.errors import DataError
from ratchet.core.schema import Snapshot
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts import recipe
from ratchet.steps.parts.holdout import Holdout, read_holdout

_MOST_CELLS = 20_000_000  # of held-out rows that stay in memory: 160 MB of numbers


@dataclass(slots=True)
class Bench:
    """The store is only read; `folder` is the backtest's own."""

    project: Project
    store: SnapshotStore
    timeline: Timeline
    folder: Folder
    _held: dict[date, Holdout] = field(default_factory=dict)
    _cells: int = 0

    @property
    def table(self) -> ScoreTable:
        """Of the whole backtest: the processes share it."""
        return ScoreTable(self.folder)

    def held(self, snapshot: Snapshot) -> Holdout:
        """The held-out rows of a snapshot. As many stay in memory as have room; the others are read again."""
        found = self._held.get(snapshot.as_of)
        if found is None:
            found = read_holdout(self.project, self.store, snapshot)
            cells = len(found.labels) * (len(found.columns) + len(found.slices) + 2)
            if self._cells + cells <= _MOST_CELLS:
                self._held[snapshot.as_of] = found
                self._cells += cells
        return found

    def label(self) -> None:
        """Put every month's labels into the table."""
        for snapshot in self.timeline.labelled:
            held = self.held(snapshot)
            self.table.put_rows(snapshot.as_of, held.labels, held.groups)

    def score(self, window: Sequence[Snapshot]) -> str:
        """Make a recipe of these months, once, and score it on its last month and all later ones. Says why it could not be made."""
        try:
            scorer = recipe.made_of(self.project, self.store, window)
        except DataError as error:
            return f"nothing is made of {window[0].as_of} to {window[-1].as_of}: {error}"
        for month in self.timeline.labelled:
            if month.as_of >= window[-1].as_of:
                self.table.put(made_of(window).name, month.as_of, scorer.batch(self.held(month).columns))
        return ""

    def replay(self, advance: Callable[[int], None]) -> Path:
        """The project's own policy."""
        folder = self.folder / "versions"
        folder.mkdir()
        return own.replay(self.project, self.store, self.timeline, self.held, self.table, folder, advance)

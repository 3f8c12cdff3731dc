"""How each version did on each labelled snapshot, as it was measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from ratchet.core.events import Entry, Measured, Trained

Question = tuple[int, str, int | None]  # version, snapshot's hash, measured against


@dataclass(slots=True)
class Measurements:
    """The last measurement of each version by the snapshot's date, also beside each champion, and every question that was answered.

    `recipes` are the versions that were made of each snapshot as the newest, by how many months they are made of.
    """

    by_version: dict[int, dict[date, Entry[Measured]]] = field(default_factory=dict)
    asked: set[Question] = field(default_factory=set)
    newest: dict[int, Entry[Measured]] = field(default_factory=dict)
    pairs: dict[tuple[int, int], dict[date, Entry[Measured]]] = field(default_factory=dict)
    recipes: dict[str, dict[int, int]] = field(default_factory=dict)

    def take(self, entry: Entry[Measured]) -> None:
        """One more; another content of the same date takes the place of the one before."""
        found = entry.event
        self.asked.add((found.version, found.snapshot_hash, found.against))
        if found.as_of is None:
            return
        self.by_version[found.version] = {**self.by_version.get(found.version, {}), found.as_of: entry}
        if found.against is not None:
            pair = found.version, found.against
            self.pairs[pair] = {**self.pairs.get(pair, {}), found.as_of: entry}
        last = self.newest.get(found.version)
        if last is None or last.event.as_of is None or last.event.as_of <= found.as_of:
            self.newest[found.version] = entry

    def make(self, trained: Trained) -> None:
        """A recipe's version; a later one of the same recipe and snapshot takes its place."""
        self.recipes[trained.snapshot] = {**self.recipes.get(trained.snapshot, {}), trained.months: trained.version}

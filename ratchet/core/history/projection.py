"""The projection's state: it hands each entry to the parts that it concerns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from ratchet.core.events import (
    Entry,
    Event,
    Gated,
    Ingested,
    LiveMeasured,
    Measured,
    Moved,
    Reconciled,
    Trained,
    Triggered,
    Unreadable,
)
from ratchet.core.history.drift import Drift
from ratchet.core.history.figures import Figures
from ratchet.core.history.gates import Gates
from ratchet.core.history.measurements import Measurements
from ratchet.core.history.parts import forked
from ratchet.core.history.production import Production
from ratchet.core.history.runs import Runs
from ratchet.core.history.wishes import Wishes


@dataclass(slots=True)
class Projection:
    """All entries and what they come to. `decided` counts outcomes by kind of record, `last` has each kind's last and when."""

    entries: list[Entry[Event]] = field(default_factory=list)
    unreadable: list[Entry[Unreadable]] = field(default_factory=list)
    moves: Production = field(default_factory=Production)
    gates: Gates = field(default_factory=Gates)
    drift: Drift = field(default_factory=Drift)
    runs: Runs = field(default_factory=Runs)
    figures: Figures = field(default_factory=Figures)
    measurements: Measurements = field(default_factory=Measurements)
    wishes: Wishes = field(default_factory=Wishes)
    decided: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    @property
    def seq(self) -> int:
        """The last record's; 0 before there is one."""
        return self.entries[-1].seq if self.entries else 0

    def copy(self) -> Projection:
        """The same again, which goes on by itself."""
        return Projection(
            self.entries.copy(),
            self.unreadable.copy(),
            forked(self.moves),
            forked(self.gates),
            forked(self.drift),
            forked(self.runs),
            forked(self.figures),
            forked(self.measurements),
            forked(self.wishes),
            self.decided.copy(),
            self.last.copy(),
        )

    def take(self, entry: Entry[Event]) -> None:
        """One more entry; one that was taken already changes nothing."""
        if entry.seq <= self.seq:
            return
        self.entries.append(entry)
        self.runs.take(entry)
        if (unreadable := entry.of(Unreadable)) is not None:
            self.unreadable.append(unreadable)
        elif (trigger := entry.of(Triggered)) is not None:
            self._count(entry, trigger.event.action)
            self.drift.take(trigger)
            self.wishes.take(trigger)
        elif (gate := entry.of(Gated)) is not None:
            self._count(entry, gate.event.verdict)
            self.gates.take(gate)
            self.drift.answered(gate.event)
            self.wishes.answered(gate.event)
            self.figures.gate(gate)
        elif (move := entry.of(Moved)) is not None:
            self._count(entry, move.event.state)
            self.moves.take(move)
            self.drift.answered(move.event)
            self.wishes.answered(move.event)
        else:
            self._take_other(entry)

    def _take_other(self, entry: Entry[Event]) -> None:
        """What decides nothing and moves nothing."""
        if (mended := entry.of(Reconciled)) is not None:
            self.moves.mend(mended)
        elif (live := entry.of(LiveMeasured)) is not None:
            self.figures.measure(live)
        elif (measured := entry.of(Measured)) is not None:
            self.measurements.take(measured)
        elif (trained := entry.of(Trained)) is not None:
            self.measurements.make(trained.event)
        elif (ingested := entry.of(Ingested)) is not None:
            self.figures.ingest(ingested)

    def _count(self, entry: Entry[Event], outcome: str) -> None:
        self.decided[entry.kind, str(outcome)] += 1
        self.last[entry.kind] = (str(outcome), entry.at)

"""How each version did, by day: at the gate on a snapshot's held-out rows, and on live answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from ratchet.core.events import Entry, Gated, Ingested, LiveMeasured, day_of


@dataclass(frozen=True, slots=True)
class Figure:
    """A version's value of a metric. `day` is the snapshot's date, of live answers the day of measuring; None where not known.

    `low` and `high` are None where the record does not keep them.
    """

    version: int
    day: date | None
    metric: str
    value: float | None
    low: float | None
    high: float | None
    rows: int
    live: bool
    seq: int


@dataclass(slots=True)
class Figures:
    """Every version's figures in the order of the records, its last live measurement, and the snapshots that came in by date."""

    by_version: dict[int, tuple[Figure, ...]] = field(default_factory=dict)
    live: dict[int, Entry[LiveMeasured]] = field(default_factory=dict)
    measured: list[Entry[LiveMeasured]] = field(default_factory=list)
    ingested: dict[date, Entry[Ingested]] = field(default_factory=dict)
    came: dict[str, Entry[Ingested]] = field(default_factory=dict)

    def ingest(self, entry: Entry[Ingested]) -> None:
        """One more snapshot, or new content for an old date."""
        self.came[entry.event.snapshot] = entry
        if entry.event.as_of is not None:
            self.ingested[entry.event.as_of] = entry

    def gate(self, entry: Entry[Gated]) -> None:
        """Both versions' values on one snapshot's held-out rows."""
        gate = entry.event
        values = [(gate.candidate, gate.candidate_value), (gate.champion, gate.champion_value)]
        for version, value in values:
            if version is not None and value is not None:
                self._add(
                    Figure(version, day_of(gate.snapshot), gate.metric, value, None, None, gate.rows, live=False, seq=entry.seq)
                )

    def measure(self, entry: Entry[LiveMeasured]) -> None:
        """A version's live answers."""
        live = entry.event
        self.measured.append(entry)
        self.live[live.version] = entry
        day, bounds = entry.at.date(), (live.low, live.high)
        self._add(Figure(live.version, day, live.metric, live.value, *bounds, live.rows, live=True, seq=entry.seq))

    def _add(self, figure: Figure) -> None:
        self.by_version[figure.version] = (*self.by_version.get(figure.version, ()), figure)

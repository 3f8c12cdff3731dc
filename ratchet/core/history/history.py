"""What can be asked of the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from statistics import fmean, median
from typing import TypeVar

from ratchet.core.decision import Verdict
from ratchet.core.events import (
    DriftTest,
    Entry,
    Event,
    Gated,
    Ingested,
    LiveMeasured,
    Measured,
    Moved,
    MoveState,
    RunClaimed,
    RunEnded,
    Triggered,
    Unreadable,
)
from ratchet.core.history.figures import Figure
from ratchet.core.history.projection import Projection
from ratchet.core.history.runs import Outcome, Run
from ratchet.core.history.wishes import Waiting

K = TypeVar("K", bound=Event)
_GAPS = 10  # snapshots whose dates show how often one comes


@dataclass(frozen=True, slots=True)
class History:
    """What a model's ledger comes to, up to record `seq`. It never changes: `fold` returns the next one.

    Who reads one in one thread is not disturbed by another that folds on.
    """

    _seen: Projection = field(default_factory=Projection)

    def fold(self, *entries: Entry[Event]) -> History:
        """The history with these entries, in the ledger's order, taken in; one that it knows by its `seq` counts no second time."""
        seen = self._seen.copy()
        for entry in entries:
            seen.take(entry)
        return History(seen)

    # --- the records ---

    @property
    def seq(self) -> int:
        """The last record's; 0 before there is one."""
        return self._seen.seq

    @property
    def head(self) -> str:
        """The last record's digest; empty before there is one."""
        return self._seen.entries[-1].hash if self._seen.entries else ""

    @property
    def entries(self) -> Sequence[Entry[Event]]:
        """All, oldest first."""
        return tuple(self._seen.entries)

    def of(self, kind: type[K]) -> list[Entry[K]]:
        """The entries of one class of event, oldest first."""
        return [found for entry in self._seen.entries if (found := entry.of(kind)) is not None]

    @property
    def unreadable(self) -> Sequence[Entry[Unreadable]]:
        """Records that this release does not know, oldest first."""
        return tuple(self._seen.unreadable)

    @property
    def unreadable_move(self) -> Entry[Unreadable] | None:
        """The first step of a move that cannot be read: what waits and what was interrupted is not known for sure then."""
        return self._first_unreadable(Moved.KIND)

    @property
    def unreadable_gate(self) -> Entry[Unreadable] | None:
        """The first decision of the gate that cannot be read: which was the last, and after how many tries, is not known then."""
        return self._first_unreadable(Gated.KIND)

    def _first_unreadable(self, kind: str) -> Entry[Unreadable] | None:
        return next((entry for entry in self._seen.unreadable if entry.kind == kind), None)

    # --- production ---

    @property
    def champion(self) -> Entry[Moved] | None:
        """The last move that was done: its `to` is in production since its `at`. None before the first."""
        return self._seen.moves.done[-1] if self._seen.moves.done else None

    @property
    def previous(self) -> int | None:
        """The version that served before the champion."""
        return self.champion.event.before if self.champion else None

    @property
    def done(self) -> Sequence[Entry[Moved]]:
        """The moves that were done, oldest first."""
        return tuple(self._seen.moves.done)

    @property
    def open(self) -> Entry[Moved] | None:
        """The intent of a move that neither ended nor failed: its promoter is at work or died."""
        return self._seen.moves.open

    @property
    def waiting(self) -> Sequence[Entry[Moved]]:
        """The candidates that await approval, neither promoted nor stale since. One whose promotion failed goes on waiting."""
        return tuple(self._seen.moves.waiting.values())

    @property
    def moves(self) -> Sequence[Entry[Moved]]:
        """Every step of every move, oldest first."""
        return tuple(self._seen.moves.moves)

    def moves_of(self, key: str) -> Sequence[Entry[Moved]]:
        """The steps of the move with that key, oldest first."""
        return self._seen.moves.by_key.get(key, ())

    def done_of(self, key: str) -> Entry[Moved] | None:
        """The first record that says the move with that key was done: None while none does."""
        return next((entry for entry in self.moves_of(key) if entry.event.state is MoveState.DONE), None)

    def served(self, version: int) -> bool:
        """Whether a version was ever in production."""
        return version in self._seen.moves.served

    def digest_of(self, version: int) -> str:
        """The digest on record of a version's files: empty where no record has one, as in those of the first releases.

        It is that of its last move that was done, else as it was taken over from the registry, else as the gate saw it.
        """
        moved = next((entry.event.digest for entry in reversed(self.done) if entry.event.to == version and entry.event.digest), "")
        gate = self.gate_of(version)
        return moved or self._seen.moves.taken_over.get(version, "") or (gate.event.candidate_digest if gate else "")

    @property
    def newest_version(self) -> int:
        """The highest number of a version that any move or gate names; 0 before there is one."""
        gates, moves = self._seen.gates.of_candidate, self._seen.moves.moves
        return max([0, *gates, *(entry.event.to for entry in moves), *(entry.event.before or 0 for entry in moves)])

    @property
    def refused_aliases(self) -> int:
        """How often the registry's alias had to be set back to what the ledger says."""
        return self._seen.moves.refused

    @property
    def promotion_seconds(self) -> Sequence[float]:
        """How long each move took that its own promoter ended."""
        return tuple(self._seen.moves.seconds)

    @property
    def changed(self) -> datetime | None:
        """When a move last began or ended."""
        return self._seen.moves.changed

    # --- decisions ---

    def decisions(self) -> Mapping[tuple[str, str], int]:
        """How often each outcome was, by kind of record (trigger, gate, promotion) and outcome."""
        return dict(self._seen.decided)

    def last_decision(self, kind: str) -> tuple[str, datetime] | None:
        """The last outcome of that kind of record, and when."""
        return self._seen.last.get(kind)

    @property
    def gates(self) -> Sequence[Entry[Gated]]:
        """The gate's decisions, oldest first."""
        return tuple(self._seen.gates.decisions)

    def gate_of(self, candidate: int) -> Entry[Gated] | None:
        """The gate's last decision on a version."""
        return self._seen.gates.of_candidate.get(candidate)

    def decided(self, snapshot_hash: str, champion: int | None, project_hash: str) -> Entry[Gated] | None:
        """The last decision on the same snapshot, champion and project, if it settles the question.

        A PASS does once its candidate was promoted or waits for approval; before that the promotion failed or its run died.
        """
        last = self._seen.gates.of_question.get((snapshot_hash, champion, project_hash))
        if last is None or (last.event.verdict is Verdict.PASS and last.event.candidate not in self._seen.moves.carried_out):
            return None
        return last

    def tries(self, features_hash: str, candidate: int) -> Sequence[date]:
        """The snapshots' dates of all comparisons with a champion but this one, each candidate once on each holdout, in order."""
        tried = self._seen.gates.tried.items()
        return sorted(day for question, day in tried if day is not None and question != (features_hash, candidate))

    def tries_before(self, day: date) -> Sequence[date]:
        """The snapshots' dates before that day on which any candidate was compared with a champion, each day once."""
        return sorted({found for found in self._seen.gates.tried.values() if found is not None and found < day})

    def is_waiting(self, version: int) -> bool:
        """Whether that version awaits approval."""
        return any(entry.event.to == version for entry in self.waiting)

    def challengers(self, champion: int, most: int) -> Sequence[int]:
        """The candidates that the gate refused for this champion and that go on being measured, at most so many, oldest first.

        A further one takes the place of the one with the least mean gain so far, not of the oldest: it takes months to prove
        anything. One that served or awaits approval is none; one that passed since and was not promoted still is.
        """
        first: dict[int, int] = {}
        for entry in self._seen.gates.decisions:
            if entry.event.champion == champion and entry.event.verdict is Verdict.FAIL:
                first.setdefault(entry.event.candidate, entry.seq)
        kept: list[int] = []
        for candidate, seq in first.items():
            if candidate in self._seen.moves.served or self.is_waiting(candidate):
                continue
            kept.append(candidate)
            if len(kept) > most:
                kept.remove(min(kept[:-1] or kept, key=lambda version: self._gain(version, champion, seq)))
        return tuple(kept)

    def _gain(self, version: int, champion: int, before: int) -> float:
        """How much better than that champion a version was over the months measured before a record; 0 without one."""
        found = (entry.event.delta for entry in self.beside(version, champion) if entry.seq < before)
        return fmean([delta for delta in found if delta is not None] or [0.0])

    @property
    def triggers(self) -> Sequence[Entry[Triggered]]:
        """The triggers, oldest first."""
        return tuple(self._seen.drift.triggers)

    def trigger_on(self, snapshot: str) -> Entry[Triggered] | None:
        """The last trigger on the snapshot of that id."""
        return self._seen.drift.last.get(snapshot)

    def wishes(self, champion: int | None) -> Sequence[Waiting]:
        """What asked for a candidate in this champion's place and waits for labels, oldest first."""
        waiting = (wish for wish in self._seen.wishes.waiting.values() if wish.champion == champion)
        return tuple(sorted(waiting, key=lambda wish: wish.since))

    @property
    def drift_share(self) -> float | None:
        """The share of drifted features, as last measured."""
        return self._seen.drift.share

    @property
    def worst_drift(self) -> DriftTest | None:
        """The largest effect over threshold of the last comparison that has one."""
        return self._seen.drift.worst

    @property
    def unanswered_drift(self) -> datetime | None:
        """Since when a snapshot's drift has been without an answer: no refused candidate, no promotion, no quiet snapshot since."""
        return self._seen.drift.unanswered

    # --- runs ---

    def run(self, run_id: str) -> Run | None:
        """What a run has left so far; None for one that has left nothing."""
        return self._seen.runs.by_id.get(run_id)

    @property
    def runs(self) -> Sequence[Run]:
        """All runs that left something, by their first record."""
        return tuple(self._seen.runs.by_id.values())

    @property
    def run_ends(self) -> Sequence[Entry[RunEnded]]:
        """How runs ended, oldest first."""
        return tuple(self._seen.runs.ends)

    def outcomes(self) -> Mapping[Outcome, int]:
        """How often ended runs came to each outcome."""
        return dict(self._seen.runs.outcomes)

    def claim(self, key: str) -> Entry[RunClaimed] | None:
        """The watcher's last claim of a run with that key."""
        return self._seen.runs.claims.get(key)

    # --- data and figures ---

    def ingested(self, as_of: date) -> Entry[Ingested] | None:
        """What came in last for that date."""
        return self._seen.figures.ingested.get(as_of)

    def ingests(self) -> Mapping[date, Entry[Ingested]]:
        """What came in last, by date."""
        return dict(self._seen.figures.ingested)

    def came(self, snapshot: str) -> Entry[Ingested] | None:
        """When the snapshot of that id came in last."""
        return self._seen.figures.came.get(snapshot)

    @property
    def interval(self) -> float | None:
        """Seconds, the median time between the dates of the last snapshots; None before there are two."""
        dates = sorted(self._seen.figures.ingested)[-_GAPS:]
        gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(dates)]
        return median(gaps) if gaps else None

    def live(self) -> Mapping[int, Entry[LiveMeasured]]:
        """Each version's last live measurement."""
        return dict(self._seen.figures.live)

    @property
    def live_measurements(self) -> Sequence[Entry[LiveMeasured]]:
        """All live measurements, oldest first."""
        return tuple(self._seen.figures.measured)

    def figures(self, version: int) -> Sequence[Figure]:
        """How a version did, at each gate and on live answers, in the order of the records."""
        return self._seen.figures.by_version.get(version, ())

    def was_measured(self, version: int, snapshot_hash: str, against: int | None) -> bool:
        """Whether a version was measured on that content, beside that champion (None: it was the champion)."""
        return (version, snapshot_hash, against) in self._seen.measurements.asked

    def measurements(self, version: int) -> Sequence[Entry[Measured]]:
        """A version's last measurement on each labelled snapshot, by the snapshots' dates."""
        by_day = self._seen.measurements.by_version.get(version, {})
        return tuple(by_day[day] for day in sorted(by_day))

    def measurement(self, version: int) -> Entry[Measured] | None:
        """A version's measurement on the newest labelled snapshot that it was measured on."""
        return self._seen.measurements.newest.get(version)

    def beside(self, version: int, champion: int) -> Sequence[Entry[Measured]]:
        """A version's last measurement beside that champion on each labelled snapshot, by the snapshots' dates."""
        by_day = self._seen.measurements.pairs.get((version, champion), {})
        return tuple(by_day[day] for day in sorted(by_day))

    def recipes(self, snapshot: str) -> Mapping[int, int]:
        """The versions that were made of the snapshot of that id as the newest, by how many months they are made of."""
        return dict(self._seen.measurements.recipes.get(snapshot, {}))

    def made_by(self, months: int) -> Sequence[int]:
        """All versions of the recipe of so many months."""
        return tuple(made[months] for made in self._seen.measurements.recipes.values() if months in made)

"""What each run of the pipeline came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ratchet.core.decision import Verdict
from ratchet.core.events import Entry, Event, Gated, Moved, MoveState, RunClaimed, RunEnded, RunState, Triggered
from ratchet.core.trigger import Action


class Outcome(StrEnum):
    """What a run came to."""

    PROMOTED = "promoted"
    SKIPPED = "skipped"
    NO_ACTION = "no_action"
    UNKNOWN = "unknown"
    AWAITING = "awaiting_approval"
    FAILED = "failed"


_BY_ACTION = {Action.NO_ACTION: Outcome.NO_ACTION, Action.UNKNOWN: Outcome.UNKNOWN, Action.RETRAIN: Outcome.FAILED}
_BY_VERDICT = {Verdict.PASS: Outcome.PROMOTED, Verdict.FAIL: Outcome.SKIPPED, Verdict.UNKNOWN: Outcome.UNKNOWN}
_BY_STATE = {
    MoveState.DONE: Outcome.PROMOTED,
    MoveState.AWAITING: Outcome.AWAITING,
    MoveState.FAILED: Outcome.FAILED,
    MoveState.STALE: Outcome.FAILED,
}


@dataclass(frozen=True, slots=True)
class Run:
    """The last trigger, gate decision and step of a move that a run has left, and its end. `so_far` is by the last of them."""

    run_id: str
    trigger: Entry[Triggered] | None = None
    gate: Entry[Gated] | None = None
    move: Entry[Moved] | None = None
    end: Entry[RunEnded] | None = None
    so_far: Outcome | None = None

    @property
    def reached(self) -> list[str]:
        """The kinds of record that it has left on its way, in the order of the way."""
        return [entry.kind for entry in (self.trigger, self.gate, self.move) if entry is not None]

    @property
    def outcome(self) -> Outcome:
        """What it came to; FAILED when a candidate was wanted and no decision followed, or when its end says so."""
        if self.end is not None and self.end.event.state is RunState.FAILED:
            return Outcome.FAILED
        return self.so_far or Outcome.UNKNOWN


@dataclass(slots=True)
class Runs:
    """Every run by its id, how often each outcome was, and the watcher's claims by their key."""

    by_id: dict[str, Run] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    claims: dict[str, Entry[RunClaimed]] = field(default_factory=dict)
    ends: list[Entry[RunEnded]] = field(default_factory=list)

    def take(self, entry: Entry[Event]) -> None:
        """One more record that may belong to a run. What people do by hand belongs to none."""
        if (trigger := entry.of(Triggered)) is not None:
            self._keep(replace(self._of(trigger.event.run_id), trigger=trigger, so_far=_BY_ACTION[trigger.event.action]))
        elif (gate := entry.of(Gated)) is not None:
            self._keep(replace(self._of(gate.event.run_id), gate=gate, so_far=_BY_VERDICT[gate.event.verdict]))
        elif (move := entry.of(Moved)) is not None:
            before = self._of(move.event.run_id)
            self._keep(replace(before, move=move, so_far=_BY_STATE.get(move.event.state, before.so_far)))
        elif (end := entry.of(RunEnded)) is not None:
            self._ended(end)
        elif (claim := entry.of(RunClaimed)) is not None:
            self.claims[claim.key] = claim

    def _of(self, run_id: str) -> Run:
        return self.by_id.get(run_id) or Run(run_id)

    def _keep(self, run: Run) -> None:
        if run.run_id:
            self.by_id[run.run_id] = run

    def _ended(self, end: Entry[RunEnded]) -> None:
        run = replace(self._of(end.event.run_id), end=end)
        self.ends.append(end)
        self.outcomes[run.outcome] += 1
        self._keep(run)

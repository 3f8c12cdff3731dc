"""Who is in production, and how each move went. The one reading of `promotion` records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ratchet.core.events import Entry, Moved, MoveState, Reconciled

_CARRIED_OUT = {MoveState.DONE, MoveState.AWAITING}
_ENDED = {MoveState.DONE, MoveState.FAILED}


@dataclass(slots=True)
class Production:
    """All moves, oldest first.

    `open` is the last intent that neither ended nor failed: its promoter is at work or died. `waiting` has the parked candidates by
    their move's key; one whose promotion failed goes on waiting. `seconds` are the lengths of the moves that ended by themselves,
    `changed` is when a move last began or ended. `taken_over` has the digests that the registry was believed for, by version, and
    `refused` counts aliases that were set back.
    """

    moves: list[Entry[Moved]] = field(default_factory=list)
    done: list[Entry[Moved]] = field(default_factory=list)
    by_key: dict[str, tuple[Entry[Moved], ...]] = field(default_factory=dict)
    waiting: dict[str, Entry[Moved]] = field(default_factory=dict)
    open: Entry[Moved] | None = None
    served: set[int] = field(default_factory=set)
    carried_out: set[int] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    changed: datetime | None = None
    taken_over: dict[int, str] = field(default_factory=dict)
    refused: int = 0

    def take(self, entry: Entry[Moved]) -> None:
        """One more step of a move."""
        move = entry.event
        self.moves.append(entry)
        self.by_key[entry.key] = (*self.by_key.get(entry.key, ()), entry)
        if move.state in _CARRIED_OUT:
            self.carried_out.add(move.to)
        if move.state is MoveState.DONE:
            self.done.append(entry)
            self.served.add(move.to)
        self._wait(entry)
        self._follow(entry)

    def mend(self, entry: Entry[Reconciled]) -> None:
        """Something was brought back to what the records say."""
        event = entry.event
        self.refused += event.refused
        if event.to is not None and event.digest:
            self.taken_over.setdefault(event.to, event.digest)

    def _wait(self, entry: Entry[Moved]) -> None:
        if entry.event.state is MoveState.AWAITING:
            self.waiting.pop(entry.key, None)  # the newest stands last
            self.waiting[entry.key] = entry
        elif entry.event.state in {MoveState.DONE, MoveState.STALE}:
            self.waiting.pop(entry.key, None)

    def _follow(self, entry: Entry[Moved]) -> None:
        state = entry.event.state
        if state is not MoveState.AWAITING:
            self.changed = entry.at
        if state is MoveState.INTENT:
            self.open = entry
        elif self.open is not None and self.open.key == entry.key and state in _ENDED:
            if state is MoveState.DONE and not entry.event.reconciled:
                self.seconds.append((entry.at - self.open.at).total_seconds())
            self.open = None

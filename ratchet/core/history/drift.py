"""What the triggers have found: the last look at each snapshot, and drift that nobody has answered yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ratchet.core.decision import Verdict
from ratchet.core.events import DriftTest, Entry, Gated, Moved, MoveState, Triggered, day_of
from ratchet.core.trigger import Action


@dataclass(slots=True)
class Drift:
    """All triggers, oldest first; the last of each snapshot's id.

    `share` and `worst` are of the last comparison. `unanswered` is when drift was first seen that no gate has refused a candidate
    for, no move followed and no quiet snapshot came after; `_drifted` is that snapshot's id.
    """

    triggers: list[Entry[Triggered]] = field(default_factory=list)
    last: dict[str, Entry[Triggered]] = field(default_factory=dict)
    share: float | None = None
    worst: DriftTest | None = None
    unanswered: datetime | None = None
    _drifted: str = ""

    def take(self, entry: Entry[Triggered]) -> None:
        """One more trigger. Drift that was decided upon before (NO_ACTION) is answered; too few rows to tell answers nothing."""
        self.triggers.append(entry)
        self.last[entry.event.snapshot] = entry
        found = entry.event.drift
        if found is None:
            return
        self.share = found.drift_share
        self.worst = found.worst or self.worst
        if found.verdict is Verdict.PASS and entry.event.action is not Action.NO_ACTION:
            self.unanswered, self._drifted = self.unanswered or entry.at, entry.event.snapshot
        elif found.verdict is not Verdict.UNKNOWN:
            self.unanswered = None

    def answered(self, answer: Gated | Moved) -> None:
        """The gate's no, a promotion or a candidate that waits, on that snapshot's labels or later ones, is an answer to drift."""
        said = answer.verdict is Verdict.FAIL if isinstance(answer, Gated) else answer.state in {MoveState.DONE, MoveState.AWAITING}
        judged, drifted = day_of(answer.snapshot), day_of(self._drifted)
        later = judged is not None and drifted is not None and judged > drifted
        if said and (later or answer.snapshot == self._drifted):
            self.unanswered = None

"""Wishes for a candidate that wait for labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ratchet.core.decision import Verdict
from ratchet.core.events import Entry, Gated, Moved, MoveState, Triggered, day_of


@dataclass(frozen=True, slots=True)
class Waiting:
    """A wish of the snapshot of `since`, for the champion of that time, with the reason that it was made for."""

    name: str
    text: str
    since: date
    champion: int | None


@dataclass(slots=True)
class Wishes:
    """The wishes that nobody has answered yet, by name, each as it was first made."""

    waiting: Mapping[str, Waiting] = field(default_factory=dict)

    def take(self, entry: Entry[Triggered]) -> None:
        """One more trigger: what it says waits, does so from its snapshot's date on."""
        trigger, since = entry.event, day_of(entry.event.snapshot)
        if since is None:
            return
        texts = dict(zip(trigger.wishes, trigger.reasons, strict=False))
        known = {name: wish for name, wish in self.waiting.items() if wish.champion == trigger.champion}
        new = {name: Waiting(name, texts.get(name, name), since, trigger.champion) for name in trigger.waits if name not in known}
        self.waiting = {**known, **new}

    def answered(self, answer: Gated | Moved) -> None:
        """A decision on that or a later snapshot answers a wish, and so does another version in production."""
        if isinstance(answer, Moved):
            self.waiting = {} if answer.state is MoveState.DONE else self.waiting
            return
        judged = day_of(answer.snapshot)
        if answer.verdict is not Verdict.UNKNOWN and answer.settles and judged is not None:
            self.waiting = {name: wish for name, wish in self.waiting.items() if wish.since > judged}

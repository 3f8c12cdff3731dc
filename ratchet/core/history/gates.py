"""What the gate has decided: on each candidate, on each question, and how many tries a holdout has seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from ratchet.core.events import Entry, Gated, Proof, day_of

BY_ONE_MONTH = frozenset({Proof.FRESH, Proof.PROBATION})  # spends of the budget that is for tries
Try = tuple[str, int]  # holdout by its features' hash, candidate
Question = tuple[str, int | None, str]  # snapshot's hash, champion, project's hash


@dataclass(slots=True)
class Gates:
    """All decisions, oldest first; the last on each candidate and on each question; every comparison once, with its date."""

    decisions: list[Entry[Gated]] = field(default_factory=list)
    of_candidate: dict[int, Entry[Gated]] = field(default_factory=dict)
    of_question: dict[Question, Entry[Gated]] = field(default_factory=dict)
    tried: dict[Try, date | None] = field(default_factory=dict)

    def take(self, entry: Entry[Gated]) -> None:
        """One more decision. No try is a first model, compared with nothing, nor an offered version, whose months carry it."""
        gate = entry.event
        self.decisions.append(entry)
        self.of_candidate[gate.candidate] = entry
        if gate.settles:
            self.of_question[gate.snapshot_hash, gate.champion, gate.project_hash] = entry
        if gate.champion is not None and gate.proof in BY_ONE_MONTH:
            self.tried[gate.features_hash, gate.candidate] = day_of(gate.snapshot)

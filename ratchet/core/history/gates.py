"""What the gate has decided: on each candidate, on each question, and how many tries a holdout has seen."""

from __future__ import annotations

from dataclasses import dataclass, field

from ratchet.core.events import Entry, Gated

Question = tuple[str, int | None, str]  # snapshot's hash, champion, project's hash


@dataclass(slots=True)
class Gates:
    """All decisions, oldest first; the last on each candidate and on each question; the candidates compared on each holdout."""

    decisions: list[Entry[Gated]] = field(default_factory=list)
    of_candidate: dict[int, Entry[Gated]] = field(default_factory=dict)
    of_question: dict[Question, Entry[Gated]] = field(default_factory=dict)
    tried: dict[str, frozenset[int]] = field(default_factory=dict)

    def take(self, entry: Entry[Gated]) -> None:
        """One more decision. A first model, which nothing was compared with, is no try."""
        gate = entry.event
        self.decisions.append(entry)
        self.of_candidate[gate.candidate] = entry
        self.of_question[gate.snapshot_hash, gate.champion, gate.project_hash] = entry
        if gate.champion is not None:
            self.tried[gate.features_hash] = self.tried.get(gate.features_hash, frozenset()) | {gate.candidate}

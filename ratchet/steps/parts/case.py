"""What a candidate is judged by: the judged month and its recipe, or what was measured of it over months."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from ratchet.core.decision import Reason, Verdict
from ratchet.core.estimate import Estimate, Scores
from ratchet.core.events import Proof
from ratchet.core.gate import out_of_time
from ratchet.core.history import History
from ratchet.core.schema import ModelVersion
from ratchet.core.trigger import Wish
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.holdout import Holdout
from ratchet.steps.parts.outcome import performance, proof
from ratchet.steps.parts.recipe import scores_without
from ratchet.tasks.catalogue import task_of

_OFFERED = {Wish.CHALLENGER: Proof.CHALLENGER, Wish.RETURN: Proof.RETURN}


@dataclass(slots=True)
class Case:
    """How a candidate may show that it is the better one.

    `proven` is there for a version that was offered: its months take the place of the judged one. `gain` is the recipe's, out of
    time, once it was asked for. `kind` is what the decision rests on.
    """

    project: Project
    store: SnapshotStore
    held: Holdout
    champion_scores: Scores | None
    fallen: Reason | None = None
    proven: Reason | None = None
    kind: Proof = Proof.FRESH
    gain: Estimate | None = field(default=None, init=False)

    @classmethod
    def of(
        cls,
        project: Project,
        store: SnapshotStore,
        history: History,
        champion: ModelVersion | None,
        candidate: int,
        held: Holdout,
        champion_scores: Scores | None,
        run_id: str,
    ) -> Self:
        """The case of a candidate: offered by the run's trigger, or new."""
        made = cls(project, store, held, champion_scores)
        if champion is None:
            return made
        run = history.run(run_id) if run_id else None
        trigger = run.trigger.event if run and run.trigger else None
        if trigger is not None and trigger.candidate == candidate and trigger.champion == champion.number and trigger.wishes:
            made.kind = _OFFERED[Wish(trigger.wishes[0])]
            made.proven = proof(project, history, candidate, champion.number, held.snapshot, made.kind)
            return made
        asked = performance(project, history, champion, held.snapshot)
        made.fallen = next((reason for reason in asked if reason.verdict is Verdict.PASS), None)
        return made

    def lasting(self) -> Reason:
        """What shows that a gain lasts beyond the judged month.

        An offered version has shown it. Where the champion is broken there is no time to show it: the candidate goes first, and the
        next labelled month is held against the version before it. Else the recipe must win on a month that it has not seen.
        """
        if self.proven is not None:
            return self.proven
        if self.fallen is not None:
            self.kind = Proof.PROBATION
            return Reason(Verdict.PASS, f"{self.fallen.text}: on probation", headline=True)
        scores = scores_without(self.project, self.store, self.held.snapshot, self.held)
        if scores is not None and self.champion_scores is not None:
            self.gain = task_of(self.project).difference(self.held.labels, scores, self.champion_scores, self.held.groups)
        return out_of_time(self.gain)

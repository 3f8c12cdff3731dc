"""What a candidate is judged by: the judged month and its recipe, or what was measured of it over months."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ratchet.core.decision import Reason, Verdict
from ratchet.core.errors import DataError
from ratchet.core.estimate import Estimate, Scores
from ratchet.core.events import Proof
from ratchet.core.gate import out_of_time
from ratchet.core.history import History
from ratchet.core.schema import ModelVersion
from ratchet.core.seen import Move, Next
from ratchet.core.trigger import Wish
from ratchet.project.file import Project
from ratchet.registry.port import Registry
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.holdout import Holdout
from ratchet.steps.parts.looks import look_now
from ratchet.steps.parts.outcome import performance, proof
from ratchet.steps.parts.recipe import scores_without
from ratchet.steps.parts.recipes import decide, named, recipes_of, records
from ratchet.tasks.catalogue import task_of

_OFFERED = {Wish.CHALLENGER: Proof.CHALLENGER, Wish.RETURN: Proof.RETURN}


@dataclass(slots=True)
class Case:
    """How a candidate may show that it is the better one.

    `offered` is what the run's trigger offered the candidate for, None where it was made in this run. `kind` is what the decision
    rests on, and `gain` the recipe's out of time where it was asked for: both once `lasting` was called.
    """

    project: Project
    store: SnapshotStore
    registry: Registry
    history: History
    champion: ModelVersion | None
    candidate: int
    held: Holdout
    champion_scores: Scores | None
    offered: Proof | None = None
    kind: Proof = field(default=Proof.FRESH, init=False)
    gain: Estimate | None = field(default=None, init=False)
    _decided: tuple[Next, dict[str, int]] | None = field(default=None, init=False)

    @property
    def proven(self) -> Reason | None:
        """What several months show of a version that was offered, or of the recipe that made it, by themselves; else None."""
        if self.champion is None or self.champion_scores is None:
            return None
        if self.offered is not None:
            self.kind = self.offered
            return proof(self.project, self.history, self.candidate, self.champion.number, self.held.snapshot, self.offered)
        chosen, names = self._rule(self.champion, self.champion_scores)
        return replace(chosen.reasons[0], headline=True) if chosen.alone and names.get(chosen.name) == self.candidate else None

    def _rule(self, champion: ModelVersion, scores: Scores) -> tuple[Next, dict[str, int]]:
        """What the rule of months says, asked once."""
        if self._decided is None:
            self._decided = decide(self.project, self.registry, self.history, champion, self.held, scores, self.candidate)
        return self._decided

    def lasting(self) -> Reason:
        """What shows that a new candidate's gain lasts beyond the judged month, by the rule of months.

        Its recipe won on months that it had not seen; or it wins by more than such wins have ever been too good by, and goes at
        once, on probation. For the second the champion must have fallen, or the recipe have a record on other months, or win on the
        judged month when it is made again without it.
        """
        if self.champion is None or self.champion_scores is None:
            return Reason(Verdict.UNKNOWN, "there is nothing to compare with")
        chosen, names = self._rule(self.champion, self.champion_scores)
        if chosen.move is Move.KEEP or names.get(chosen.name) != self.candidate:
            failed = [reason for reason in chosen.reasons if reason.verdict is not Verdict.PASS]
            return failed[0] if failed else Reason(Verdict.FAIL, f"the recipe of {chosen.name} has more to show")
        if chosen.move is Move.PROMOTE:
            return replace(chosen.reasons[-1], headline=True)
        self.kind = Proof.PROBATION
        fallen = next((item for item in self._asked() if item.verdict is Verdict.PASS), None)
        if fallen is not None:
            return Reason(Verdict.PASS, f"{fallen.text}: on probation", headline=True)
        months = next(months for months in self.project.training.recipes if named(months) == chosen.name)
        ours = self.candidate in recipes_of(self.project, self.history, self.held.snapshot.id).values()
        if ours and records(self.history, months, self.champion.number, self.held.snapshot.as_of):
            return replace(chosen.reasons[-1], text=f"{chosen.reasons[-1].text}: on probation", headline=True)
        try:
            scores = scores_without(self.project, self.store, self.held.snapshot, self.held, months)
        except DataError:  # nothing can be learnt from the earlier months, one class for example: that proves nothing
            scores = None
        if scores is not None:
            self.gain = task_of(self.project).difference(self.held.labels, scores, self.champion_scores, self.held.groups)
        return out_of_time(self.gain)

    def _asked(self) -> list[Reason]:
        """Whether the champion fell, by its measurements and by the judged rows: nobody may have measured it on them yet."""
        now = None if self.champion_scores is None else look_now(task_of(self.project), self.held, self.champion_scores)
        return performance(self.project, self.history, self.champion, self.held.snapshot, now)


def offered_by(history: History, run_id: str, candidate: int, champion: ModelVersion | None) -> Proof | None:
    """What the run's trigger offered this version for; None where it offered nothing, or another."""
    run = history.run(run_id) if run_id and champion else None
    trigger = run.trigger.event if run and run.trigger else None
    if champion is None or trigger is None or (trigger.candidate, trigger.champion) != (candidate, champion.number):
        return None
    return _OFFERED[Wish(trigger.wishes[0])] if trigger.wishes else None

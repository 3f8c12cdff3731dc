"""A promotion as a plan of stages, and what carries it out.

Before the point of no return a failure undoes what was done, in reverse order; from there on the move is only ever finished.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ratchet.core.errors import LockLost, PromotionFailed, RatchetError, RetryableError, Unavailable
from ratchet.core.events import Entry, Moved, MoveState
from ratchet.promotion.move import name
from ratchet.promotion.stages.alias import Alias
from ratchet.promotion.stages.check import Check
from ratchet.promotion.stages.compare import Compare
from ratchet.promotion.stages.pin import Pin
from ratchet.promotion.stages.stage import Stage
from ratchet.promotion.stages.wait import Wait
from ratchet.promotion.underway import Underway


@dataclass(frozen=True, slots=True)
class Plan:
    """Stages in order: some that change nothing, those that can be undone, and those from the point of no return on."""

    stages: tuple[Stage, ...]

    @property
    def apart(self) -> tuple[Stage, ...]:
        """The stages before the first that changes something: they need nothing that serves, and leave nothing."""
        return self.stages[: next(at for at, stage in enumerate(self.stages) if stage.changes)]

    @property
    def revocable(self) -> tuple[Stage, ...]:
        """The stages from the first change to the point of no return."""
        return self.stages[len(self.apart) : self._point]

    @property
    def final(self) -> tuple[Stage, ...]:
        """The stages from the point of no return on."""
        return self.stages[self._point :]

    @property
    def _point(self) -> int:
        return next(at for at, stage in enumerate(self.stages) if stage.no_return)

    def carry_out(self, under: Underway, *, resumed: bool) -> Entry[Moved]:
        """All stages; the `done` record.

        Args:
            under: the move, whose champion is still the one that it expects.
            resumed: a promoter that died has begun it: any stage may have been done, and a failure undoes all of them.

        Raises:
            LockLost: the lock is no longer ours; nothing was written since, `ratchet reconcile` finishes or undoes the move.
            PromotionFailed, ArtifactError, StaleComparison: it was undone, or the ledger says that it was not.
            Unavailable: a backend is away; after the point of no return `ratchet reconcile` finishes the move.
        """
        done = [stage for stage in self.revocable if resumed and stage.changes]
        rollout = under.production.rollout
        with ExitStack() as serving:
            if resumed:  # there is something to undo from the first stage on
                serving.enter_context(rollout.session())
            self._do(under, self.apart, done)
            if not resumed:
                serving.enter_context(rollout.session())
            under.revision = rollout.pinned().revision
            under.record(MoveState.INTENT)
            self._do(under, self.revocable, done)
        try:
            return self.finish(under, answers_compared=under.compared)
        except LockLost:
            raise
        except RetryableError as error:  # the alias may have moved all the same: nobody can tell before the registry is back
            message = f"{error}; version {under.move.to} serves already: `ratchet reconcile` finishes the move"
            raise Unavailable(message) from error

    def finish(self, under: Underway, **more: Any) -> Entry[Moved]:
        """The stages from the point of no return on, and the record that the move is done; `more` are fields of Moved."""
        for stage in self.final:
            stage.do(under)
            stage.wait(under)
        return under.record(MoveState.DONE, **more)

    def give_up(self, under: Underway, why: str) -> None:
        """Undo whatever a dead promoter may have done of the move, and record that it failed. Raises PromotionFailed, LockLost."""
        with under.production.rollout.session():
            self._undo(under, [stage for stage in self.revocable if stage.changes], RatchetError(why), whole=True)

    def _do(self, under: Underway, stages: Sequence[Stage], done: list[Stage]) -> None:
        """The stages in order; `done`, those that a failure undoes, grows by each that changes something."""
        for stage in stages:
            whole = False  # whether all that was changed can be undone: not what failed halfway, perhaps by somebody else's change
            try:
                stage.do(under)
                whole = True
                if stage.changes and stage not in done:
                    done.append(stage)
                stage.wait(under)
            except LockLost:
                raise
            except RatchetError as error:
                undone = [other for other in self.revocable if other in done and (whole or other is not stage)]
                self._undo(under, undone, error, whole=whole)
                raise

    def _undo(self, under: Underway, stages: Sequence[Stage], error: RatchetError, *, whole: bool) -> None:
        """Undo the stages, the last one first, and record why. Raises PromotionFailed when that did not work either."""
        production, back = under.production, name(under.back_to)
        second = ""
        for stage in reversed(stages):
            try:
                stage.undo(under)
            except LockLost:
                raise
            except RatchetError as other:
                second = second or str(other)
        if second:
            text = f"{error}; bringing {back} back did not work either: {second}"
            under.record(MoveState.FAILED, error=text, undone=False)
            message = f"{text}; run `ratchet reconcile`"
            raise PromotionFailed(message) from error
        under.record(MoveState.FAILED, error=str(error), undone=whole)
        if stages and whole:
            production.say(f"[PROMOTE] undone: {back} serves")


PLAN = Plan((Check(), Pin(), Wait(), Compare(), Alias()))

"""Finish or undo what a dead promoter left, and make what serves agree with the alias."""

from __future__ import annotations

from ratchet.core.errors import LockLost, PromotionFailed, RatchetError, RetryableError
from ratchet.core.events import Reconciled
from ratchet.locks.port import Fence
from ratchet.promotion.champion import legible
from ratchet.promotion.move import Move
from ratchet.promotion.production import Production
from ratchet.promotion.protocol import carry_out_locked
from ratchet.promotion.readiness import wait_until_ready
from ratchet.promotion.underway import Underway


def reconcile(production: Production) -> list[str]:
    """Mend, under the lock. Returns what was done, a sentence each; empty when all agreed.

    An intent without an end is finished by the plan when its champion is still the one that was compared with (or the alias
    has moved already), and undone by it when production has moved on since. After that, pods that serve another
    version than the alias names are rolled back to it: the alias is the truth. Run twice, it does nothing the second time.
    The lock is taken only when there is something to mend. Raises RetryableError when a backend could not be reached on the way.
    """
    if legible(production.journal.history()).open is None and production.rollout.pinned().version == production.champion:
        return []
    with production.journal.listeners_wait(), production.lock.hold() as fence:
        finished, error = _finish(production, fence)
        agreed = _agree(production, fence)
    if isinstance(error, RetryableError):
        raise error
    return [*finished, *agreed]


def reconcile_first(production: Production, *, only_open: bool = False) -> None:
    """What a pipeline's step does before its own work: mend and log each thing; `only_open` leaves agreeing to a later step."""
    if only_open and legible(production.journal.history()).open is None:
        return
    for done in reconcile(production):
        production.say(f"[RECONCILE] {done}")


def _finish(production: Production, fence: Fence) -> tuple[list[str], RatchetError | None]:
    intent = production.journal.history().open
    if intent is None:
        return [], None
    move, number = Move.of(intent), production.champion
    under = Underway(production, fence, move, back_to=number)
    if number == move.to:
        production.plan.finish(under, reconciled=True)
        return [f"version {move.to} was in production already: recorded as done"], None
    if number != move.expected:
        try:
            production.plan.give_up(under, "production moved on meanwhile")
        except PromotionFailed as error:  # the pods are brought back below, where a backend that is away is one to ask again
            return [f"the interrupted move to version {move.to} could not be undone: {error}"], error
        return [f"the interrupted move to version {move.to} was closed: production has moved on to version {number}"], None
    try:
        carry_out_locked(production, fence, move)
    except LockLost:
        raise
    except RatchetError as error:
        return [f"the interrupted move to version {move.to} could not be finished: {error}"], error
    return [f"the interrupted move to version {move.to} was finished"], None


def _agree(production: Production, fence: Fence) -> list[str]:
    target, rollout = production.champion, production.rollout
    pinned = rollout.pinned().version
    if pinned == target:
        return []
    reason = f"pods were pinned to version {pinned}, the alias names {target}"
    with rollout.session():
        revision = rollout.pinned().revision
        fence.check()
        rollout.pin(target, revision=revision)
        wait_until_ready(production, fence, target)
    fence.check()
    production.journal.append(Reconciled(to=target, before=pinned, reason=reason))
    return [f"{reason}: they serve version {target} again"]

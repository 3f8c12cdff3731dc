"""The promotion protocol: under the lock, a move of production is carried out once, or everything stays as it was."""

from __future__ import annotations

from ratchet.core.errors import StaleComparison
from ratchet.core.events import Entry, Moved, MoveState
from ratchet.locks.port import Fence
from ratchet.promotion.champion import legible
from ratchet.promotion.move import Move, name
from ratchet.promotion.production import Production
from ratchet.promotion.underway import Underway


def carry_out(production: Production, move: Move) -> Entry[Moved]:
    """Take the lock and carry the move out. Returns the ledger's `done` record (the earlier one when the key is done already).

    Raises:
        LockHeld: somebody else is promoting.
        LockLost: the lock was lost on the way; `ratchet reconcile` finishes or undoes what was under way.
        LedgerError: a step of a move is of a form that this release does not know; nothing was changed.
        StaleComparison: the champion is no longer `move.expected`; nothing was changed.
        PromotionFailed, ArtifactError: the version does not serve; the version before it does.
    """
    with production.journal.listeners_wait(), production.lock.hold() as fence:
        return carry_out_locked(production, fence, move)


def carry_out_locked(production: Production, fence: Fence, move: Move) -> Entry[Moved]:
    """As `carry_out`, for a caller that holds the lock."""
    history = legible(production.journal.history())
    done = history.done_of(move.key)
    if done is not None:
        production.say(f"[PROMOTE] already done: record {done.seq}")
        return done
    number = production.champion
    under = Underway(production, fence, move, back_to=move.expected)
    resumed = history.open is not None and history.open.key == move.key
    if number == move.to and resumed:
        return production.plan.finish(under, reconciled=True)
    if number != move.expected:
        now, then = name(number), name(move.expected)
        message = f"stale comparison: {now} is in production now, version {move.to} was compared with {then}; run again"
        under.record(MoveState.STALE, error=message)
        raise StaleComparison(message)
    return production.plan.carry_out(under, resumed=resumed)

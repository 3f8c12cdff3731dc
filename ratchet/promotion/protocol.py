"""The promotion protocol: under the lock, a move of production is carried out once, or everything stays as it was."""

from __future__ import annotations

from dataclasses import replace

from ratchet.core.errors import PermanentError, StaleComparison
from ratchet.core.events import Entry, Moved, MoveState
from ratchet.core.history import History
from ratchet.locks.port import Fence
from ratchet.promotion.aliases import foreign, refusal, set_back
from ratchet.promotion.champion import legible, named_by
from ratchet.promotion.kept import keep
from ratchet.promotion.move import Move, name
from ratchet.promotion.production import Production
from ratchet.promotion.underway import Underway


def carry_out(production: Production, move: Move) -> Entry[Moved]:
    """Take the lock and carry the move out. Returns the ledger's `done` record (the earlier one when the key is done already).

    Raises:
        LockHeld: somebody else is promoting.
        LockLost: the lock was lost on the way; `ratchet reconcile` finishes or undoes what was under way.
        LedgerError: a step of a move is of a form that this release does not know; nothing was changed.
        PermanentError: the registry names a version although the ledger has no promotion; nothing was changed.
        StaleComparison: the champion is no longer `move.expected`; nothing was changed.
        PromotionFailed, ArtifactError: the version does not serve; the version before it does.
    """
    with production.journal.listeners_wait(), production.lock.hold() as fence:
        entry = carry_out_locked(production, fence, move)
    keep(production, entry.event.to)
    return entry


def carry_out_locked(production: Production, fence: Fence, move: Move) -> Entry[Moved]:
    """As `carry_out`, for a caller that holds the lock."""
    history = legible(production.journal.trusted())
    done = history.done_of(move.key)
    if done is not None:
        production.say(f"[PROMOTE] already done: record {done.seq}")
        return done
    resumed = history.open is not None and history.open.key == move.key
    number = production.champion
    named, move = named_by(production.registry), _with_digest(production, history, move)
    under = Underway(production, fence, move, back_to=move.expected)
    if named == move.to and resumed:
        return production.plan.finish(under, reconciled=True)
    if number != move.expected:
        now, then = name(number), name(move.expected)
        message = f"stale comparison: {now} is in production now, version {move.to} was compared with {then}; run again"
        under.record(MoveState.STALE, error=message)
        raise StaleComparison(message)
    if not resumed:
        _set_back(production, fence, history)
    return production.plan.carry_out(under, resumed=resumed)


def _set_back(production: Production, fence: Fence, history: History) -> None:
    """An alias that nobody promoted is set back first, or at least named: the champion may be lost, which a move mends."""
    found = foreign(production.registry, history)
    if found is None or history.champion is None:
        return
    try:
        sentences = set_back(production, fence)
    except PermanentError as error:
        sentences = [f"{refusal(found[0], history.champion)}; {error}"]
    for sentence in sentences:
        production.say(f"[PROMOTE] {sentence}")


def _with_digest(production: Production, history: History, move: Move) -> Move:
    """The move with the digest on record of its version; where no record has one, the registry's, and that is said."""
    known = move.digest or history.digest_of(move.to)
    if not known:
        known = production.registry.version(move.to).digest
        production.say(
            f"[LEDGER] no record has a digest of version {move.to}: the registry's, {known[:12] or 'none'}, counts from now on"
        )
    return replace(move, digest=known)

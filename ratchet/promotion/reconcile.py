"""Finish or undo what a dead promoter left, and make registry and pods agree with the ledger."""

from __future__ import annotations

from ratchet.core.errors import LockLost, PermanentError, PromotionFailed, RatchetError, RetryableError
from ratchet.core.events import Reconciled
from ratchet.locks.port import Fence
from ratchet.promotion.aliases import foreign, set_back
from ratchet.promotion.champion import champion_of, legible, named_by, proven
from ratchet.promotion.kept import keep
from ratchet.promotion.move import Move
from ratchet.promotion.production import Production
from ratchet.promotion.protocol import carry_out_locked
from ratchet.promotion.readiness import wait_until_ready
from ratchet.promotion.underway import Underway


def reconcile(production: Production) -> list[str]:
    """Mend, under the lock. Returns what was done, a sentence each; empty when all agreed.

    The last move that was done in the ledger is the truth, its version and its digest. An alias that names another version is set
    back. An intent without an end is finished by the plan when its champion is still the one that was compared with (or the alias
    has moved already), and undone by it when production has moved on since; where the registry has lost the champion, that comes
    first, since the move may be the way from it. After that, pods that serve another version, or by another digest, are rolled
    back. Run twice, it does nothing the second time.

    The lock is taken only when there is something to mend. Raises RetryableError when a backend could not be reached on the way,
    and as `champion_of` and `set_back` do: files that are not those that were promoted are rolled out by nobody.
    """
    if not _wants(production):
        return []
    with production.journal.listeners_wait(), production.lock.hold() as fence:
        refused, stopped = _set_back(production, fence)
        finished, error = _finish(production, fence)
        if stopped is not None:
            if isinstance(error, RetryableError):
                raise error
            refused = _set_back_after(production, fence, finished)
        agreed = [*_take_over(production, fence), *_agree(production, fence)]
    if isinstance(error, RetryableError):
        raise error
    if production.champion is not None:
        keep(production, production.champion)
    return [*refused, *finished, *agreed]


def _set_back(production: Production, fence: Fence) -> tuple[list[str], PermanentError | None]:
    """What `set_back` says or, while a move is open, why it cannot: that move may be the way from a champion that was lost."""
    try:
        return set_back(production, fence), None
    except PermanentError as error:
        if production.journal.history().open is None:
            raise
        return [], error


def _set_back_after(production: Production, fence: Fence, finished: list[str]) -> list[str]:
    """`set_back` once more, now that the move has ended; where it raises, what became of the move is said first."""
    try:
        return set_back(production, fence)
    except PermanentError:
        for sentence in finished:
            production.say(f"[RECONCILE] {sentence}")
        raise


def _wants(production: Production) -> bool:
    history = legible(production.journal.trusted())
    if history.open is not None or foreign(production.registry, history) is not None:
        return True
    champion = champion_of(production.registry, production.journal)
    if champion is None:
        return production.rollout.pinned().version is not None
    known, pinned = history.digest_of(champion.number), production.rollout.pinned()
    return not known or (pinned.version, pinned.digest) != (champion.number, known)


def reconcile_first(production: Production, *, only_open: bool = False) -> None:
    """What a pipeline's step does before its own work: mend and log each thing; `only_open` leaves agreeing to a later step."""
    if only_open and legible(production.journal.trusted()).open is None:
        return
    for done in reconcile(production):
        production.say(f"[RECONCILE] {done}")


def _finish(production: Production, fence: Fence) -> tuple[list[str], RatchetError | None]:
    intent = production.journal.history().open
    if intent is None:
        return [], None
    move, number = Move.of(intent), production.champion
    under = Underway(production, fence, move, back_to=number)
    if named_by(production.registry) == move.to:
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


def _take_over(production: Production, fence: Fence) -> list[str]:
    """A champion of the first releases, whose records have no digest: the registry is believed once, and on record."""
    history = production.journal.history()
    if history.champion is None or history.digest_of(history.champion.event.to):
        return []
    number = history.champion.event.to
    digest = proven(production.registry, history, number).digest
    if not digest:  # nobody could tell a change; nothing of it loads
        return []
    reason = f"no record had a digest of version {number}: the registry's, {digest[:12]}, counts from now on"
    fence.check()
    production.journal.append(Reconciled(to=number, before=number, reason=reason, digest=digest))
    return [reason]


def _agree(production: Production, fence: Fence) -> list[str]:
    history, rollout = production.journal.history(), production.rollout
    target, pinned = production.champion, rollout.pinned()
    digest = "" if target is None else history.digest_of(target)
    if (pinned.version, pinned.digest) == (target, digest):
        return []
    if target is not None:
        proven(production.registry, history, target)
    reason = f"pods were pinned to version {pinned.version}, the alias names {target}"
    if pinned.version == target:
        reason = f"pods were pinned to version {target} by {'another' if pinned.digest else 'no'} digest"
    with rollout.session():
        revision = rollout.pinned().revision
        fence.check()
        rollout.pin(target, revision=revision, digest=digest)
        wait_until_ready(production, fence, target)
    fence.check()
    production.journal.append(Reconciled(to=target, before=pinned.version, reason=reason))
    return [f"{reason}: they serve version {target} again"]

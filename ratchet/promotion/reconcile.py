"""Finish or undo what a dead promoter left, and make what serves agree with the alias."""

from __future__ import annotations

from ratchet.core.errors import RatchetError, RetryableError
from ratchet.promotion.move import carry_out_locked, complete
from ratchet.promotion.serving_check import wait_until_ready
from ratchet.promotion.world import PROMOTION, Move, Step, World, champion_of, open_move


def reconcile(world: World) -> list[str]:
    """Mend, under the lock. Returns what was done, a sentence each; empty when all agreed.

    An intent without an end is finished when its champion is still the one that was compared with (or the alias
    has moved already), and closed as failed when production has moved on since. After that, pods that serve another
    version than the alias names are rolled back to it: the alias is the truth. Run twice, it does nothing the second time.
    The lock is taken only when there is something to mend. Raises RetryableError when a backend could not be reached on the way.
    """
    if open_move(world.ledger) is None and world.rollout.pinned().version == _target(world):
        return []
    with world.lock.hold():
        finished, error = _finish(world)
        agreed = _agree(world)
    if isinstance(error, RetryableError):
        raise error
    return [*finished, *agreed]


def reconcile_first(world: World, *, only_open: bool = False) -> None:
    """What a pipeline's step does before its own work: mend and tell each thing; `only_open` leaves agreeing to a later step."""
    if only_open and open_move(world.ledger) is None:
        return
    for done in reconcile(world):
        world.say(f"[RECONCILE] {done}")


def _finish(world: World) -> tuple[list[str], RatchetError | None]:
    record = open_move(world.ledger)
    if record is None:
        return [], None
    move = Move.of(record)
    number = _target(world)
    if number == move.to:
        complete(world, move)
        return [f"version {move.to} was in production already: recorded as done"], None
    if number != move.expected:
        world.ledger.append(PROMOTION, move.body(Step.FAILED, error="production moved on meanwhile", undone=True), key=move.key)
        return [f"the interrupted move to version {move.to} was closed: production has moved on to version {number}"], None
    try:
        carry_out_locked(world, move)
    except RatchetError as error:
        return [f"the interrupted move to version {move.to} could not be finished: {error}"], error
    return [f"the interrupted move to version {move.to} was finished"], None


def _target(world: World) -> int | None:
    champion = champion_of(world.registry, world.ledger)
    return champion.number if champion else None


def _agree(world: World) -> list[str]:
    target = _target(world)
    pinned = world.rollout.pinned()
    if pinned.version == target:
        return []
    reason = f"pods were pinned to version {pinned.version}, the alias names {target}"
    with world.rollout.session():
        world.rollout.pin(target, revision=world.rollout.pinned().revision)
        wait_until_ready(world.rollout, target, world.ready_timeout)
    world.ledger.append("reconcile", {"to": target, "from": pinned.version, "reason": reason})
    return [f"{reason}: they serve version {target} again"]

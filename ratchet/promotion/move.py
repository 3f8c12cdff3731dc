"""Carry out a move: the promotion protocol, step by step, under the lock."""

from __future__ import annotations

from ratchet.core.errors import ArtifactError, PromotionFailed, RatchetError, RetryableError, StaleComparison, Unavailable
from ratchet.core.record import Record
from ratchet.core.schema import ModelVersion
from ratchet.estimators import bundle as bundles
from ratchet.promotion.serving_check import check_apart, check_in_traffic, wait_until_ready
from ratchet.promotion.world import PREVIOUS, PRODUCTION, PROMOTION, Move, Step, World, champion_of, open_move


def carry_out(world: World, move: Move) -> Record:
    """Take the lock and carry the move out. Returns the ledger's `done` record (the earlier one when the key is done already).

    Raises:
        LockHeld: somebody else is promoting.
        StaleComparison: the champion is no longer `move.expected`; nothing was changed.
        PromotionFailed, ArtifactError: the version does not serve; the version before it does.
    """
    with world.lock.hold():
        return carry_out_locked(world, move)


def carry_out_locked(world: World, move: Move) -> Record:
    """As `carry_out`, for a caller that holds the lock."""
    done = [record for record in world.ledger.records(PROMOTION, move.key) if record.body["state"] == Step.DONE]
    if done:
        world.say(f"[PROMOTE] already done: record {done[-1].seq}")
        return done[-1]
    champion = champion_of(world.registry, world.ledger)
    number = champion.number if champion else None
    interrupted = open_move(world.ledger)
    if number == move.to and interrupted is not None and interrupted.key == move.key:
        return complete(world, move)
    if number != move.expected:
        now, then = _name(number), _name(move.expected)
        message = f"stale comparison: {now} is in production now, version {move.to} was compared with {then}; run again"
        world.ledger.append(PROMOTION, move.body(Step.STALE, error=message), key=move.key)
        raise StaleComparison(message)
    try:
        version, checked = _prepare(world, move)
    except RatchetError as error:
        world.ledger.append(PROMOTION, move.body(Step.FAILED, error=str(error), undone=True), key=move.key)
        raise
    return _switch(world, move, version, checked)


def complete(world: World, move: Move) -> Record:
    """End a move whose promoter died after the alias had moved: `previous` and the record are what can be missing."""
    if move.expected is not None:
        world.registry.set_alias(PREVIOUS, move.expected)
    return world.ledger.append(PROMOTION, move.body(Step.DONE, reconciled=True), key=move.key)


def _prepare(world: World, move: Move) -> tuple[ModelVersion, bundles.Bundle]:
    """Before anything changes: digest, then golden rows in the serving runtime."""
    version = world.registry.version(move.to)
    if move.digest and version.digest != move.digest:
        message = f"version {move.to} has another digest in the registry than when it was compared: its tags were changed"
        raise ArtifactError(message)
    checked = bundles.read(world.registry.bundle(version))
    measured = check_apart(world.rollout, version)
    world.say(f"[PROMOTE] version {move.to} loads in {measured['seconds']:.1f} s and answers its golden rows")
    return version, checked


def _switch(world: World, move: Move, version: ModelVersion, checked: bundles.Bundle) -> Record:
    with world.rollout.session():
        before = world.rollout.pinned()
        world.ledger.append(PROMOTION, move.body(Step.INTENT), key=move.key)
        try:
            world.rollout.pin(version.number, revision=before.revision)
        except RatchetError as error:  # somebody else changed the template: theirs stays, `ratchet reconcile` judges it
            world.ledger.append(PROMOTION, move.body(Step.FAILED, error=str(error), undone=False), key=move.key)
            raise
        try:
            wait_until_ready(world.rollout, version.number, world.ready_timeout)
            compared = check_in_traffic(world.rollout, version.number, checked)
        except RatchetError as error:
            _undo(world, move, error)
            raise
    world.say(f"[PROMOTE] every pod serves version {version.number}; {compared} answers through the address compared")
    try:
        # `production` first: until it has moved the move can be undone, and then `previous` must be as it was
        world.registry.set_alias(PRODUCTION, version.number)
        if move.expected is not None:
            world.registry.set_alias(PREVIOUS, move.expected)
        return world.ledger.append(PROMOTION, move.body(Step.DONE, answers_compared=compared), key=move.key)
    except RetryableError as error:  # the alias may have moved all the same: nobody can tell before the registry is back
        message = f"{error}; version {version.number} serves already: `ratchet reconcile` finishes the move"
        raise Unavailable(message) from error


def _undo(world: World, move: Move, error: RatchetError) -> None:
    """Bring the version back that the alias names, and record why. The alias was not touched."""
    try:
        world.rollout.pin(move.expected, revision=world.rollout.pinned().revision)
        wait_until_ready(world.rollout, move.expected, world.ready_timeout)
    except RatchetError as second:
        text = f"{error}; bringing {_name(move.expected)} back did not work either: {second}"
        world.ledger.append(PROMOTION, move.body(Step.FAILED, error=text, undone=False), key=move.key)
        message = f"{text}; run `ratchet reconcile`"
        raise PromotionFailed(message) from error
    world.ledger.append(PROMOTION, move.body(Step.FAILED, error=str(error), undone=True), key=move.key)
    world.say(f"[PROMOTE] undone: {_name(move.expected)} serves")


def _name(number: int | None) -> str:
    return "no version" if number is None else f"version {number}"

"""What people do to production: approve a parked candidate, go back to an older version, look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ratchet.core.decision import Verdict
from ratchet.core.errors import StaleComparison, UserError
from ratchet.core.record import Record
from ratchet.core.schema import ModelVersion
from ratchet.ledger.port import Ledger
from ratchet.promotion.move import carry_out
from ratchet.promotion.world import PREVIOUS, PROMOTION, Cause, Move, Step, World, champion_of, open_move
from ratchet.registry.port import Registry
from ratchet.rollout.port import Rollout
from ratchet.rollout.state import PodReport, Progress
from ratchet.snapshots.port import SnapshotStore


def awaiting(ledger: Ledger) -> list[Record]:
    """The parked candidates: awaiting approval, neither promoted nor stale since. One whose promotion failed goes on waiting."""
    parked: dict[str, Record] = {}
    for record in ledger.records(PROMOTION):
        state = record.body["state"]
        if state == Step.AWAITING:
            parked[record.key] = record
        elif state in {Step.DONE, Step.STALE}:
            parked.pop(record.key, None)
    return list(parked.values())


def approve(world: World, store: SnapshotStore, version: int, project_hash: str) -> Record:
    """Promote a parked candidate whose comparison is still fresh.

    Raises UserError when the version does not await approval, StaleComparison when champion, project or snapshot have changed.
    """
    parked = [record for record in awaiting(world.ledger) if record.body["to"] == version]
    if not parked:
        others = ", ".join(str(record.body["to"]) for record in awaiting(world.ledger)) or "none"
        message = f"version {version} does not await approval (waiting: {others})"
        raise UserError(message)
    if parked[-1].body.get("project_hash") != project_hash:
        message = f"stale comparison: ratchet.yaml has changed since version {version} was compared; run again"
        raise StaleComparison(message)
    move = Move.of(parked[-1])
    if move.snapshot not in {snapshot.id for snapshot in store.snapshots()}:
        message = (
            f"stale comparison: snapshot {move.snapshot} has been replaced since version {version} was compared on it; run again"
        )
        raise StaleComparison(message)
    return carry_out(world, replace(move, cause=Cause.APPROVAL))


def approve_without_comparison(world: World, version: int) -> Record:
    """Promote a candidate that the gate could not compare (UNKNOWN): after a change of features or holdout there is no other way.

    Skips the comparison and says so in the ledger; the rest is the protocol. Raises UserError unless the gate said UNKNOWN last.
    """
    decisions = [record for record in world.ledger.records("gate") if record.body["candidate"] == version]
    if not decisions or decisions[-1].body["verdict"] != Verdict.UNKNOWN:
        said = decisions[-1].body["verdict"] if decisions else "nothing"
        message = (
            f"the gate said {said} of version {version}, not UNKNOWN: only what could not be compared can go without comparison"
        )
        raise UserError(message)
    gate = decisions[-1].body
    champion = champion_of(world.registry, world.ledger)
    number = champion.number if champion else None
    key = f"uncompared:{number}->{version}:{decisions[-1].seq}"
    reasons = ["comparison skipped: approved by hand", *gate["decisive"]]
    move = Move(key, version, number, Cause.APPROVAL, reasons, snapshot=gate["snapshot"], digest=gate["candidate_digest"])
    return carry_out(world, move)


def rollback(world: World, to: int | None, reason: str) -> Record:
    """Go back to version `to`, by default the one that served before. Skips the gate and says so; all else is the protocol.

    Raises UserError when there is nothing to go back to, or when it depends on a move that has not ended.
    """
    unfinished = open_move(world.ledger)
    if unfinished is not None:
        message = (
            f"a move to version {unfinished.body['to']} is under way or was interrupted: wait for it, or run `ratchet reconcile`"
        )
        raise UserError(message)
    champion = champion_of(world.registry, world.ledger)
    if champion is None:
        message = "there is no model in production yet: nothing to roll back"
        raise UserError(message)
    if to is None:
        before = world.registry.alias(PREVIOUS)
        if before is None:
            message = f"version {champion.number} is the first in production: there is no earlier one to go back to"
            raise UserError(message)
        to = before.number
    if to == champion.number:
        message = f"version {to} is in production already"
        raise UserError(message)
    world.registry.version(to)
    if not any(record.body["to"] == to and record.body["state"] == Step.DONE for record in world.ledger.records(PROMOTION)):
        message = f"version {to} has never been in production: rollback goes back, `ratchet run` and `ratchet approve` go forward"
        raise UserError(message)
    made = len(world.ledger.records(PROMOTION))  # makes the key new: the same way back can be gone more than once
    key = f"rollback:{champion.number}->{to}:{made}"
    return carry_out(world, Move(key, to, champion.number, Cause.ROLLBACK, ["gate skipped: rollback by hand", reason]))


@dataclass(frozen=True, slots=True)
class Status:
    """Who should serve (the alias), who does (the pods), and whether that agrees."""

    champion: ModelVersion | None
    previous: ModelVersion | None
    pinned: int | None
    progress: Progress
    pods: list[PodReport]
    waiting: list[Record]
    interrupted: Record | None
    last: Record | None

    @property
    def agree(self) -> bool:
        """Whether template and pods are at the alias' version."""
        return agree(self.champion.number if self.champion else None, self.pinned, self.pods)


def agree(target: int | None, pinned: int | None, pods: Sequence[PodReport]) -> bool:
    """Whether template and pods are at version `target`."""
    return pinned == target and all(pod.version == target for pod in pods)


def status(registry: Registry, ledger: Ledger, rollout: Rollout) -> Status:
    """Look at everything and change nothing."""
    done = [record for record in ledger.records(PROMOTION) if record.body["state"] == Step.DONE]
    return Status(
        champion=champion_of(registry, ledger),
        previous=registry.alias(PREVIOUS),
        pinned=rollout.pinned().version,
        progress=rollout.progress(),
        pods=rollout.pods(),
        waiting=awaiting(ledger),
        interrupted=open_move(ledger),
        last=done[-1] if done else None,
    )

"""What people do to production: approve a parked candidate, go back to an older version, look."""

from __future__ import annotations

from dataclasses import dataclass, replace

from components.core.errors import StaleComparison, UserError
from components.core.ledger import Record
from components.core.ports import Ledger, Registry, Rollout
from components.core.rollout import PodReport, Progress
from components.core.schema import ModelVersion
from components.protocol.move import carry_out
from components.protocol.world import PREVIOUS, PRODUCTION, PROMOTION, Cause, Move, Step, World, champion_of, open_move


def awaiting(ledger: Ledger) -> list[Record]:
    """The parked candidates: awaiting approval, and not promoted, failed or stale since."""
    last: dict[str, Record] = {}
    for record in ledger.records(PROMOTION):
        if record.key in last or record.body["state"] == Step.AWAITING:
            last[record.key] = record
    return [record for record in last.values() if record.body["state"] == Step.AWAITING]


def approve(world: World, version: int, project_hash: str) -> Record:
    """Promote a parked candidate whose comparison is still fresh.

    Raises UserError when the version does not await approval, StaleComparison when the champion or the project has changed.
    """
    parked = [record for record in awaiting(world.ledger) if record.body["to"] == version]
    if not parked:
        others = ", ".join(str(record.body["to"]) for record in awaiting(world.ledger)) or "none"
        message = f"version {version} does not await approval (waiting: {others})"
        raise UserError(message)
    if parked[-1].body.get("project_hash") != project_hash:
        message = f"stale comparison: ratchet.yaml has changed since version {version} was compared; run again"
        raise StaleComparison(message)
    return carry_out(world, replace(Move.of(parked[-1]), cause=Cause.APPROVAL))


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
        target = self.champion.number if self.champion else None
        return self.pinned == target and all(pod.version == target for pod in self.pods)


def status(registry: Registry, ledger: Ledger, rollout: Rollout) -> Status:
    """Look at everything and change nothing."""
    done = [record for record in ledger.records(PROMOTION) if record.body["state"] == Step.DONE]
    return Status(
        champion=registry.alias(PRODUCTION),
        previous=registry.alias(PREVIOUS),
        pinned=rollout.pinned().version,
        progress=rollout.progress(),
        pods=rollout.pods(),
        waiting=awaiting(ledger),
        interrupted=open_move(ledger),
        last=done[-1] if done else None,
    )

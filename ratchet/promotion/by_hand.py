"""What people do to production: approve a parked candidate, go back to an older version, look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ratchet.core.decision import Verdict
from ratchet.core.errors import StaleComparison, UserError
from ratchet.core.events import Cause, Entry, Moved
from ratchet.core.schema import ModelVersion
from ratchet.ledger.journal import Journal
from ratchet.promotion.champion import PREVIOUS, champion_of, legible
from ratchet.promotion.move import Move
from ratchet.promotion.production import Production
from ratchet.promotion.protocol import carry_out
from ratchet.registry.port import Registry
from ratchet.rollout.port import Rollout
from ratchet.rollout.state import PodReport, Progress, State
from ratchet.snapshots.port import SnapshotStore


def approve(production: Production, store: SnapshotStore, version: int, project_hash: str) -> Entry[Moved]:
    """Promote a parked candidate whose comparison is still fresh.

    Raises UserError when the version does not await approval, StaleComparison when champion, project or snapshot have changed.
    """
    waiting = legible(production.journal.history()).waiting
    parked = [entry for entry in waiting if entry.event.to == version]
    if not parked:
        others = ", ".join(str(entry.event.to) for entry in waiting) or "none"
        message = f"version {version} does not await approval (waiting: {others})"
        raise UserError(message)
    if parked[-1].event.project_hash != project_hash:
        message = f"stale comparison: ratchet.yaml has changed since version {version} was compared; run again"
        raise StaleComparison(message)
    move = Move.of(parked[-1])
    if move.snapshot not in {snapshot.id for snapshot in store.snapshots()}:
        message = (
            f"stale comparison: snapshot {move.snapshot} has been replaced since version {version} was compared on it; run again"
        )
        raise StaleComparison(message)
    return carry_out(production, replace(move, cause=Cause.APPROVAL))


def approve_without_comparison(production: Production, version: int) -> Entry[Moved]:
    """Promote a candidate that the gate could not compare (UNKNOWN): after a change of features or holdout there is no other way.

    Skips the comparison and says so in the ledger; the rest is the protocol. Raises UserError unless the gate said UNKNOWN last.
    """
    decided = legible(production.journal.history(), gates=True).gate_of(version)
    if decided is None or decided.event.verdict is not Verdict.UNKNOWN:
        said = decided.event.verdict if decided else "nothing"
        message = (
            f"the gate said {said} of version {version}, not UNKNOWN: only what could not be compared can go without comparison"
        )
        raise UserError(message)
    gate, number = decided.event, production.champion
    key = f"uncompared:{number}->{version}:{decided.seq}"
    reasons = ["comparison skipped: approved by hand", *gate.decisive]
    move = Move(key, version, number, Cause.APPROVAL, reasons, snapshot=gate.snapshot, digest=gate.candidate_digest)
    return carry_out(production, move)


def rollback(production: Production, to: int | None, reason: str) -> Entry[Moved]:
    """Go back to version `to`, by default the one that served before. Skips the gate and says so; all else is the protocol.

    Raises UserError when there is nothing to go back to, or when it depends on a move that has not ended.
    """
    history, registry = legible(production.journal.history()), production.registry
    if history.open is not None:
        message = (
            f"a move to version {history.open.event.to} is under way or was interrupted: wait for it, or run `ratchet reconcile`"
        )
        raise UserError(message)
    champion = production.champion
    if champion is None:
        message = "there is no model in production yet: nothing to roll back"
        raise UserError(message)
    if to is None:
        before = registry.alias(PREVIOUS)
        if before is None:
            message = f"version {champion} is the first in production: there is no earlier one to go back to"
            raise UserError(message)
        to = before.number
    if to == champion:
        message = f"version {to} is in production already"
        raise UserError(message)
    registry.version(to)
    if not history.served(to):
        message = f"version {to} has never been in production: rollback goes back, `ratchet run` and `ratchet approve` go forward"
        raise UserError(message)
    key = f"rollback:{champion}->{to}:{history.seq}"  # a new one each time: the same way back can be gone more than once
    return carry_out(production, Move(key, to, champion, Cause.ROLLBACK, ["gate skipped: rollback by hand", reason]))


@dataclass(frozen=True, slots=True)
class Status:
    """Who should serve (the alias), who does (the pods), and whether that agrees."""

    champion: ModelVersion | None
    previous: ModelVersion | None
    pinned: int | None
    progress: Progress
    pods: list[PodReport]
    waiting: Sequence[Entry[Moved]]
    interrupted: Entry[Moved] | None
    last: Entry[Moved] | None

    @property
    def agree(self) -> bool:
        """Whether template and pods are at the alias' version, and serve it."""
        return agree(self.champion.number if self.champion else None, self.pinned, self.pods) and not self.unserved

    @property
    def unserved(self) -> str:
        """Why the version in production is not what every pod serves; empty when it is, or when there is none."""
        if self.champion is None:
            return ""
        if not any(pod.ready for pod in self.pods):
            return f"nothing serves: {self.progress.detail}"
        return "" if self.progress.state is State.READY else f"the rollout is not complete: {self.progress.detail}"


def agree(target: int | None, pinned: int | None, pods: Sequence[PodReport]) -> bool:
    """Whether template and pods are at version `target`."""
    return pinned == target and all(pod.version == target for pod in pods)


def status(registry: Registry, journal: Journal, rollout: Rollout) -> Status:
    """Look at everything and change nothing."""
    champion = champion_of(registry, journal)
    history = journal.history()
    return Status(
        champion=champion,
        previous=registry.alias(PREVIOUS),
        pinned=rollout.pinned().version,
        progress=rollout.progress(),
        pods=rollout.pods(),
        waiting=history.waiting,
        interrupted=history.open,
        last=history.champion,
    )

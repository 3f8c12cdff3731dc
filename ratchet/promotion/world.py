"""What the protocol acts on, and what it wants to happen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.core.errors import PermanentError
from ratchet.core.events import Cause, MoveState
from ratchet.core.record import Record
from ratchet.core.schema import ModelVersion
from ratchet.ledger.port import Ledger
from ratchet.locks.port import Lock
from ratchet.promotion.champion import PRODUCTION
from ratchet.registry.port import Registry
from ratchet.rollout.port import Rollout

__all__ = [
    "PREVIOUS",
    "PRODUCTION",
    "PROMOTION",
    "Cause",
    "Move",
    "Step",
    "World",
    "champion_of",
    "open_move",
    "promotion_key",
]

PREVIOUS = "previous"
PROMOTION = "promotion"


Step = MoveState


@dataclass(frozen=True, slots=True)
class World:
    """The ports that a move needs. `ready_timeout` is in seconds; `say` is told each protocol step for the log."""

    registry: Registry
    ledger: Ledger
    lock: Lock
    rollout: Rollout
    ready_timeout: float
    say: Callable[[str], None] = print


@dataclass(frozen=True, slots=True)
class Move:
    """A wish: production goes from version `expected` (None: no champion yet) to version `to`.

    `digest` is the version's digest as the gate saw it, empty where no gate looked.
    """

    key: str
    to: int
    expected: int | None
    cause: Cause
    reasons: Sequence[str]
    run_id: str = ""
    snapshot: str = ""
    digest: str = ""

    def body(self, step: Step, **more: Any) -> dict[str, Any]:
        """The ledger record's body for a step of this move."""
        return {
            "state": step.value,
            "to": self.to,
            "from": self.expected,
            "cause": self.cause.value,
            "reasons": list(self.reasons),
            "run_id": self.run_id,
            "snapshot": self.snapshot,
            "digest": self.digest,
            **more,
        }

    @classmethod
    def of(cls, record: Record) -> Move:
        """The wish that a ledger record tells of."""
        body = record.body
        cause = Cause(body["cause"])
        return cls(record.key, body["to"], body["from"], cause, body["reasons"], body["run_id"], body["snapshot"], body["digest"])


def promotion_key(snapshot_hash: str, champion: int | None, candidate: int, project_hash: str) -> str:
    """Idempotency key: snapshot hash + champion + candidate + project hash."""
    return hashlib.sha256(f"{snapshot_hash}|{champion}|{candidate}|{project_hash}".encode()).hexdigest()[:32]


def champion_of(registry: Registry, ledger: Ledger) -> ModelVersion | None:
    """The version behind `production`; None only when there never was one.

    Raises PermanentError when the registry knows none although the ledger tells of a promotion: a lost or wrong registry
    must not look like a first run.
    """
    champion = registry.alias(PRODUCTION)
    if champion is None:
        done = [record for record in ledger.records(PROMOTION) if record.body["state"] == Step.DONE]
        if done:
            message = (
                f"the ledger says that version {done[-1].body['to']} is in production, but the registry knows no {PRODUCTION!r}: "
                "restore the registry, or set the alias there by hand"
            )
            raise PermanentError(message)
    return champion


def open_move(ledger: Ledger) -> Record | None:
    """The last intent that was neither done nor failed: a promoter died on the way."""
    pending: Record | None = None
    for record in ledger.records(PROMOTION):
        state = record.body["state"]
        if state == Step.INTENT:
            pending = record
        elif pending is not None and record.key == pending.key and state in {Step.DONE, Step.FAILED}:
            pending = None
    return pending

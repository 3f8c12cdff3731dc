"""A move: the wish that production goes from one version to another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.core.events import Cause, Entry, Moved, MoveState


@dataclass(frozen=True, slots=True)
class Move:
    """Production goes from version `expected` (None: no champion yet) to version `to`.

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

    def step(self, state: MoveState, **more: Any) -> Moved:
        """The event of a step of this move; `more` are fields of Moved."""
        return Moved(
            state=state,
            to=self.to,
            before=self.expected,
            cause=self.cause,
            reasons=tuple(self.reasons),
            run_id=self.run_id,
            snapshot=self.snapshot,
            digest=self.digest,
            **more,
        )

    @classmethod
    def of(cls, entry: Entry[Moved]) -> Move:
        """The move that an entry is a step of."""
        step = entry.event
        return cls(entry.key, step.to, step.before, step.cause, step.reasons, step.run_id, step.snapshot, step.digest)


def promotion_key(snapshot_hash: str, champion: int | None, candidate: int, project_hash: str) -> str:
    """Idempotency key: snapshot hash + champion + candidate + project hash."""
    return hashlib.sha256(f"{snapshot_hash}|{champion}|{candidate}|{project_hash}".encode()).hexdigest()[:32]


def name(number: int | None) -> str:
    """A version in a sentence."""
    return "no version" if number is None else f"version {number}"

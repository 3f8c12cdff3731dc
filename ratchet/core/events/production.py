"""What changed what serves: the steps of a move, and pods that were brought back to the alias."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Self

from ratchet.core.events.event import Known
from ratchet.core.events.fields import Fields, as_flag, as_text, as_whole, many, maybe, one_of


class MoveState(StrEnum):
    """How far a move is."""

    AWAITING = "awaiting_approval"
    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"
    STALE = "stale"


class Cause(StrEnum):
    """Who wants the move."""

    GATE = "gate"
    APPROVAL = "approval"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Known):
    """A step of the move of production from version `before` (None: there was none) to `to`; the record's key is the move's.

    `digest` is the version's as the gate saw it, or else as records or registry had it when it moved; `project_hash` that of the
    project a parked candidate was compared under. `error` says why it failed or went stale; `undone`, of a failure, whether what
    served before serves again; `reconciled`, of an end, that `ratchet reconcile` recorded it after its promoter had died;
    `answers_compared` counts the golden answers.
    """

    KIND: ClassVar[str] = "promotion"

    state: MoveState
    to: int
    before: int | None = field(metadata={"key": "from"})
    cause: Cause
    reasons: tuple[str, ...]
    run_id: str = ""
    snapshot: str = ""
    digest: str = ""
    error: str = field(default="", metadata={"omit": True})
    undone: bool | None = field(default=None, metadata={"omit": True})
    reconciled: bool = field(default=False, metadata={"omit": True})
    answers_compared: int | None = field(default=None, metadata={"omit": True})
    project_hash: str = field(default="", metadata={"omit": True})

    @classmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """Both forms are alike; the first bodies had no digest. Raises FormError."""
        del form
        return cls(
            model=model,
            state=body.take("state", one_of(MoveState)),
            to=body.take("to", as_whole),
            before=body.take("from", maybe(as_whole)),
            cause=body.take("cause", one_of(Cause)),
            reasons=body.take("reasons", many(as_text)),
            run_id=body.take("run_id", as_text, ""),
            snapshot=body.take("snapshot", as_text),
            digest=body.take("digest", as_text, ""),
            error=body.take("error", as_text, ""),
            undone=body.take("undone", maybe(as_flag), None),
            reconciled=body.take("reconciled", as_flag, default=False),
            answers_compared=body.take("answers_compared", maybe(as_whole), None),
            project_hash=body.take("project_hash", as_text, ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(Known):
    """What served version `before` was brought back to `to`, the version of the last move that was done.

    `refused` says that it was the registry's alias, which named a version that nobody had promoted, or none. A `digest` is the
    registry's of version `to`, taken over because no record had one.
    """

    KIND: ClassVar[str] = "reconcile"

    to: int | None
    before: int | None = field(metadata={"key": "from"})
    reason: str
    refused: bool = field(default=False, metadata={"omit": True})
    digest: str = field(default="", metadata={"omit": True})

    @classmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """Both forms are alike. Raises FormError."""
        del form
        return cls(
            model=model,
            to=body.take("to", maybe(as_whole)),
            before=body.take("from", maybe(as_whole)),
            reason=body.take("reason", as_text),
            refused=body.take("refused", as_flag, default=False),
            digest=body.take("digest", as_text, ""),
        )

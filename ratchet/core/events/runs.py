"""Runs of the pipeline: those that the watcher started, and how each ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from ratchet.core.events.event import Known
from ratchet.core.events.fields import Fields, as_text, as_whole, many, maybe, one_of


class RunState(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


def _state(value: Any) -> RunState:
    """The first bodies had KFP's word in small letters."""
    return RunState.FAILED if as_text(value) in {"error", "cancelled", "canceled"} else one_of(RunState)(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Known):
    """A run's end; its record's key is the run's id. `reached` are the kinds of record that it left, `snapshot` its argument."""

    KIND: ClassVar[str] = "run"

    state: RunState
    error: str
    reached: tuple[str, ...]
    snapshot: str
    run_id: str

    @classmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """Both forms are alike. Raises FormError."""
        del form
        return cls(
            model=model,
            state=body.take("state", _state),
            error=body.take("error", as_text),
            reached=body.take("reached", many(as_text)),
            snapshot=body.take("snapshot", as_text),
            run_id=body.take("run_id", as_text),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunClaimed(Known):
    """The watcher started a run on a snapshot that the champion does not know; its record's key stands for content and champion."""

    KIND: ClassVar[str] = "watch"

    name: str
    champion: int | None
    fingerprint: str = ""
    run_id: str

    @classmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """Both forms are alike. Raises FormError."""
        del form
        return cls(
            model=model,
            name=body.take("name", as_text),
            champion=body.take("champion", maybe(as_whole)),
            fingerprint=body.take("fingerprint", as_text, ""),
            run_id=body.take("run_id", as_text),
        )

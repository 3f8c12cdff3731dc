"""What a run tells while it goes on, read from its tasks' logs; and what it came to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_OURS = re.compile(r"^\s*((?:\[[A-Z]+\]|RETRAINING_TRIGGERED|NO_ACTION) .*)$")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: a task `started` or `ended` (text: its name), a step's log `line`, or the run was `interrupted`."""

    kind: str
    text: str


@dataclass(slots=True)
class Run:
    """A finished run. `log` is where its log is; `error` holds step, code, type and message of what failed, if anything did."""

    run_id: str
    log: str
    lines: list[str] = field(default_factory=list)
    error: Mapping[str, Any] = field(default_factory=dict)


def new_run_id() -> str:
    """`20241231-235959-1a2b`: sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:4]}"


def plain(text: str) -> str:
    """A line without colours and trailing space."""
    return _ANSI.sub("", text).rstrip()


def step_line(text: str) -> str | None:
    """The line of ours that stands in a plain line of a log, None when it is somebody else's."""
    found = _OURS.match(text)
    return found[1] if found else None


def failure(lines: Sequence[str], otherwise: str) -> dict[str, Any]:
    """The last `[ERROR]` among a run's lines, else a failure of which nothing but `otherwise` is known."""
    told = [line.removeprefix("[ERROR] ") for line in lines if line.startswith("[ERROR] ")]
    if told:
        error: dict[str, Any] = json.loads(told[-1])
        return error
    return {"step": "", "code": 1, "type": "", "message": otherwise}

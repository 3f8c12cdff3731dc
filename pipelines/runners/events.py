"""What a run reports while it goes on, read from its tasks' logs; and what it came to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = "[ERROR] "
_OURS = re.compile(r"^\s*((?:\[[A-Z]+\]|RETRAINING_TRIGGERED|NO_ACTION) .*)$")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    A task `started` or `ended` (text: its name) or is `waiting` for its pod (why), a step wrote a `line`, the run was
    `interrupted`, or failed where its `log` ends with it (text: the end of that).
    """

    kind: str
    text: str


@dataclass(slots=True)
class Run:
    """A finished run.

    `log` is where its log is, a file, an address or a command that shows it; `error` holds step, code, type and message of what
    failed, if anything did.
    """

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
    """The last error that a step has reported among a run's lines, else a failure of which nothing but `otherwise` is known.

    The step that records the run's end comes last: what it could not do is the failure only where no other step has failed.
    """
    errors = [error for line in lines if line.startswith(_ERROR) and (error := _error(line.removeprefix(_ERROR)))]
    steps = [error for error in errors if error["step"] != "record_run"]
    if errors:
        return (steps or errors)[-1]
    return {"step": "", "code": 1, "type": "", "message": otherwise}


def _error(text: str) -> dict[str, Any] | None:
    """What `components.shell.step` wrote; None for a line of some library that looks alike."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"step", "code", "message"} <= set(found) else None

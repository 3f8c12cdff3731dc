"""Ways to run the pipeline: kfp.local here. What it prints is kept as the run's log and read for progress and outcome."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from components.core.errors import Unavailable
from components.settings import Settings, environment

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_STARTED = re.compile(r"Executing task '([a-z0-9-]+)'")
_ENDED = re.compile(r"Task '([a-z0-9-]+)' finished with status (\w+)")
_OURS = re.compile(r"^\s*((?:\[[A-Z]+\]|RETRAINING_TRIGGERED|NO_ACTION) .*)$")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: a task `started` or `ended` (text: its name), a step's log `line`, or the run was `interrupted`."""

    kind: str
    text: str


@dataclass(slots=True)
class Run:
    """A finished run. `error` holds step, code, type and message of the failed step, empty when all went well."""

    run_id: str
    log: Path
    lines: list[str] = field(default_factory=list)
    error: Mapping[str, Any] = field(default_factory=dict)


def new_run_id() -> str:
    """`20241231-235959-1a2b`: sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}"


def task_environment(settings: Settings) -> dict[str, str]:
    """`environment`, for processes that run tasks: libraries' warnings are for us, and the log is followed line by line."""
    return {**environment(settings), "PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1"}


def run_local(settings: Settings, arguments: Mapping[str, Any], run_id: str, on_event: Callable[[Event], None]) -> Run:
    """Run the pipeline by kfp.local's SubprocessRunner and wait for it. Interrupted, it ends the task that runs before it returns.

    Args:
        settings: handed on to every task.
        arguments: the pipeline's parameters.
        run_id: names the run's folder, which keeps log and artifacts.
        on_event: called for every task's start and end and for every line of a step.

    Raises:
        Unavailable: the run's folder cannot be written.
    """
    folder = settings.home / "runs" / run_id
    run = Run(run_id, folder / "log.txt")
    command = [sys.executable, "-m", "pipelines.local_run", str(folder), json.dumps({**arguments, "run_id": run_id})]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with run.log.open("w", encoding="utf-8") as log:
            code = _follow(command, task_environment(settings), log, run, on_event)
    except OSError as error:
        message = f"the run's folder {folder} cannot be written: {error.strerror}"
        raise Unavailable(message) from error
    errors = [line.removeprefix("[ERROR] ") for line in run.lines if line.startswith("[ERROR] ")]
    if code:
        unexpected = {"step": "", "code": 1, "type": "", "message": f"the run ended unexpectedly; its log is {run.log}"}
        run.error = json.loads(errors[-1]) if errors else unexpected
    return run


def _follow(command: Sequence[str], env: Mapping[str, str], log: TextIO, run: Run, on_event: Callable[[Event], None]) -> int:
    """Read the child's output to its end; its exit code.

    The child has a session of its own, so that Ctrl-C reaches it by one way only: its standard input ends, now or when this process
    is killed, and it interrupts its tasks. It must be gone before this returns: a task that goes on unseen could still promote.
    """
    with subprocess.Popen(  # noqa: S603 - our own module with JSON as its argument
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        env=env,
        start_new_session=True,
    ) as process:
        try:
            for line in process.stdout or ():
                log.write(line)
                for event in _events(line):
                    on_event(event)
                    if event.kind == "line":
                        run.lines.append(event.text)
        except BaseException:
            on_event(Event("interrupted", ""))
            log.write(process.communicate()[0])  # closes its standard input
            raise
    return process.returncode


def _events(line: str) -> Iterator[Event]:
    text = _ANSI.sub("", line).rstrip()
    if found := _STARTED.search(text):
        yield Event("started", found[1])
    elif found := _ENDED.search(text):
        yield Event("ended", found[1])
    elif found := _OURS.match(text):
        yield Event("line", found[1])

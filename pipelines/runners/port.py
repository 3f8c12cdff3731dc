"""What an orchestrator is asked: start a run, follow it to its end, list runs, show a run's log; and by the clock where it can.

A second orchestrator is a folder beside this file, a class with these methods, and a line in `choice.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pipelines.runners.events import Event, Run


@dataclass(frozen=True, slots=True)
class Started:
    """A run that was started: its id, a sentence about its place for people, and where they see it (an address or a command)."""

    run_id: str
    place: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A run in a list: `started` in ISO 8601 or empty, `seconds` None when it is not known how long it took."""

    run: str
    started: str
    seconds: int | None
    snapshot: str
    state: str
    where: str


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Runs by the clock: `cron` as the orchestrator keeps it, `when` the same for people, `arguments` of each run."""

    id: str
    cron: str
    when: str
    arguments: Mapping[str, Any]


class Scheduler(Protocol):
    """Runs of one model's pipeline by the clock. Every method raises Unavailable when the orchestrator cannot be reached."""

    def scheduled(self) -> list[Scheduled]:
        """The schedules by which runs start now; mostly one or none."""
        ...

    def schedule(self, cron: str, arguments: Mapping[str, Any]) -> list[str]:
        """Start runs by the clock, one at a time and none for times that were missed, and end the schedules before.

        Args:
            cron: minute, hour, day, month, weekday.
            arguments: the pipeline's parameters.

        Returns:
            Runs of earlier schedules that go on.

        Raises:
            UserError: `cron` is no such expression, or a parameter is nothing that this orchestrator can use.
        """
        ...

    def unschedule(self) -> list[str]:
        """End all schedules; their runs that go on."""
        ...


class Runner(Protocol):
    """Runs of one model's pipeline. Every method raises Unavailable when the orchestrator cannot be reached."""

    @property
    def outlives(self) -> bool:
        """Whether a run goes on without the command that started it."""
        ...

    @property
    def scheduler(self) -> Scheduler:
        """Starts runs by the clock. Raises UserError, saying what to do instead, where the orchestrator cannot."""
        ...

    def start(self, arguments: Mapping[str, Any], name: str = "") -> Started:
        """Start a run, or find the one that was started under that name. It does not wait.

        Args:
            arguments: the pipeline's parameters.
            name: empty for a run that is new in any case.

        Raises:
            UserError: a parameter is nothing that this orchestrator can use.
        """
        ...

    def follow(self, run_id: str, on_event: Callable[[Event], None]) -> Run:
        """Wait for the end of a run that `start` gave. One that does not outlive its command does its work here."""
        ...

    def runs(self, last: int) -> list[Listed]:
        """The newest runs, newest first."""
        ...

    def log(self, run_id: str, write: Callable[[str], None]) -> str:
        """Write what the tasks of a run have printed; why there was nothing to write, else empty.

        Raises UserError when there is no such run.
        """
        ...

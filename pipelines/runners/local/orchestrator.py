"""This machine as an orchestrator: a run is done by who follows it, and leaves a folder with its log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.runners.events import Event, Run, new_run_id
from pipelines.runners.local.runner import run_local
from pipelines.runners.port import Listed, Scheduler, Started
from ratchet.core.errors import UserError
from ratchet.ledger.journal import Journal
from ratchet.settings import Settings


class LocalRunner:
    """Implements port.Runner.

    Args:
        settings: handed on to every task.
        journal: knows how the runs ended.
    """

    outlives = False

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._settings, self._journal = settings, journal
        self._named: dict[str, str] = {}
        self._waiting: dict[str, Mapping[str, Any]] = {}  # arguments of runs that nobody follows yet, by id

    @property
    def scheduler(self) -> Scheduler:
        """There is none: nothing runs here without a command."""
        message = (
            "runs on this machine are not started by the clock: let cron call `ratchet run`, keep `ratchet watch` running, "
            "or set RATCHET_KFP_URL"
        )
        raise UserError(message)

    def start(self, arguments: Mapping[str, Any], name: str = "") -> Started:
        """Give the run an id."""
        run_id = self._named.get(name) or new_run_id()
        if name:
            self._named[name] = run_id
        self._waiting[run_id] = arguments
        return Started(run_id)

    def follow(self, run_id: str, on_event: Callable[[Event], None]) -> Run:
        """Do the run. Interrupted, it ends the task that runs before it returns."""
        self._named = {name: waits for name, waits in self._named.items() if waits != run_id}  # a later start is another run
        return run_local(self._settings, self._waiting.pop(run_id), run_id, on_event)

    def runs(self, last: int) -> list[Listed]:
        """From the ledger; a run whose process was killed left a folder and no record."""
        history = self._journal.history()
        folders = sorted((path for path in self._folder.glob("*") if path.is_dir()), reverse=True)
        found = []
        for folder in folders[:last]:
            run = history.run(folder.name)
            end, started = run.end if run else None, _started(folder.name)
            took = round((end.at - started).total_seconds()) if end and started else None
            snapshot, state = (end.event.snapshot, end.event.state.value) if end else ("", "unfinished")
            found.append(Listed(folder.name, started.isoformat() if started else "", took, snapshot, state, str(folder)))
        return found

    def log(self, run_id: str, write: Callable[[str], None]) -> str:
        """The file in the run's folder."""
        file = self._folder / Path(run_id).name / "log.txt"
        try:
            write(file.read_text(encoding="utf-8", errors="replace"))
        except (OSError, ValueError) as error:
            message = f"there is no run {run_id!r} here: `ratchet runs` lists them"
            raise UserError(message) from error
        return ""

    @property
    def _folder(self) -> Path:
        return self._settings.runs


def _started(run_id: str) -> datetime | None:
    try:
        return datetime.strptime(run_id.rpartition("-")[0], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None

"""What people do on the page: the functions behind `ratchet approve` and `ratchet rollback`, one at a time, in the background."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Protocol

from ratchet.core.errors import RatchetError, UserError
from ratchet.core.events import Entry, Moved
from ratchet.project.file import Project
from ratchet.promotion import by_hand
from ratchet.promotion.production import Production
from ratchet.snapshots.port import SnapshotStore


class ActionPorts(Protocol):
    """What an action needs; a Wiring whose actor is the one who acts."""

    @property
    def project(self) -> Project:
        """ratchet.yaml."""
        ...

    @property
    def production(self) -> Production:
        """The protocol's ports."""
        ...

    @property
    def store(self) -> SnapshotStore:
        """Snapshots."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """An action, under way or ended."""

    what: str
    actor: str
    started: datetime
    future: Future[Entry[Moved]]

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self.future.done()

    @property
    def problem(self) -> str:
        """One sentence on why it was not done; empty when it was, or is under way."""
        error = None if self.running else self.future.exception()
        if error is None:
            return ""
        return str(error) if isinstance(error, RatchetError) else f"a defect ({type(error).__name__}): the log has its trace"


class Jobs:
    """Actions, one at a time. A promotion takes longer than a browser waits, so the page says how it goes.

    Args:
        act_as: gives the ports, their actor being the name.
        changed: called when an action has ended.
        say: takes a line for the log.
        complain: takes a line on what went wrong.
    """

    def __init__(
        self,
        act_as: Callable[[str], ActionPorts],
        changed: Callable[[], None],
        say: Callable[[str], None],
        complain: Callable[[str], None],
    ) -> None:
        self._act_as, self._changed, self._say, self._complain = act_as, changed, say, complain
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="action")
        self._lock = Lock()
        self.last: Job | None = None

    def approve(self, actor: str, version: int) -> None:
        """Begin what `ratchet approve VERSION` does."""

        def body(ports: ActionPorts) -> Entry[Moved]:
            return by_hand.approve(ports.production, ports.store, version, ports.project.hash)

        self._begin(f"approval of version {version}", actor, body)

    def rollback(self, actor: str, *, champion: int, to: int, reason: str) -> None:
        """Begin what `ratchet rollback --to` does, while `champion`, which the page showed, is still in production."""

        def body(ports: ActionPorts) -> Entry[Moved]:
            present = ports.production.champion
            if present != champion:
                now = f"version {present}" if present else "no version"
                message = f"{now} is in production now, the page had shown version {champion}: look again"
                raise UserError(message)
            return by_hand.rollback(ports.production, to, reason)

        self._begin(f"rollback from version {champion} to version {to}", actor, body)

    def wait(self) -> None:
        """Until the action under way has ended: a promotion is not left half done."""
        self._pool.shutdown(wait=True)

    def _begin(self, what: str, actor: str, body: Callable[[ActionPorts], Entry[Moved]]) -> None:
        with self._lock:
            if self.last is not None and self.last.running:
                message = f"the {self.last.what} by {self.last.actor} is still under way: wait for it"
                raise UserError(message)
            self._say(f"[UI] {what}, by {actor}")
            future = self._pool.submit(self._carry_out, actor, body)
            self.last = job = Job(what, actor, datetime.now(UTC), future)
        future.add_done_callback(lambda _: self._log_end(job))

    def _carry_out(self, actor: str, body: Callable[[ActionPorts], Entry[Moved]]) -> Entry[Moved]:
        try:
            return body(self._act_as(actor))
        finally:
            self._changed()  # before anybody can see that it has ended

    def _log_end(self, job: Job) -> None:
        """Log how it ended; a defect of ours with its trace."""
        error = job.future.exception()
        if error is not None and not isinstance(error, RatchetError):
            traceback.print_exception(error)
        if job.problem:
            self._complain(f"[UI] {job.what} was not done: {job.problem}")
        else:
            self._say(f"[UI] {job.what} is done")

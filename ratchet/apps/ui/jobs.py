"""What people do on the page: the functions behind `ratchet approve` and `ratchet rollback`, one at a time, in the background."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Protocol

from ratchet.apps.cli.console import complain, line
from ratchet.core.errors import RatchetError, UserError
from ratchet.core.events import Entry, Moved
from ratchet.project.file import Project
from ratchet.promotion import by_hand
from ratchet.promotion.production import Production
from ratchet.snapshots.port import SnapshotStore


class Hands(Protocol):
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
    """Actions, one at a time. A promotion takes longer than a browser waits, so the page tells how it goes.

    Args:
        act_as: gives the ports, their actor being the name.
        changed: is told when an action has ended.
    """

    def __init__(self, act_as: Callable[[str], Hands], changed: Callable[[], None]) -> None:
        self._act_as, self._changed = act_as, changed
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="action")
        self._lock = Lock()
        self.last: Job | None = None

    def approve(self, name: str, version: int) -> None:
        """Begin what `ratchet approve VERSION` does."""

        def body(hands: Hands) -> Entry[Moved]:
            return by_hand.approve(hands.production, hands.store, version, hands.project.hash)

        self._begin(f"approval of version {version}", name, body)

    def rollback(self, name: str, *, champion: int, to: int, reason: str) -> None:
        """Begin what `ratchet rollback --to` does, while `champion`, which the page showed, is still in production."""

        def body(hands: Hands) -> Entry[Moved]:
            present = hands.production.champion
            if present != champion:
                now = f"version {present}" if present else "no version"
                message = f"{now} is in production now, the page had shown version {champion}: look again"
                raise UserError(message)
            return by_hand.rollback(hands.production, to, reason)

        self._begin(f"rollback from version {champion} to version {to}", name, body)

    def wait(self) -> None:
        """Until the action under way has ended: a promotion is not left half done."""
        self._pool.shutdown(wait=True)

    def _begin(self, what: str, name: str, body: Callable[[Hands], Entry[Moved]]) -> None:
        with self._lock:
            if self.last is not None and self.last.running:
                message = f"the {self.last.what} by {self.last.actor} is still under way: wait for it"
                raise UserError(message)
            actor = f"{name} (ui)"
            line(f"[UI] {what}, by {actor}")
            future = self._pool.submit(self._carry_out, actor, body)
            self.last = job = Job(what, actor, datetime.now(UTC), future)
        future.add_done_callback(lambda _: _told(job))

    def _carry_out(self, actor: str, body: Callable[[Hands], Entry[Moved]]) -> Entry[Moved]:
        try:
            return body(self._act_as(actor))
        finally:
            self._changed()  # before anybody can see that it has ended


def _told(job: Job) -> None:
    """Tell the log how it ended; a defect of ours with its trace."""
    error = job.future.exception()
    if error is not None and not isinstance(error, RatchetError):
        traceback.print_exception(error)
    if job.problem:
        complain(f"[UI] {job.what} was not done: {job.problem}")
    else:
        line(f"[UI] {job.what} is done")

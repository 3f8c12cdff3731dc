"""Writes answers to the request log behind the requests' back: bounded, in one thread, never a reason to fail."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from time import monotonic
from typing import Protocol

from components.core.errors import RatchetError
from components.core.schema import LoggedAnswer
from serving.metrics import Metrics

_LOOK = 0.1  # seconds between looks whether to end, while nothing comes

_logger = logging.getLogger(__name__)


class AnswerStore(Protocol):
    """Where answers go."""

    def append(self, rows: Sequence[LoggedAnswer]) -> None:
        """Store the answers; storing one again changes nothing."""
        ...


class RequestLogWriter:
    """A bounded queue with one writer thread.

    While the store is down the queue holds what it can; what does not fit is dropped and counted in `ratchet_request_log_dropped`.

    Args:
        store: where answers go.
        metrics: gets the backlog and the drops.
        capacity: answers held while the store is slow or down.
        batch: answers a write.
        pause: seconds between tries while the store is down.
    """

    def __init__(self, store: AnswerStore, metrics: Metrics, capacity: int = 20_000, batch: int = 500, pause: float = 1.0) -> None:
        self._store = store
        self._metrics = metrics
        self._batch = batch
        self._pause = pause
        self._queue: queue.Queue[LoggedAnswer] = queue.Queue(capacity)
        self._taken: list[LoggedAnswer] = []  # from the queue, not yet stored
        self._closing = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Answers that are not stored yet."""
        return self._queue.qsize() + len(self._taken)

    def put(self, answer: LoggedAnswer) -> None:
        """Hand an answer over; returns at once."""
        try:
            self._queue.put_nowait(answer)
        except queue.Full:
            self._metrics.dropped.inc()
        self._metrics.backlog.set(self.backlog)

    def close(self, seconds: float = 3.0) -> None:
        """Write what is queued, for at most `seconds`; the rest is dropped, counted and reported."""
        deadline = monotonic() + seconds
        while self.backlog and self._thread.is_alive() and monotonic() < deadline:
            self._closing.wait(0.02)
        self._closing.set()
        self._thread.join(max(2 * _LOOK, deadline - monotonic()))
        left = self.backlog
        if left and not self._closed:
            self._metrics.dropped.inc(left)
            _logger.error("%d answers did not get into the request log before the end", left)
        self._closed = True

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._taken.append(self._queue.get(timeout=_LOOK))
                while len(self._taken) < self._batch:
                    self._taken.append(self._queue.get_nowait())
            except queue.Empty:
                pass
            self._store_taken()
            self._metrics.backlog.set(self.backlog)

    def _store_taken(self) -> None:
        failing = False
        while self._taken:
            try:
                self._store.append(self._taken)
            except RatchetError as error:
                if not failing:
                    _logger.warning("%s; answers wait in memory", error)
                failing = True
                if self._closing.wait(self._pause):
                    return
            else:
                self._taken = []

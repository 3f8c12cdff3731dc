"""Writes answers to the request log behind the requests' back: bounded, in one thread, never a reason to fail."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Protocol

from ratchet.core.errors import RatchetError
from ratchet.core.schema import LoggedAnswer
from serving.metrics import Metrics

_GATHER = 0.1  # seconds between two writes: a write of its own for each answer costs more than the answer

_logger = logging.getLogger(__name__)


class AnswerStore(Protocol):
    """Where answers go."""

    def append(self, rows: Sequence[LoggedAnswer]) -> None:
        """Store the answers; storing one again changes nothing."""
        ...


class RequestLogWriter:
    """A bounded queue with one writer thread, which takes what has come every tenth of a second: a killed process loses so much.

    Nothing wakes the thread sooner. It would take the interpreter from the requests each time, and pay a transaction for each row.
    While the store is down the queue holds what it can; what does not fit is dropped and counted in `ratchet_request_log_dropped`.

    Args:
        store: where answers go.
        metrics: gets the backlog and the drops.
        capacity: answers held while the store is slow or down.
        characters: of posted features that they hold.
        batch: answers a write.
        pause: seconds between tries while the store is down.
    """

    def __init__(
        self,
        store: AnswerStore,
        metrics: Metrics,
        capacity: int = 20_000,
        batch: int = 500,
        pause: float = 1.0,
        characters: int = 32_000_000,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._batch = batch
        self._pause = pause
        self._capacity = capacity
        self._characters = characters
        self._come, self._gone = 0, 0  # characters, each counted by one thread alone: the difference is what is held
        self._queue: deque[LoggedAnswer] = deque()  # appended to by one thread, taken from by another: both are atomic
        self._taken: list[LoggedAnswer] = []  # from the queue, not yet stored
        self._closing = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Answers that are not stored yet."""
        return len(self._queue) + len(self._taken)

    def put(self, answer: LoggedAnswer) -> None:
        """Hand an answer over; returns at once."""
        if len(self._queue) >= self._capacity:
            self._metrics.dropped.inc()
            return
        if answer.posted is not None:
            come = self._come + len(answer.posted)
            if come - self._gone > self._characters:
                self._metrics.dropped.inc()
                return
            self._come = come
        self._queue.append(answer)

    def close(self, seconds: float = 3.0) -> None:
        """Write what is queued, for at most `seconds`; the rest is dropped, counted and reported."""
        deadline = monotonic() + seconds
        while self.backlog and self._thread.is_alive() and monotonic() < deadline:
            self._closing.wait(0.02)
        self._closing.set()
        self._thread.join(max(2 * _GATHER, deadline - monotonic()))
        left = self.backlog
        if left and not self._closed:
            self._metrics.dropped.inc(left)
            _logger.error("%d answers did not get into the request log before the end", left)
        self._closed = True

    def _run(self) -> None:
        while not self._closing.is_set():
            self._closing.wait(_GATHER)
            while self._queue and not self._closing.is_set():
                for _ in range(min(self._batch, len(self._queue))):
                    self._taken.append(self._queue.popleft())
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
                self._metrics.backlog.set(self.backlog)  # of several workers one is scraped and reports the others' too
                if self._closing.wait(self._pause):
                    return
            else:
                self._gone += sum(len(answer.posted) for answer in self._taken if answer.posted is not None)
                self._taken = []

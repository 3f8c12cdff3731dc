"""Online features: one look-up at a time in a thread of its own; whoever asks meanwhile shares the next."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from ratchet.core.errors import RatchetError, Unavailable, to_strangers
from ratchet.core.schema import StoredRow
from serving.metrics import Metrics

_logger = logging.getLogger(__name__)

Row = StoredRow
Found = dict[str, Row | None]


class Online(Protocol):
    """The part of FeatureStore (ratchet/features/port.py) that serving needs."""

    def online(self, entities: Sequence[str]) -> list[Row | None]:
        """The latest features of each entity, None for an unknown one."""
        ...


@dataclass(eq=False, slots=True)
class _Asked:
    """One request's entities, and where it waits for their features."""

    entities: Sequence[str]
    answer: asyncio.Future[list[Row | None]]


class OnlineFeatures:
    """Looks entities up, in a thread of its own wherever that may take a while.

    A look-up has fixed work, so requests that arrive during one look-up are answered together by the next: 16 entities cost little
    more than one. A single thread also spares the store's connection any question of thread safety.

    A file on this machine is another matter: it answers in 60 us, and costs twice that from a thread, because Python's sqlite3
    gives the interpreter away at every row and takes it back from requests that want it too. So few entities are looked up at once.

    Args:
        store: gives where the features are; called in the thread, because a store may take seconds to import.
        metrics: gets the seconds of each look-up and the failures.
        timeout: seconds after which a request gives up (the look-up itself cannot be interrupted).
        at_once: so many entities are looked up on the event loop, once the store has answered: above 0 for a file on this machine.
    """

    def __init__(self, store: Callable[[], Online], metrics: Metrics, timeout: float = 2.0, at_once: int = 0) -> None:
        self._store = store
        self._metrics = metrics
        self._timeout = timeout
        self._at_once = at_once
        self._open = False
        self._trouble = ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="features")
        self._waiting: list[_Asked] = []
        self._busy = False

    async def of(self, entities: Sequence[str]) -> list[Row | None]:
        """The features of each entity, in order, None for an unknown one.

        Raises Unavailable when the store fails or is slow, with a sentence that clients may hear.
        """
        loop = asyncio.get_running_loop()
        asked = _Asked(entities, loop.create_future())
        self._waiting.append(asked)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._look_up, loop)  # after whoever else has arrived in this turn of the loop
        limit = loop.call_later(self._timeout, self._give_up, asked)
        try:
            return await asked.answer
        finally:
            limit.cancel()

    def _give_up(self, asked: _Asked) -> None:
        if asked.answer.done():
            return
        if asked in self._waiting:  # while one look-up hangs, what has given up must not pile up
            self._waiting.remove(asked)
        self._metrics.store_errors.inc()
        asked.answer.set_exception(Unavailable(f"the feature store did not answer within {self._timeout:g} s: try again shortly"))

    def _look_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look up for all that wait, in the thread."""
        taken, self._waiting = [asked for asked in self._waiting if not asked.answer.done()], []
        if not taken:
            self._busy = False
            return
        names = list(dict.fromkeys(name for asked in taken for name in asked.entities))
        start = perf_counter()

        def back(call: Future[Found]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
                loop.call_soon_threadsafe(self._deliver, loop, taken, start, call)

        if self._open and len(names) <= self._at_once:
            self._deliver(loop, taken, start, self._called(names))
            return
        try:
            call = self._thread.submit(self._rows, names)
        except RuntimeError:  # it has been let go
            call = Future()
            call.cancel()
        call.add_done_callback(back)  # no task that waits for it: that would double the price of a turn

    def _deliver(
        self,
        loop: asyncio.AbstractEventLoop,
        taken: list[_Asked],
        start: float,
        call: Future[Found],
    ) -> None:
        self._metrics.store_seconds.observe(perf_counter() - start)
        # handed to everybody who waits: nobody may hang on a look-up that failed
        ended = call.cancelled()
        error = Unavailable("this process is about to end: ask again") if ended else self._told(call.exception())
        rows = {} if error else call.result()
        if error:
            self._metrics.store_errors.inc()
        for asked in taken:
            if asked.answer.done():  # gave up meanwhile
                continue
            if error:
                asked.answer.set_exception(error)
            else:
                asked.answer.set_result([rows[name] for name in asked.entities])
        self._look_up(loop)

    def _told(self, error: BaseException | None) -> BaseException | None:
        """For clients: what the store said, and where it is, is for the log, once in a row."""
        sentence = str(error) if isinstance(error, RatchetError) else ""
        if sentence and sentence != self._trouble:
            _logger.warning("%s", sentence)
        self._trouble = sentence
        return Unavailable(to_strangers(error, "the feature store")) if isinstance(error, RatchetError) else error

    def _called(self, names: list[str]) -> Future[Found]:
        call: Future[Found] = Future()
        try:
            call.set_result(self._rows(names))
        except Exception as error:  # noqa: BLE001 - for those who wait, as the thread's would be
            call.set_exception(error)
        return call

    def _rows(self, names: list[str]) -> Found:
        found = dict(zip(names, self._store().online(names), strict=True)) if names else {}
        self._open = True
        return found

    def warm(self, entity: str) -> None:
        """Open the store by a first look-up, from a thread that may wait. Raises what the store raises."""
        self._thread.submit(self._rows, [entity]).result()

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

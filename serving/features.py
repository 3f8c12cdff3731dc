"""Online features: one look-up at a time in a thread of its own; whoever asks meanwhile shares the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Protocol

from components.core.errors import Unavailable
from components.core.schema import FeatureValue
from serving.metrics import Metrics

Row = dict[str, FeatureValue]


class Online(Protocol):
    """The part of core.ports.FeatureStore that serving needs."""

    def online(self, entities: Sequence[str]) -> list[Row | None]:
        """The latest features of each entity, None for an unknown one."""
        ...


class OnlineFeatures:
    """Looks entities up without ever holding the event loop.

    Feast spends most of a look-up on fixed work, so requests that arrive during one look-up are answered together by the next:
    16 entities cost little more than one. A single thread also spares the store's connection any question of thread safety.

    Args:
        store: gives where the features are; called in the thread, because a store may take seconds to import.
        metrics: gets the seconds of each look-up and the failures.
        timeout: seconds after which a request gives up (the look-up itself cannot be interrupted).
    """

    def __init__(self, store: Callable[[], Online], metrics: Metrics, timeout: float = 2.0) -> None:
        self._store = store
        self._metrics = metrics
        self._timeout = timeout
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="features")
        self._waiting: list[tuple[Sequence[str], asyncio.Future[list[Row | None]]]] = []
        self._turn: asyncio.Task[None] | None = None

    async def of(self, entities: Sequence[str]) -> list[Row | None]:
        """The features of each entity, in order, None for an unknown one. Raises Unavailable when the store fails or is slow."""
        answer: asyncio.Future[list[Row | None]] = asyncio.get_running_loop().create_future()
        self._waiting.append(asked := (entities, answer))
        if self._turn is None:
            self._turn = asyncio.create_task(self._take_turns())
        try:
            async with asyncio.timeout(self._timeout):
                return await answer
        except TimeoutError as error:
            if asked in self._waiting:  # while one look-up hangs, what has given up must not pile up
                self._waiting.remove(asked)
            self._metrics.store_errors.inc()
            message = f"the feature store did not answer within {self._timeout:g} s: try again shortly"
            raise Unavailable(message) from error

    async def _take_turns(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, []
                await self._look_up([(entities, answer) for entities, answer in taken if not answer.done()])
        finally:
            self._turn = None

    async def _look_up(self, taken: list[tuple[Sequence[str], asyncio.Future[list[Row | None]]]]) -> None:
        names = list(dict.fromkeys(name for entities, _ in taken for name in entities))
        if not names:
            rows: dict[str, Row | None] = {}
            error: BaseException | None = None
        else:
            start = perf_counter()
            call = asyncio.get_running_loop().run_in_executor(self._thread, self._rows, names)
            await asyncio.wait([call])
            self._metrics.store_seconds.observe(perf_counter() - start)
            error = call.exception()  # handed to everybody who waits: nobody may hang on a look-up that failed
            rows = {} if error else dict(zip(names, call.result(), strict=True))
        if error:
            self._metrics.store_errors.inc()
        for entities, answer in taken:
            if answer.done():  # gave up meanwhile
                continue
            if error:
                answer.set_exception(error)
            else:
                answer.set_result([rows[name] for name in entities])

    def _rows(self, names: list[str]) -> list[Row | None]:
        return self._store().online(names)

    def warm(self, entity: str) -> None:
        """Open the store by a first look-up, from a thread that may wait. Raises what the store raises."""
        self._thread.submit(self._rows, [entity]).result()

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

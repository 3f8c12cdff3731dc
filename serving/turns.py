"""Batches take turns: a flood of them may take its time, but not the event loop, by which the process shows that it lives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ratchet.core.errors import Unavailable
from serving.connection import LARGEST_BODY

CELLS = 5_000  # posted values of a batch that are read before the loop turns: 3 ms
SLICE = 100  # entities of a batch that are answered before the loop turns: 3 ms


class Turns:
    """How many batches are in this process, and how many of them are worked on; for one event loop.

    Each holds its body, a megabyte perhaps, from when it is let in; and the work on each keeps the loop from all else for some
    milliseconds at a time, so a hundred at once would keep it for seconds.

    Args:
        places: batches at a time, those included whose bodies are still coming.
        most: bytes of all their bodies at a time: with features in it one may be of twelve megabytes.
        at_once: of them, that are worked on: one waits for the feature store while another computes.
    """

    def __init__(self, places: int = 64, at_once: int = 2, most: int = 8 * LARGEST_BODY) -> None:
        self._places, self._taken = places, 0
        self._most, self._held = most, 0
        self._work = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Callable[[int], None]]:
        """Hold a place, and by what it gives the bytes of a body as they come. Both raise Unavailable when all are taken."""
        if self._taken >= self._places:
            message = f"{self._places} batches are being answered already: try again shortly"
            raise Unavailable(message)
        self._taken += 1
        held = 0

        def hold(some: int) -> None:
            nonlocal held
            held += some
            self._held += some
            if self._held > self._most:
                message = f"batches of {self._most} bytes are being answered already: try again shortly"
                raise Unavailable(message)

        try:
            yield hold
        finally:
            self._taken -= 1
            self._held -= held

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """Wait for a turn."""
        async with self._work:
            yield

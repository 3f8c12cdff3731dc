"""How requests get from the gateway to a process: each kind by connections of its own, so that none waits behind another's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx

from ratchet.core.errors import Unavailable

_TIMEOUT = httpx.Timeout(30.0, connect=2.0, pool=5.0).as_dict()  # above what the service itself takes before it answers 504
_EXPIRY = 30.0  # seconds, under the backend's 75
_BATCH = b"/predict_batch"
_BATCHES = 16  # at a time: the process works on two, and has the next ones there already
_PATIENCE = 30.0  # seconds that a batch waits here for its turn
_LOOKING = frozenset({"GET", "HEAD"})


class Lanes:
    """Three pools of connections to one process: for what looks at it, for batches, and for everything else.

    httpcore's pool goes over all its connections and all that wait, twice a request: with 250 batches under way it took the
    gateway's loop 2.6 ms each time, half of all its work, and whoever asked whether the process lives waited for many seconds.
    So batches wait for their turn outside the pool, where waiting costs nothing.

    Args:
        url: of the process.
        batches: that are sent to it at a time.
        patience: seconds that a batch waits before it is refused.
    """

    def __init__(self, url: str, batches: int = _BATCHES, patience: float = _PATIENCE) -> None:
        self._url, self._patience = httpx.URL(url), patience
        # the bare transport: the client around it (cookies, redirects, authentication) adds a third to the price of a request
        self._looks, self._batches, self._others = (_pool(most) for most in (32, batches, 256))
        self._turns = asyncio.Semaphore(batches)

    async def send(
        self, method: str, target: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> tuple[httpx.Response, bytes]:
        """Pass a request on and read the answer whole, as it came.

        Raises httpx.TransportError when there is none, Unavailable when a batch does not get its turn.
        """
        url = self._url.copy_with(raw_path=target)
        request = httpx.Request(method, url, headers=list(headers), content=body or None, extensions={"timeout": _TIMEOUT})
        if not target.startswith(_BATCH):
            return await _answer(self._looks if method in _LOOKING else self._others, request)
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError as error:
            message = "more batches are waiting than are answered: try again shortly"
            raise Unavailable(message) from error
        try:
            return await _answer(self._batches, request)
        finally:
            self._turns.release()

    async def close(self) -> None:
        """Close all connections."""
        for pool in (self._looks, self._batches, self._others):
            await pool.aclose()


async def _answer(pool: httpx.AsyncHTTPTransport, request: httpx.Request) -> tuple[httpx.Response, bytes]:
    response = await pool.handle_async_request(request)
    try:
        return response, b"".join([chunk async for chunk in response.aiter_raw()])
    finally:
        await response.aclose()


def _pool(most: int) -> httpx.AsyncHTTPTransport:
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=64, keepalive_expiry=_EXPIRY)
    return httpx.AsyncHTTPTransport(limits=limits, trust_env=False)

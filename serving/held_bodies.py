"""Bodies of requests that the gateway passes on: each is bounded, and so are all that it holds at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.exceptions import HTTPException
from starlette.requests import Request

from serving.connection import LARGEST_BODY

MAX_HELD = 8 * LARGEST_BODY  # bytes of all bodies at a time


class HeldBodies:
    """Reads bodies whole, because a request whose connection breaks is sent again.

    Args:
        largest: bytes of one.
        most: bytes of all at a time.
    """

    def __init__(self, largest: int = LARGEST_BODY, most: int = MAX_HELD) -> None:
        self._largest, self._most = largest, most
        self._held = 0

    @asynccontextmanager
    async def of(self, request: Request) -> AsyncIterator[bytes]:
        """The body, held until the block ends.

        Raises HTTPException 413 when it is too large, 503 when all of them are, ClientDisconnect when it does not come whole.
        """
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                self._held += len(chunk)
                if len(body) > self._largest:
                    raise HTTPException(413, f"the body is larger than {self._largest} bytes")
                if self._held > self._most:
                    raise HTTPException(503, f"bodies of {self._most} bytes are being passed on already: try again shortly")
            yield bytes(body)
        finally:
            self._held -= len(body)

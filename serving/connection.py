"""What one connection may take: bytes and seconds of a head and a body, and how many connections one address may hold.

uvicorn bounds a head by its h11 protocol alone (`h11_max_incomplete_event_size`), which is the slower one. With httptools, which it
prefers, one connection's endless head takes all memory, and nothing ends a head or a body that never ends. So this is httptools'
protocol with bounds. A request that comes whole in one read, as nearly all do, pays some comparisons and no timer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.crowd import Crowd

LARGEST_BODY = 12 * 1024 * 1024  # bytes: room for the largest batch that a project can allow; the service's own limits are tighter
_LINGER_SECONDS = 2.0  # in which a client that was refused may read why, before the connection is cut
_LINGER_BYTES = 1024 * 1024  # that it may send meanwhile


@dataclass(frozen=True)
class Limits:
    """What a server grants its clients.

    Args:
        head_bytes: of request line and headers.
        body_bytes: of a body as it comes over the wire, chunks' framing and trailers included.
        head_seconds: from a connection's start, or a request's first byte, to the end of the head.
        body_seconds: from there to the end of the body.
        write_seconds: that a client may leave an answer unread.
        a_client: connections of one address at a time, 0 for no limit.
        everybody: connections at a time; beyond it those that say nothing go first.
    """

    head_bytes: int = 16 * 1024
    body_bytes: int = LARGEST_BODY + 64 * 1024
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    write_seconds: float = 30.0
    a_client: int = 320
    everybody: int = 640


class _At(IntEnum):
    """Where a connection's reading stands."""

    HEAD = 0  # nothing has come yet, or part of a head
    BODY = 1
    END = 2  # the request is here whole


def granted(a_client: int) -> Limits:
    """The limits where an address may hold so many connections, 0 for no limit."""
    return Limits(a_client=a_client, everybody=max(Limits.everybody, 2 * a_client))


def bounded(limits: Limits) -> Any:
    """What `uvicorn.Config` takes as `http`: makes the connections of one server."""
    crowd: Crowd[Connection] = Crowd(limits.a_client, limits.everybody)

    def connection(**given: Any) -> Connection:
        return Connection(limits, crowd, **given)

    return connection


class _TooLarge(Exception):  # noqa: N818 - ends the parsing, nobody else sees it
    pass


class Connection(HttpToolsProtocol):
    """One connection within `limits`; a client that goes beyond gets one sentence, and the connection ends."""

    def __init__(self, limits: Limits, crowd: Crowd[Connection], **given: Any) -> None:
        super().__init__(**given)
        self._limits, self._crowd = limits, crowd
        self._at = _At.HEAD
        self._received = 0  # bytes of the request that is coming in
        self._mixed = False  # another request ended in this read, so it is not known where this one began
        self._timer: asyncio.TimerHandle | None = None
        self._timed: _At | None = None  # what the timer is for
        self._unread: asyncio.TimerHandle | None = None
        self._refusal = (400, "this is not HTTP as this server reads it")
        self._refused = False

    @property
    def silent(self) -> bool:
        """Whether it waits for the client: nothing would be lost but the client's time."""
        return not self._refused and (self._at is not _At.END or self.cycle is None or self.cycle.response_complete)

    @property
    def untried(self) -> bool:
        """Whether it is silent and has never brought a whole request."""
        return self.silent and (self.cycle is None or (self._at is _At.BODY and not self.pipeline))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Count the connection, or refuse it."""
        super().connection_made(transport)
        self._until(self._limits.head_seconds, _At.HEAD)
        if refusal := self._crowd.enter(self, self.client[0] if self.client else ""):
            self._refuse(503, refusal, linger=False)  # or those that are refused would be the crowd

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._crowd.leave(self)
        self._stop_timer()
        self._read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and look whether that was too much."""
        self._received += len(data)
        if self._refused:
            if self._received > _LINGER_BYTES:
                self.transport.abort()
            return
        self._mixed = False
        super().data_received(data)
        if self._at is _At.END:
            self._received = 0
            if self._timer is not None:
                self._stop_timer()
            if self.cycle is None or self.cycle.response_complete:  # what came began nothing: line ends, say
                self._until(self._limits.head_seconds, _At.HEAD)
        elif not self._refused and not self.transport.is_closing():
            self._look()

    def _look(self) -> None:
        """After a read that left the request incomplete."""
        if self._mixed:
            self._received = 0
        if self._at is _At.HEAD and self._received > self._limits.head_bytes:
            self._refuse(*self._large_head)
        elif self._at is _At.BODY and self._received > self._limits.head_bytes + self._limits.body_bytes:
            self._refuse(413, f"the body is larger than {self._limits.body_bytes} bytes")
        elif self._timed is not self._at:
            self._until(self._limits.head_seconds if self._at is _At.HEAD else self._limits.body_seconds, self._at)

    @property
    def _large_head(self) -> tuple[int, str]:
        return 431, f"request line and headers are larger than {self._limits.head_bytes} bytes"

    def on_message_begin(self) -> None:
        """A request's first byte."""
        self._at = _At.HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is here; it is counted only when it can be too large."""
        if self._received > self._limits.head_bytes:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self._limits.head_bytes:
                self._refusal = self._large_head
                raise _TooLarge  # the parser ends, and send_400_response is called
        self._at = _At.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is here."""
        self._at, self._mixed, self._timed = _At.END, True, None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What the parser refuses; the vendor's sentence says no more than ours."""
        del msg
        self._refuse(*self._refusal)

    def pause_writing(self) -> None:
        """The client does not read its answer."""
        super().pause_writing()
        self._unread = self.loop.call_later(self._limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        self._read()
        super().resume_writing()

    def give_way(self) -> None:
        """End a silent connection, because another one wants its place."""
        self.transport.close()

    def _read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _until(self, seconds: float, at: _At, do: Callable[[], None] | None = None) -> None:
        self._stop_timer()
        self._timed, self._timer = at, self.loop.call_later(seconds, do or self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timed = None

    def _too_slow(self) -> None:
        self._timer = self._timed = None
        if self.transport.is_closing():
            return
        if self._at is not _At.BODY and self.cycle is not None and not self.cycle.response_complete:
            self._until(self._limits.head_seconds, _At.HEAD)  # the answer to an earlier request is under way: ours to end
        elif self._at is _At.BODY:
            self._refuse(408, f"the body did not come within {self._limits.body_seconds:g} s")
        elif self._received:
            self._refuse(408, f"request line and headers did not come within {self._limits.head_seconds:g} s")
        else:
            self.transport.close()

    def _refuse(self, status: int, sentence: str, *, linger: bool = True) -> None:
        """Answer where an answer is due, let the client read it, and end the connection."""
        if self._refused or self.transport.is_closing():
            return
        self._refused, self._received = True, 0
        cycle, earlier = self.cycle, bool(self.pipeline)
        due = cycle is None or cycle.response_complete or (self._at is _At.BODY and not cycle.response_started and not earlier)
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # whoever waits for the body learns that none will come
            cycle.message_event.set()
        self._unset_keep_alive()
        if not due:
            self.transport.close()
            return
        content = json.dumps({"error": sentence}).encode()
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}"
        self.transport.write(f"{head}\r\nconnection: close\r\n\r\n".encode() + content)
        if not linger:
            self.transport.close()
            return
        self.transport.write_eof()  # closing now would reset the connection, and the sentence with it
        self.transport.resume_reading()
        self._until(_LINGER_SECONDS, _At.END, self.transport.abort)

    def _unset_keep_alive(self) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None


def config(app: Any, limits: Limits, **options: Any) -> uvicorn.Config:
    """Uvicorn's configuration of every server of ours: bounded connections, no web sockets, no log of accesses."""
    ours = {
        "http": bounded(limits),
        "ws": "none",
        "interface": "asgi3",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
    }
    return uvicorn.Config(app, **ours, **options)

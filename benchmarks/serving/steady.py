"""Requests at a constant rate: each has its moment by the clock, and its latency counts from that moment, sent late or not.

A client that waits for an answer before it asks again spares a server that stalls ("coordinated omission"); this one does not.
`python -m benchmarks.serving.steady PORT RATE SECONDS ENTITIES` prints what it saw as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import cast

import numpy as np
import uvloop

from benchmarks.serving.servers import Server
from benchmarks.trained import REPOSITORY, Trained

_CONNECTIONS = 32
_LAST_SECONDS = 5.0  # for answers that are still to come


@dataclass(frozen=True, slots=True)
class Steady:
    """What came of it: milliseconds since the moment that each request was due; an error is another status, or no answer."""

    rate: float
    requests: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    errors: int


class _Connection(asyncio.Protocol):
    """One at a time: request out, answer in (its head, and the body by its content-length)."""

    def __init__(self, client: _Client) -> None:
        self._client, self._buffer, self._due = client, b"", 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's own class

    def send(self, due: float, request: bytes) -> None:
        assert self._transport is not None
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        if len(body) >= int(length.partition(b":")[2]):
            good, self._buffer = head[9:12] == b"200", b""
            self._client.answered(self, self._due, good=good)

    def connection_lost(self, _reason: Exception | None) -> None:
        self._client.lost(self)


class _Client:
    def __init__(self, port: int, entities: list[str]) -> None:
        self._requests = [_request(port, entity) for entity in entities]
        self._free: deque[_Connection] = deque()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._port, self._ending = port, False
        self.latencies: list[float] = []
        self.errors = 0

    async def run(self, rate: float, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_CONNECTIONS):
            _, made = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
            self._free.append(made)
        count, sent, began = int(rate * seconds), 0, perf_counter()
        while sent < count:
            due = began + sent / rate
            early = due - perf_counter()
            if early > 0:
                await asyncio.sleep(early)
            while sent < count and (due := began + sent / rate) <= perf_counter():
                request = self._requests[sent * 7919 % len(self._requests)]
                if self._free:
                    self._free.popleft().send(due, request)
                else:
                    self._waiting.append((due, request))
                sent += 1
        deadline = perf_counter() + _LAST_SECONDS
        while len(self.latencies) + self.errors < count and perf_counter() < deadline:  # noqa: ASYNC110 - a hundred looks a second cost nothing
            await asyncio.sleep(0.01)
        self.errors += count - len(self.latencies) - self.errors
        self._ending = True

    def answered(self, connection: _Connection, due: float, *, good: bool) -> None:
        if good:
            self.latencies.append(perf_counter() - due)
        else:
            self.errors += 1
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._free.append(connection)

    def lost(self, connection: _Connection) -> None:
        """A connection that the server ends is not opened again; what it was to answer is missing at the end."""
        if not self._ending and connection in self._free:
            self._free.remove(connection)


def _request(port: int, entity: str) -> bytes:
    body = json.dumps({"user_id": entity}).encode()
    head = (
        f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def steady(server: Server, trained: Trained, rate: float, seconds: float) -> Steady:
    """Ask the server's first port `rate` times a second, from a process of its own."""
    arguments = [str(server.ports[0]), f"{rate:g}", f"{seconds:g}", trained.environment["BENCH_ENTITIES"]]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.serving.steady", *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    return Steady(**json.loads(done.stdout))


def main() -> None:
    """See the module."""
    port, rate, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    client = _Client(port, Path(sys.argv[4]).read_text(encoding="ascii").split())
    uvloop.run(client.run(rate, seconds))
    p50, p99, worst = np.percentile(client.latencies, [50, 99, 100]).tolist() if client.latencies else (0.0, 0.0, 0.0)
    seen = Steady(rate, len(client.latencies) + client.errors, p50 * 1000, p99 * 1000, worst * 1000, client.errors)
    print(json.dumps(asdict(seen)))


if __name__ == "__main__":
    main()

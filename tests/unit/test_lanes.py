"""Requests on their way from the gateway to a process that answers no batch until it is let."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from ratchet.core.errors import Unavailable
from serving.lanes import Lanes

FLOOD = 300  # more than any pool of connections is large
TURNS = 4


class Process:
    """A server that notes what comes, and answers a batch once it is let."""

    def __init__(self) -> None:
        self.came: list[bytes] = []
        self.busy, self.let = asyncio.Event(), asyncio.Event()  # as many batches have come as are sent at a time; answer them
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                target = line.split()[1]
                self.came.append(target)
                if self.came.count(b"/predict_batch") == TURNS:
                    self.busy.set()
                if target == b"/predict_batch":
                    await self.let.wait()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                await writer.drain()
        finally:
            writer.close()


def played(case: Callable[[Process, Lanes], Awaitable[None]], **given: float) -> None:
    async def play() -> None:
        process = Process()
        server = await asyncio.start_server(process.answer, "127.0.0.1", 0)
        process.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        lanes = Lanes(process.url, TURNS, **given)
        try:
            await case(process, lanes)
        finally:
            process.let.set()
            await lanes.close()
            server.close()

    asyncio.run(play())


async def batch(lanes: Lanes) -> bytes:
    return (await lanes.send("POST", b"/predict_batch", [], b""))[1]


def test_whoever_asks_for_one_or_whether_the_process_lives_does_not_wait_for_a_flood_of_batches() -> None:
    async def case(process: Process, lanes: Lanes) -> None:
        flood = [asyncio.create_task(batch(lanes)) for _ in range(FLOOD)]
        await process.busy.wait()
        for method, target in (("GET", b"/livez"), ("POST", b"/predict")):
            answer, content = await lanes.send(method, target, [], b"")
            assert (answer.status_code, content) == (200, b"{}")
        assert process.came.count(b"/predict_batch") == 4, "the others wait where waiting costs nothing"
        assert not any(task.done() for task in flood)
        process.let.set()
        assert await asyncio.gather(*flood) == [b"{}"] * FLOOD

    played(case)


def test_a_batch_that_does_not_get_its_turn_is_refused_and_the_turn_stays_anothers() -> None:
    async def case(process: Process, lanes: Lanes) -> None:
        flood = [asyncio.create_task(batch(lanes)) for _ in range(5)]
        done, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        assert [str(task.exception()) for task in done] == ["more batches are waiting than are answered: try again shortly"]
        assert all(isinstance(task.exception(), Unavailable) for task in done)
        process.let.set()
        assert await asyncio.gather(*(set(flood) - done)) == [b"{}"] * 4
        assert await batch(lanes) == b"{}"

    played(case, patience=0.2)


def test_a_batch_whose_client_has_gone_gives_its_turn_to_the_next() -> None:
    async def case(process: Process, lanes: Lanes) -> None:
        gone = [asyncio.create_task(batch(lanes)) for _ in range(4)]
        await process.busy.wait()
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        process.let.set()
        assert await batch(lanes) == b"{}"

    played(case)


def test_a_process_that_has_gone_is_a_broken_connection_in_each_lane() -> None:
    async def case(_process: Process, _lanes: Lanes) -> None:
        gone = Lanes("http://127.0.0.1:1")
        for method, target in (("GET", b"/livez"), ("POST", b"/predict"), ("POST", b"/predict_batch")):
            with pytest.raises(httpx.ConnectError):
                await gone.send(method, target, [], b"")
        await gone.close()

    played(case)

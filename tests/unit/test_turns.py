from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

import serving.api
from ratchet.core.errors import Unavailable
from ratchet.project.file import Project
from serving.rate import RateLimit
from serving.turns import SLICE, Turns
from tests.support.fake_wiring import PROJECT
from tests.unit import test_serving_api
from tests.unit.test_serving_api import Server


def test_so_many_batches_are_let_in_and_the_next_hears_so_until_one_has_left() -> None:
    async def case() -> None:
        turns = Turns(places=2)
        async with turns.place():
            async with turns.place():
                with pytest.raises(Unavailable, match="2 batches are being answered already"):
                    async with turns.place():
                        pytest.fail("there is no place")
            async with turns.place():
                pass

    asyncio.run(case())


def test_bodies_of_so_many_bytes_are_held_and_the_next_hears_so_until_one_has_left() -> None:
    async def case() -> None:
        turns = Turns(most=100)
        async with turns.place() as first:
            first(60)
            async with turns.place() as second:
                second(30)
                with pytest.raises(Unavailable, match="batches of 100 bytes are being answered already"):
                    second(30)
            async with turns.place() as third:
                third(40)
        async with turns.place() as fourth:
            fourth(100)

    asyncio.run(case())


def test_so_many_are_worked_on_at_a_time_whatever_waits() -> None:
    at_once: list[int] = []

    async def case() -> None:
        turns, working = Turns(at_once=2), 0

        async def one() -> None:
            nonlocal working
            async with turns.work():
                working += 1
                at_once.append(working)
                await asyncio.sleep(0)
                working -= 1

        await asyncio.gather(*(one() for _ in range(20)))

    asyncio.run(case())
    assert max(at_once) == 2


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> Project:
    project = PROJECT.model_copy(update={"serving": PROJECT.serving.model_copy(update={"max_batch": 1000})})
    monkeypatch.setattr(test_serving_api, "PROJECT", project)
    return project


@pytest.mark.usefixtures("wide")
def test_the_loop_turns_before_many_entities_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(tmp_path).ready()
    answered, most = 0, 0
    whole = serving.api._answer  # noqa: SLF001 - counted, entity by entity

    def counted(*given: Any, **named: Any) -> dict[str, Any]:
        nonlocal answered
        answered += 1
        return whole(*given, **named)

    monkeypatch.setattr(serving.api, "_answer", counted)

    async def ask() -> list[int]:
        nonlocal most
        async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url="http://service") as client:
            asked = [asyncio.create_task(client.post("/predict_batch", json=[{"customer": "anna"}] * 1000)) for _ in range(10)]
            while not all(one.done() for one in asked):
                before = answered
                await asyncio.sleep(0)  # as often could a probe be answered
                most = max(most, answered - before)
            return [one.result().status_code for one in asked]

    assert asyncio.run(ask()) == [200] * 10
    assert answered == 10_000
    assert most <= 2 * SLICE  # of two batches at once
    server.close()


@pytest.mark.usefixtures("wide")
def test_batches_that_come_together_cannot_owe_for_more_than_one(tmp_path: Path) -> None:
    class Still:
        def __call__(self) -> float:
            return 100.0

    server = Server(tmp_path, rate=RateLimit(500, Still())).ready()

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url="http://service") as client:
            body = [{"customer": "anna"}] * 400
            answers = await asyncio.gather(*(client.post("/predict_batch", json=body) for _ in range(20)))
            return sorted(answer.status_code for answer in answers)

    assert asyncio.run(ask()) == [200] * 2 + [429] * 18
    server.close()

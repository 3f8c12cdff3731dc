"""The gateway and its supervisor with processes that start in no time (tests/support/stub_backend.py)."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from ratchet.rollout.local_deployment import LocalDeployment, Observed
from serving.gateway import proxy
from serving.supervisor import Supervisor
from tests.support import stub_backend
from tests.support.rollout_harness import settings_for

STUB = (sys.executable, stub_backend.__file__)
ENDS, UNREADY = int(stub_backend.ENDS), int(stub_backend.UNREADY)


class Stand:
    """A supervisor at work, and a client of the gateway's app."""

    def __init__(self, deployment: LocalDeployment, client: httpx.AsyncClient, supervisor: Supervisor) -> None:
        self.deployment, self.client, self.supervisor = deployment, client, supervisor

    def pin(self, version: int | None) -> None:
        self.deployment.change(version, self.deployment.desired().generation)

    async def version(self, seconds: float = 0) -> str:
        return (await self.client.get("/version", params={"seconds": seconds})).text

    async def until(self, done: Callable[[Observed], bool]) -> Observed:
        async with asyncio.timeout(20):
            while not done(observed := self.deployment.observed()):  # noqa: ASYNC110 - the state is a file
                await asyncio.sleep(0.02)
        return observed

    async def serving(self, version: int | None) -> Observed:
        """Wait until this version answers and no other process is left."""
        generation = self.deployment.desired().generation
        return await self.until(
            lambda seen: (
                seen.observed_generation == generation and seen.version == version and len(seen.pods) == (version is not None)
            )
        )


@asynccontextmanager
async def standing(home: Path, *, spare: bool = False, **changes: object) -> AsyncIterator[Stand]:
    settings = settings_for(home, **changes)
    deployment = LocalDeployment(settings.serving)
    assert deployment.claim()
    supervisor, stop = Supervisor(deployment, settings, STUB, spare=spare), asyncio.Event()
    working = asyncio.create_task(supervisor.run(stop))
    transport = httpx.ASGITransport(proxy(supervisor))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield Stand(deployment, client, supervisor)
    finally:
        stop.set()
        await working
        await supervisor.close()
        deployment.release()


def run(home: Path, case: Callable[[Stand], Awaitable[None]], *, spare: bool = False, **changes: object) -> None:
    async def whole() -> None:
        async with standing(home, spare=spare, **changes) as stand:
            await case(stand)

    asyncio.run(whole())


def test_a_request_in_flight_is_answered_by_the_old_version_after_the_switch(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        await stand.serving(1)
        slow = asyncio.create_task(stand.version(seconds=1.0))
        await asyncio.sleep(0.1)
        stand.pin(2)
        await stand.until(lambda seen: seen.version == 2)
        assert await stand.version() == "2"
        assert not slow.done()
        assert await slow == "1"
        await stand.serving(2)

    run(tmp_path, case)


def test_a_drain_ends_after_its_time(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        await stand.serving(1)
        endless = asyncio.create_task(stand.client.get("/version", params={"seconds": 60}))
        await asyncio.sleep(0.1)
        stand.pin(2)
        await stand.serving(2)
        assert await stand.version() == "2"
        endless.cancel()  # cut off by the old process' end, it was sent again to the new one

    run(tmp_path, case, drain_seconds=0.3)


def test_a_process_on_its_way_out_is_taken_back(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        (first,) = (await stand.serving(1)).pods
        slow = asyncio.create_task(stand.version(seconds=1.5))
        await asyncio.sleep(0.1)
        stand.pin(2)
        await stand.until(lambda seen: seen.version == 2)
        stand.pin(1)
        (again,) = (await stand.serving(1)).pods
        assert again.name == first.name
        assert await slow == "1"

    run(tmp_path, case)


def test_pinning_back_cancels_a_version_that_is_not_ready_yet(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        (first,) = (await stand.serving(1)).pods
        stand.pin(UNREADY)
        await stand.until(lambda seen: seen.detail == "still warming up")
        assert await stand.version() == "1"
        stand.pin(1)
        assert [pod.name for pod in (await stand.serving(1)).pods] == [first.name]

    run(tmp_path, case)


def test_a_version_that_is_not_ready_in_time_is_stuck_with_its_last_word(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        await stand.serving(1)
        stand.pin(UNREADY)
        seen = await stand.until(lambda seen: seen.stuck)
        assert seen.detail == "version 8 was not ready within 0.5 s: still warming up"
        assert await stand.version() == "1"

    run(tmp_path, case, ready_timeout=0.5)


def test_a_version_whose_process_ends_is_stuck_with_the_last_line_of_its_log(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        await stand.serving(1)
        stand.pin(ENDS)
        seen = await stand.until(lambda seen: seen.stuck)
        assert seen.detail == "version 7's process ended with code 1: the disk is full of eels"
        assert (seen.version, await stand.version()) == (1, "1")

    run(tmp_path, case)


def test_the_old_version_is_restarted_while_the_new_one_is_stuck(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        (first,) = (await stand.serving(1)).pods
        stand.pin(ENDS)
        await stand.until(lambda seen: seen.stuck)
        await stand.client.get("/die")
        seen = await stand.until(lambda seen: any(pod.active and pod.name != first.name for pod in seen.pods))
        assert (seen.version, seen.stuck, await stand.version()) == (1, True, "1")

    run(tmp_path, case)


def test_a_first_version_that_cannot_start_is_tried_again_and_said_to_be_stuck(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(ENDS)
        names: set[str] = set()

        def third(seen: Observed) -> bool:
            names.update(pod.name for pod in seen.pods)
            return seen.stuck and len(names) >= 3

        await stand.until(third)
        answer = await stand.client.get("/version")
        assert (answer.status_code, "eels" in answer.text) == (503, False), "why is not a stranger's business"
        assert "eels" in stand.deployment.observed().detail
        stand.pin(1)
        assert not (await stand.serving(1)).stuck

    run(tmp_path, case)


def test_a_process_that_dies_after_its_log_was_cleared_away_is_restarted_too(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        (first,) = (await stand.serving(1)).pods
        shutil.rmtree(stand.deployment.logs)
        await stand.client.get("/die")
        await stand.until(lambda seen: any(pod.active and pod.name != first.name for pod in seen.pods))
        assert await stand.version() == "1"

    run(tmp_path, case)


def test_a_supervisor_says_that_it_ends(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        assert not (await stand.serving(1)).ending

    run(tmp_path, case)
    assert LocalDeployment(tmp_path / "serving").observed().ending


def test_a_serving_process_that_hangs_does_not_outlive_its_gateway() -> None:
    hang = "backend._serve = lambda fd, grace: time.sleep(300)"
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    program = f"import signal, time; from serving import backend; backend._LAST_SECONDS = 0.1; {hang}; {deaf}; backend.main()"
    process = subprocess.Popen([sys.executable, "-c", program, "--fd", "0", "--grace", "0.1"], stdin=subprocess.PIPE)
    process.communicate(timeout=60)  # closes its input, as the gateway's end does
    assert process.returncode == 1


def test_unpinning_ends_what_serves(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        await stand.serving(1)
        stand.pin(None)
        await stand.serving(None)
        answer = await stand.client.get("/version")
        assert (answer.status_code, answer.json()) == (503, {"error": "no model in production yet: ratchet run"})

    run(tmp_path, case)


def test_a_desired_state_that_cannot_be_read_leaves_what_serves(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        await stand.serving(1)
        (stand.deployment.folder / "deployment.json").write_text("{", encoding="utf-8")
        await asyncio.sleep(0.3)
        assert await stand.version() == "1"

    run(tmp_path, case)


def kill(seen: Observed) -> int:
    (pod,) = seen.pods
    assert pod.pid
    os.kill(pod.pid, signal.SIGKILL)
    return pod.pid


def _is_another(pid: int, seen: Observed) -> bool:
    return seen.pods[0].pid != pid


async def spare_is_ready(stand: Stand) -> None:
    async with asyncio.timeout(20):
        while not stand.supervisor.spare_ready:  # noqa: ASYNC110 - asked as the gateway does
            await asyncio.sleep(0.02)


def test_no_request_fails_when_the_process_is_killed_again_and_again_and_a_spare_one_is_ready(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        await stand.serving(1)
        for _ in range(3):
            await spare_is_ready(stand)
            slow = [asyncio.create_task(stand.version(seconds=0.3)) for _ in range(5)]
            await asyncio.sleep(0.1)
            killed = kill(stand.deployment.observed())
            assert [await stand.version() for _ in range(5)] == ["1"] * 5
            assert [await one for one in slow] == ["1"] * 5  # in flight when it was killed
            await stand.until(functools.partial(_is_another, killed))

    run(tmp_path, case, spare=True)


def test_the_spare_process_is_of_the_version_that_serves_and_is_no_pod(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        for version in (1, 2, 1):
            stand.pin(version)
            seen = await stand.serving(version)  # with one pod and no other
            await spare_is_ready(stand)
            kill(seen)
            assert await stand.version() == str(version)
            assert len(seen.pods) == 1
        stand.pin(None)
        await stand.serving(None)
        assert not stand.supervisor.spare_ready

    run(tmp_path, case, spare=True)


def test_without_a_spare_one_a_version_that_has_served_is_soon_started_again_however_often_it_dies(tmp_path: Path) -> None:
    async def case(stand: Stand) -> None:
        stand.pin(1)
        await stand.serving(1)
        for _ in range(6):  # the eighth start would wait for 32 s
            before = stand.deployment.observed().pods[0].name
            await stand.client.get("/die")
            async with asyncio.timeout(10):
                await stand.until(lambda seen, before=before: any(pod.active and pod.name != before for pod in seen.pods))  # type: ignore[misc]

    run(tmp_path, case)

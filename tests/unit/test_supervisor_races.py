"""What a supervisor takes for its own after it has waited: the processes may have changed places meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

from ratchet.rollout.local_deployment import LocalDeployment
from ratchet.settings import Settings
from serving.backends import Backend, Probe
from serving.spare import Spare
from serving.supervisor import Supervisor, _Active


class FakeBackend:
    """A process whose answer to a probe comes after `meanwhile` has happened."""

    version, digest, pid, stopping = 1, "d", 1, False

    def __init__(self, name: str) -> None:
        self.name, self.detail, self.url, self.exited = name, "", "", False
        self.meanwhile: Callable[[], object] = lambda: None

    async def probe(self) -> Probe:
        self.meanwhile()
        return Probe(ready=True, failed=False, detail="serves")

    async def lives(self) -> bool:
        self.meanwhile()
        return False

    async def ends(self, _seconds: float) -> bool:
        return self.exited

    def last_words(self) -> str:
        return f"{self.name} has ended"

    def kill(self) -> None:
        self.exited = True

    async def drain(self, _seconds: float) -> None:
        """Nothing is in flight."""

    async def stop(self, _seconds: float) -> None:
        self.exited = True


def backend(name: str) -> tuple[FakeBackend, Backend]:
    made = FakeBackend(name)
    return made, cast("Backend", made)


async def tended(spare: Spare, looks: int) -> None:
    """A spare process is started at the first look at which that is due, and asked at the next."""
    for _ in range(looks):
        await spare.tend((1, "d"))
        spare.wait(0)


def test_a_spare_process_that_was_taken_while_it_was_asked_says_nothing_of_the_next() -> None:
    async def case() -> None:
        made = [backend("first"), backend("second")]
        started = iter(made)

        async def launch(_version: int, _digest: str) -> Backend:
            return next(started)[1]

        spare = Spare(launch)
        taken: list[Backend | None] = []
        made[0][0].meanwhile = lambda: taken.append(spare.given_up())
        await tended(spare, 3)  # noted for whom; started; asked
        assert taken == [made[0][1]]
        await tended(spare, 1)
        assert not spare.ready_for(1, "d"), "the second has started and was never asked"
        assert spare.given_up() is made[1][1]

    asyncio.run(case())


def supervised(home: Path) -> Supervisor:
    return Supervisor(LocalDeployment(home / "serving"), Settings(home=home))


def test_a_process_that_was_replaced_while_it_was_asked_takes_nobody_with_it(tmp_path: Path) -> None:
    async def case() -> None:
        supervisor = supervised(tmp_path)
        (dying, first), (_, second) = backend("dying"), backend("healthy")
        active = _Active(first, 0)
        active.looked_at -= 3600.0  # seconds: a look is due

        def replaced() -> None:
            dying.exited = True
            supervisor._active = _Active(second, 0)  # noqa: SLF001 - as replace() does when a client's connection breaks

        dying.meanwhile = replaced
        supervisor._active = active  # noqa: SLF001
        await supervisor._tend_active()  # noqa: SLF001
        assert supervisor.active is second
        assert not second.exited
        await supervisor.close()

    asyncio.run(case())


def test_a_process_that_has_ended_is_mourned(tmp_path: Path) -> None:
    async def case() -> None:
        supervisor = supervised(tmp_path)
        dying, first = backend("dying")
        supervisor._active = _Active(first, 0)  # noqa: SLF001
        dying.exited = True
        await supervisor._tend_active()  # noqa: SLF001
        assert supervisor.active is None
        await supervisor.close()

    asyncio.run(case())

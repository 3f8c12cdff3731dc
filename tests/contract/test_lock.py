"""The same cases for every lock, and what only a real one can show."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import cast

import pytest

from ratchet.clients.kubernetes import KubernetesApi
from ratchet.core.errors import LockHeld, LockLost, Unavailable
from ratchet.locks.file import PromotionFileLock
from ratchet.locks.lease import LeaseLock
from ratchet.locks.lease_fence import LeaseFence
from ratchet.locks.port import Lock
from tests.support.addresses import only
from tests.support.cluster_objects import CLUSTER, LEASE, fresh_namespace
from tests.support.fakes import FakeLock
from tests.support.leases import FakeLeaseApi
from tests.support.rollout_harness import until

_HOLD = """
import sys, time
from pathlib import Path
from ratchet.locks.file import PromotionFileLock
with PromotionFileLock(Path(sys.argv[1]), "another", 1.0).hold():
    print("held", flush=True)
    time.sleep(60)
"""


@dataclass(frozen=True)
class Two:
    """Two promoters' views of one lock. `steal` takes it from whoever holds it."""

    ann: Lock
    bob: Lock
    steal: Callable[[], object]


@contextmanager
def pair(name: str, folder: Path) -> Iterator[Two]:
    if name == "fake":
        lock = FakeLock()
        yield Two(lock, lock, lambda: setattr(lock, "lost", True))
    elif name == "lease":
        fake = FakeLeaseApi()
        api = cast("KubernetesApi", fake)
        yield Two(LeaseLock(api, LEASE, "ann", 0.2, 1), LeaseLock(api, LEASE, "bob", 0.2, 1), lambda: fake.take("thief"))
    elif name == "lease of a cluster":
        with fresh_namespace() as objects:
            thief = {"holderIdentity": "thief", "leaseDurationSeconds": 2}
            ann, bob = (LeaseLock(objects.api(), LEASE, name, 0.2, 3) for name in ("ann", "bob"))
            yield Two(ann, bob, lambda: objects.lease(thief))
    else:
        path = folder / "lock"
        yield Two(PromotionFileLock(path, "ann", 0.2), PromotionFileLock(path, "bob", 0.2), path.unlink)


@pytest.fixture(params=["fake", "file", "lease", *only(CLUSTER, "lease of a cluster")])
def promoters(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Two]:
    with pair(request.param, tmp_path) as both:
        yield both


def refusal(check: Callable[[], None]) -> str:
    """What a fence says that refuses; empty when it does not."""
    try:
        check()
    except LockLost as error:
        return str(error)
    return ""


def test_one_at_a_time(promoters: Two) -> None:
    ann, bob = promoters.ann, promoters.bob
    with ann.hold(), pytest.raises(LockHeld, match="a promotion is under way"), bob.hold():
        pass
    with bob.hold():
        pass


def test_a_failure_inside_frees_the_lock(promoters: Two) -> None:
    ann, bob = promoters.ann, promoters.bob
    with pytest.raises(RuntimeError), ann.hold():
        raise RuntimeError
    with bob.hold():
        pass


def test_a_fence_lets_its_holder_write_for_as_long_as_he_holds_the_lock(promoters: Two) -> None:
    with promoters.ann.hold() as fence:
        end = monotonic() + 1.5  # longer than the Lease of these cases holds without renewal
        while monotonic() < end:
            fence.check()
            sleep(0.05)


def test_a_fence_whose_lock_was_taken_over_refuses_every_write_from_then_on(promoters: Two) -> None:
    with promoters.ann.hold() as fence:
        fence.check()
        promoters.steal()
        said = until(lambda: refusal(fence.check), bool, 5)
        assert "was lost" in said
        assert "`ratchet reconcile`" in said
        with pytest.raises(LockLost):
            fence.check()


def test_a_lock_that_was_taken_from_its_holder_stays_with_who_has_it_now() -> None:
    api = FakeLeaseApi()
    with LeaseLock(cast("KubernetesApi", api), LEASE, "ann", 0.2, 1).hold() as fence:
        api.take("thief")
        assert "thief holds it" in until(lambda: refusal(fence.check), bool, 5)
    assert api.holder == "thief"


def test_a_fence_refuses_when_the_lease_could_not_be_renewed_and_lets_write_again_once_it_is() -> None:
    api = FakeLeaseApi()
    with LeaseLock(cast("KubernetesApi", api), LEASE, "ann", 0.2, 1).hold() as fence:
        api.away = True
        said = until(lambda: refusal(fence.check), bool, 5)
        assert "could not be renewed for 0.667 s: the API server does not answer" in said
        api.away = False
        until(lambda: refusal(fence.check), lambda said: not said, 5)
    assert api.holder is None


def test_a_holder_that_stood_still_for_longer_than_its_lease_writes_nothing_when_it_goes_on() -> None:
    # no renewal has run yet when it wakes up: the clock alone shows it
    fence = LeaseFence("Lease x", 30, monotonic() - 20.0, lambda: "")
    with pytest.raises(LockLost, match="could not be renewed for 20 s"):
        fence.check()
    LeaseFence("Lease x", 30, monotonic() - 19.0, lambda: "").check()


@pytest.fixture
def other_holder(tmp_path: Path) -> Callable[[], None]:
    """Another process that holds the lock; returns what kills it."""
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"

    def kill() -> None:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()

    return kill


def test_a_dead_holders_lock_is_free(tmp_path: Path, other_holder: Callable[[], None]) -> None:
    lock = PromotionFileLock(tmp_path / "lock", "ann", 0.2)
    with pytest.raises(LockHeld, match="held by another, process"), lock.hold():
        pass
    other_holder()
    with lock.hold():
        pass


def test_a_note_on_the_holder_that_cannot_be_written_or_read_keeps_nobody_from_the_lock(tmp_path: Path) -> None:
    (tmp_path / "lock.holder").mkdir()
    with pair("file", tmp_path) as both:
        ann, bob = both.ann, both.bob
        with ann.hold(), pytest.raises(LockHeld, match="held by somebody else"), bob.hold():
            pass
        with bob.hold():
            pass


def test_a_folder_that_cannot_be_made_is_one_sentence() -> None:
    with pytest.raises(Unavailable, match="cannot be taken"), PromotionFileLock(Path("/proc/none/lock"), "ann", 0.2).hold():
        pass

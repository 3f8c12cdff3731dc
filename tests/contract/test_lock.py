"""The same cases for every lock, and what only a real one can show."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ratchet.core.errors import LockHeld, Unavailable
from ratchet.locks.file import PromotionFileLock
from ratchet.locks.lease import LeaseLock
from ratchet.locks.port import Lock
from tests.support.addresses import only
from tests.support.cluster_objects import CLUSTER, LEASE, fresh_namespace
from tests.support.fakes import FakeLock

_HOLD = """
import sys, time
from pathlib import Path
from ratchet.locks.file import PromotionFileLock
with PromotionFileLock(Path(sys.argv[1]), "another", 1.0).hold():
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def pair(name: str, folder: Path) -> Iterator[tuple[Lock, Lock]]:
    """Two promoters' views of one lock."""
    if name == "fake":
        lock = FakeLock()
        yield lock, lock
    elif name == "lease":
        with fresh_namespace() as objects:
            yield LeaseLock(objects.api(), LEASE, "ann", 0.2, 30), LeaseLock(objects.api(), LEASE, "bob", 0.2, 30)
    else:
        yield PromotionFileLock(folder / "lock", "ann", 0.2), PromotionFileLock(folder / "lock", "bob", 0.2)


@pytest.fixture(params=["fake", "file", *only(CLUSTER, "lease")])
def promoters(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Lock, Lock]]:
    with pair(request.param, tmp_path) as both:
        yield both


def test_one_at_a_time(promoters: tuple[Lock, Lock]) -> None:
    ann, bob = promoters
    with ann.hold(), pytest.raises(LockHeld, match="a promotion is under way"), bob.hold():
        pass
    with bob.hold():
        pass


def test_a_failure_inside_frees_the_lock(promoters: tuple[Lock, Lock]) -> None:
    ann, bob = promoters
    with pytest.raises(RuntimeError), ann.hold():
        raise RuntimeError
    with bob.hold():
        pass


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
    with pair("file", tmp_path) as (ann, bob):
        with ann.hold(), pytest.raises(LockHeld, match="held by somebody else"), bob.hold():
            pass
        with bob.hold():
            pass


def test_a_folder_that_cannot_be_made_is_one_sentence() -> None:
    with pytest.raises(Unavailable, match="cannot be taken"), PromotionFileLock(Path("/proc/none/lock"), "ann", 0.2).hold():
        pass

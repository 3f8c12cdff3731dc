"""The work of a backtest on several cores: a process each, and no more of them than there are cores."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.queues import SimpleQueue
from pathlib import Path as FilePath
from typing import Any

from ratchet.backtest.bench import Bench
from ratchet.backtest.path import Path
from ratchet.core.errors import UserError
from ratchet.core.schema import Snapshot

_QUOTA = FilePath("/sys/fs/cgroup/cpu.max")
_LOOK_SECONDS = 0.2  # between two looks at how far the processes are


@dataclass(slots=True)
class Done:
    """What came of the work: the way of the project's own policy, and what could not be made."""

    own: Path
    notes: list[str] = field(default_factory=list)


def cores(quota: FilePath = _QUOTA) -> int:
    """The cores that this process may use: those that it is bound to, and in a container no more than its limit gives, rounded up.

    Args:
        quota: the container's limit as the kernel has it, `<microseconds or max> <of so many>`; none where there is no such file.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        most, _, period = quota.read_text(encoding="ascii").partition(" ")
        return max(1, min(bound, math.ceil(int(most) / int(period))))
    except (OSError, ValueError):  # no container, or no limit
        return bound


def work(bench: Bench, windows: Sequence[Sequence[Snapshot]], jobs: int, advance: Callable[[int], None]) -> Done:
    """Score the recipes of these windows and replay the project's own policy, by at most `jobs` processes and at most one a core.

    `advance` is called with the number of recipes and replayed snapshots that are done since the last call. The order of the work
    and the number of processes change nothing about its results. Raises UserError when a process was ended from outside.
    """
    jobs = max(1, min(jobs, cores(), len(windows) + 1))
    if jobs > 1:
        return _shared(bench, windows, jobs, advance)
    done = Done(bench.replay(advance))
    for window in windows:
        done.notes += filter(None, [bench.score(window)])
        advance(1)
    return done


def _shared(bench: Bench, windows: Sequence[Sequence[Snapshot]], jobs: int, advance: Callable[[int], None]) -> Done:
    context = multiprocessing.get_context("spawn")  # a forked process would inherit locks of threads that it does not have
    ticks: SimpleQueue[int] = context.SimpleQueue()
    with _environment(_of_a_process(jobs)), ProcessPoolExecutor(jobs, context, _begin, (bench, ticks)) as pool:
        try:
            own = pool.submit(_replay)  # first: it is the longest, and one step of it needs the one before
            recipes = [pool.submit(_score, window) for window in windows]
            _watch([own, *recipes], ticks, advance)
            return Done(own.result(), [note for item in recipes if (note := item.result())])
        except BrokenProcessPool as error:
            message = "a process of the backtest was ended from outside, perhaps for want of memory: fewer --jobs need less of it"
            raise UserError(message) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():  # what they were at is of no use any more
                child.terminate()
            raise


def _watch(futures: Sequence[Future[Any]], ticks: SimpleQueue[int], advance: Callable[[int], None]) -> None:
    """Until all are done. What one of them raises is raised at once."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, _LOOK_SECONDS, FIRST_COMPLETED)
        while not ticks.empty():
            advance(ticks.get())
        for future in done:
            future.result()


def _of_a_process(jobs: int) -> dict[str, str]:
    """The cores are shared; and Python looks for no module of ours in the folder where the command was typed."""
    threads = str(max(1, cores() // jobs))
    return {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PYTHONSAFEPATH": "1"}


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """The processes that are started in the block inherit these variables; this one has its own again afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Here:
    """What a process of the crew works with; set once, when it starts."""

    bench: Bench
    ticks: SimpleQueue[int]


def _begin(bench: Bench, ticks: SimpleQueue[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends its processes
    _Here.bench, _Here.ticks = bench, ticks


def _score(window: Sequence[Snapshot]) -> str:
    note = _Here.bench.score(window)
    _Here.ticks.put(1)
    return note


def _replay() -> Path:
    return _Here.bench.replay(_Here.ticks.put)

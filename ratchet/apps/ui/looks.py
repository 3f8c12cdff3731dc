"""Looking at several stores at once: one that is away costs its own part of the page and a bounded time, never the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

from ratchet.core.errors import RatchetError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What a look has brought: a value, or one sentence on why there is none."""

    value: T | None
    problem: str = ""


class Looks:
    """Looks under way, one a source: who asks meanwhile shares it, so that a slow store is not asked by every visitor anew.

    Args:
        seconds: after which a page goes without; the look itself goes on, and who asks meanwhile shares it.
        most: looks at a time.
    """

    def __init__(self, seconds: float, most: int = 8) -> None:
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="look")
        self._under_way: dict[str, Future[Any]] = {}
        self._lock = Lock()

    def take(self, asked: Mapping[str, Callable[[], Any]]) -> dict[str, Seen[Any]]:
        """Look at all, at once. A defect in a look is raised, what a store says of itself is told."""
        with self._lock:
            looks = {name: self._start(name, look) for name, look in asked.items()}
        wait(looks.values(), timeout=self._seconds)
        with self._lock:
            for name, look in looks.items():
                if look.done() and self._under_way.get(name) is look:
                    del self._under_way[name]  # what it brought is not kept
        return {name: self._seen(name, look) for name, look in looks.items()}

    def forget(self) -> None:
        """Share no look that began before now: something has been changed."""
        with self._lock:
            self._under_way.clear()

    def close(self) -> None:
        """Begin no more looks."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, name: str, look: Callable[[], Any]) -> Future[Any]:
        present = self._under_way.get(name)
        if present is None or present.done():  # one that has ended since nobody waited for it is old by now
            self._under_way[name] = present = self._pool.submit(look)
        return present

    def _seen(self, name: str, look: Future[Any]) -> Seen[Any]:
        if not look.done():
            return Seen(None, f"{name} did not answer within {self._seconds:g} s")
        error = look.exception()
        if isinstance(error, RatchetError):
            return Seen(None, str(error))
        return Seen(look.result())

"""Asking several stores at once: one that is away costs its own part of the page and a bounded time, never the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

from ratchet.core.errors import RatchetError, to_strangers

_STORES = {"requests": "request log", "store": "snapshot store", "serving": "serving address"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a store answered: a value, or one sentence on why there is none."""

    value: T | None
    problem: str = ""


class Queries:
    """Queries under way, one a store: who asks meanwhile shares it, so that a slow store is not asked by every visitor anew.

    Args:
        seconds: after which a page goes without; the query itself goes on, and who asks meanwhile shares it.
        most: queries at a time.
        complain: takes a line on why a store is away; the page's visitors hear that it is.
    """

    def __init__(self, seconds: float, most: int = 8, complain: Callable[[str], None] = lambda _: None) -> None:
        self._seconds, self._complain = seconds, complain
        self._trouble: dict[str, str] = {}
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="query")
        self._under_way: dict[str, Future[Any]] = {}
        self._lock = Lock()

    def ask(self, asked: Mapping[str, Callable[[], Any]]) -> dict[str, Answer[Any]]:
        """Ask all at once. A defect is raised; a store that is away is a problem in its answer."""
        with self._lock:
            queries = {name: self._start(name, query) for name, query in asked.items()}
        wait(queries.values(), timeout=self._seconds)
        with self._lock:
            for name, query in queries.items():
                if query.done() and self._under_way.get(name) is query:
                    del self._under_way[name]  # what it brought is not kept
        return {name: self._answer(name, query) for name, query in queries.items()}

    def forget(self) -> None:
        """Share no query that began before now: something has been changed."""
        with self._lock:
            self._under_way.clear()

    def close(self) -> None:
        """Begin no more queries."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, name: str, query: Callable[[], Any]) -> Future[Any]:
        present = self._under_way.get(name)
        if present is None or present.done():  # one that has ended since nobody waited for it is old by now
            self._under_way[name] = present = self._pool.submit(query)
        return present

    def _answer(self, name: str, query: Future[Any]) -> Answer[Any]:
        if not query.done():
            return Answer(None, f"{name} did not answer within {self._seconds:g} s")
        error = query.exception()
        said = str(error) if isinstance(error, RatchetError) else ""
        if said and said != self._trouble.get(name):
            self._complain(f"[UI] {name}: {said}")
        self._trouble[name] = said
        if isinstance(error, RatchetError):
            return Answer(None, to_strangers(error, _named(name)))
        return Answer(query.result())


def _named(name: str) -> str:
    return name if " " in name or "." in name else f"the {_STORES.get(name, name)}"

"""A client in a loop: what users' requests see while a version is switched."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

_PAUSE = 0.1  # seconds between requests, so that the cores are left for the work


class Traffic:
    """Asks /predict with one body after the other from a thread until the block ends; every other connection is new.

    Args:
        url: the fixed address.
        bodies: of the requests, sent in turn.

    Attributes:
        answers: answers by model version.
        failures: what went wrong, by kind: a status code's or a transport error's name.
    """

    def __init__(self, url: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        self._url, self._bodies = url, bodies
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self.answers: Counter[int] = Counter()
        self.failures: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Start asking."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop asking and wait for the last answer."""
        self._stop.set()
        self._thread.join()

    def _loop(self) -> None:
        number = 0
        with httpx.Client(timeout=10, trust_env=False) as kept:
            while not self._stop.wait(_PAUSE):
                body = self._bodies[number % len(self._bodies)]
                number += 1
                headers = {"Connection": "close"} if number % 2 else {}
                try:
                    answer = kept.post(f"{self._url}/predict", json=body, headers=headers)
                except httpx.TransportError as error:
                    self.failures[type(error).__name__] += 1
                    continue
                if answer.status_code == httpx.codes.OK:
                    self.answers[answer.json()["model_version"]] += 1
                else:
                    self.failures[f"status {answer.status_code}"] += 1

    @property
    def summary(self) -> str:
        """`412 requests, 0 failed; answered by version 1: 300, version 2: 112`."""
        total = self.answers.total() + self.failures.total()
        by = ", ".join(f"version {version}: {count}" for version, count in sorted(self.answers.items()))
        failed = f" ({', '.join(f'{name}: {count}' for name, count in self.failures.items())})" if self.failures else ""
        return f"{total} requests, {self.failures.total()} failed{failed}; answered by {by or 'nobody'}"

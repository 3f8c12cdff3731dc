"""How far a long step is, said every few seconds."""

from __future__ import annotations

from collections.abc import Callable

EVERY = 5.0  # seconds
STEPS = 3


class Pace:
    """Says the step that begins, and in it how many rows are done.

    Args:
        say: takes a line.
        clock: seconds.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._say, self._clock = say, clock
        self._began = self._said = clock()
        self._number, self._start = 0, 0
        self._total: int | None = None

    def step(self, number: int, what: str, total: int | None, start: int = 0) -> None:
        """Begin one of STEPS; `total` rows are to be done, of which `start` were before."""
        self._number, self._total, self._start = number, total, start
        self._began = self._said = self._clock()
        taken_up = f", {start:,} rows are there from a run before" if start else ""
        self._say(f"[SCORE] step {number} of {STEPS}: {what}{taken_up}")

    def at(self, rows: int) -> None:
        """So many are done."""
        now = self._clock()
        if now - self._said < EVERY:
            return
        self._said = now
        rate = (rows - self._start) / max(now - self._began, 1e-9)
        of, left = "", ""
        if self._total:
            of = f" of {self._total:,}"
            left = f", {(self._total - rows) / rate:,.0f} s left" if rate else ""
        self._say(f"[SCORE] step {self._number} of {STEPS}: {rows:,}{of} rows, {rate:,.0f} a second{left}")

"""Cells played on all cores; what comes out depends on the seed alone, not on how many cores there were."""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Protocol

import numpy as np

from benchmarks.decisions.rates import Rate

SEED = 20240131
_ROWS_PER_CHUNK = 1_000_000


class Tally:
    """Hits and draws by rule."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.draws: Counter[str] = Counter()

    def add(self, rule: str, *, hit: bool) -> None:
        """One draw of one rule."""
        self.hits[rule] += hit
        self.draws[rule] += 1

    def update(self, other: Tally) -> None:
        """The draws of another chunk of the same cell."""
        self.hits.update(other.hits)
        self.draws.update(other.draws)

    def rates(self) -> dict[str, Rate]:
        """Each rule's rate."""
        return {rule: Rate(self.hits[rule], draws) for rule, draws in self.draws.items()}


class Cell(Protocol):
    """One place of a grid: a frozen dataclass whose repr names it."""

    @property
    def draws(self) -> int:
        """How many independent draws are asked for."""

    @property
    def rows_per_draw(self) -> int:
        """What a draw costs, in rows."""

    def play(self, rng: np.random.Generator, numbers: range) -> Tally:
        """Play the draws with these numbers."""


def chunks(cell: Cell) -> list[range]:
    """The numbers of the cell's draws in parts of about equal work."""
    size = max(1, _ROWS_PER_CHUNK // cell.rows_per_draw)
    return [range(start, min(start + size, cell.draws)) for start in range(0, cell.draws, size)]


def play(cell: Cell, numbers: range) -> Tally:
    """One chunk; its chance depends on the cell and its place in it."""
    seed = [SEED, zlib.crc32(repr(cell).encode()), numbers.start]
    return cell.play(np.random.default_rng(seed), numbers)


def play_all(cells: Sequence[Cell]) -> list[dict[str, Rate]]:
    """The rates of each cell, in order."""
    jobs = [(index, cell, numbers) for index, cell in enumerate(cells) for numbers in chunks(cell)]
    jobs.sort(key=lambda job: -job[1].rows_per_draw)  # the longest first, or one core waits for them in the end
    tallies = [Tally() for _ in cells]
    cores = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        played = pool.map(play, [job[1] for job in jobs], [job[2] for job in jobs])
        for (index, _, _), tally in zip(jobs, played, strict=True):
            tallies[index].update(tally)
    return [tally.rates() for tally in tallies]

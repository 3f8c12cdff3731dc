"""Histories played on all cores; what comes out depends on the seed alone."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

from benchmarks.years.months import History, draw
from benchmarks.years.ours import Served
from benchmarks.years.policies import POLICIES
from benchmarks.years.worlds import MONTHS, TURN_AT, WORLDS
from ratchet.core.seen import Move

SEED = 20240131
LAGS = (0, 1, 2, 3)  # months that labels come after their features
SHORT = 29  # looks, as in the figure that was to be beaten


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one policy in one history. Tuples are by lag; a month serves what was decided on the labels that it had."""

    mean: tuple[float, ...]  # true AUC over the months
    worst: tuple[float, ...]  # month
    promotions: int
    in_short: int  # of them among the first 29 looks
    taken_back: int
    harmful: int  # promotions of what is truly worse the month after than what it replaced
    replaced: bool  # a promotion on the first labels of the turn


def outcome(history: History, served: Served) -> Outcome:
    """Judge by the truth."""
    months = range(1, MONTHS + 1)
    by_lag = [[history.true(served.models[max(0, month - 1 - lag)], month) for month in months] for lag in LAGS]
    made = [(month, model) for month, move, model in served.moves if move is not Move.TAKE_BACK]
    after = [(served.models[month - 1], model, month + 1) for month, model in made if month < MONTHS]
    return Outcome(
        tuple(float(np.mean(lag)) for lag in by_lag),
        tuple(min(lag) for lag in by_lag),
        len(made),
        sum(month <= SHORT for month, _ in made),
        len(served.moves) - len(made),
        sum(history.true(new, month) < history.true(old, month) for old, new, month in after),
        any(month == TURN_AT for month, _ in made),
    )


def _play(world: int, number: int) -> dict[str, Outcome]:
    seed = [SEED, zlib.crc32(WORLDS[world].name.encode()), number]
    history = draw(WORLDS[world], np.random.default_rng(seed))
    return {name: outcome(history, policy(history)) for name, policy in POLICIES.items()}


def play_all(runs: Mapping[str, int]) -> Iterator[tuple[str, list[dict[str, Outcome]]]]:
    """Each world's name and its runs' outcomes by policy."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # of the processes started below: matrices of nine columns gain nothing by threads
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("spawn")) as pool:
        jobs = {
            world.name: [pool.submit(_play, place, number) for number in range(runs[world.name])]
            for place, world in enumerate(WORLDS)
        }
        for name, waiting in jobs.items():
            yield name, [job.result() for job in waiting]

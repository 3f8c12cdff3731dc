"""What drift must see, and what it must leave alone, on columns that are not a well-behaved number of middling size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ratchet.core.policy import DriftPolicy
from ratchet.core.schema import DType, Feature
from ratchet.drift.profile import Profile, profile
from ratchet.drift.verdict import drift

POLICY = DriftPolicy()
Rng = np.random.Generator
Draw = Callable[[Rng, int, float], NDArray[np.float64]]

REFERENCE_ROWS, ROWS = 7_000, 7_000


def numbers(values: NDArray[Any], dtype: DType = DType.FLOAT) -> Profile:
    return profile([Feature("x", dtype)], {"x": values.astype(np.float64)})


def codes(values: NDArray[np.int64]) -> Profile:
    return profile([Feature("x", DType.CATEGORY)], {"x": np.array([f"c{value}" for value in values], dtype=object)})


def alarms(draw: Callable[[Rng, int, bool], Profile], *, moved: bool, draws: int, rows: int = ROWS) -> int:
    rng, before = np.random.default_rng(16), False
    return sum(drift(draw(rng, REFERENCE_ROWS, before), draw(rng, rows, moved), POLICY).decision.passed for _ in range(draws))


def heavy_tailed(rng: Rng, rows: int) -> NDArray[np.float64]:
    values = rng.normal(0, 1, rows)
    return np.where(rng.random(rows) < 0.005, values * 1e4, values)


# Each a column and half of its (bulk's) standard deviation.
COLUMNS: dict[str, tuple[Draw, float]] = {
    "coordinates": (lambda rng, rows, by: rng.uniform(52.37, 52.52, rows) + by, 0.5 * 0.15 / 12**0.5),
    "seconds since 1970": (lambda rng, rows, by: np.floor(rng.uniform(1.70e9, 1.7026e9, rows) + by), 0.5 * 2.6e6 / 12**0.5),
    "ids around a billion": (lambda rng, rows, by: np.floor(rng.uniform(1e9, 1e9 + 10_000, rows) + by), 0.5 * 10_000 / 12**0.5),
    "coordinates, some left at zero": (
        lambda rng, rows, by: np.where(rng.random(rows) < 0.05, 0.0, rng.uniform(52.37, 52.52, rows) + by),
        0.5 * 0.15 / 12**0.5,
    ),
    "small numbers": (lambda rng, rows, by: rng.normal(3e-6, 1e-6, rows) + by, 0.5e-6),
    "a few enormous outliers": (lambda rng, rows, by: heavy_tailed(rng, rows) + by, 0.5),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_half_a_standard_deviation_is_seen_in_every_kind_of_column(name: str) -> None:
    draw, by = COLUMNS[name]
    assert alarms(lambda rng, rows, moved: numbers(draw(rng, rows, by if moved else 0.0)), moved=True, draws=10) == 10


@pytest.mark.parametrize("name", COLUMNS)
def test_a_quiet_month_is_quiet_in_every_kind_of_column(name: str) -> None:
    draw, _ = COLUMNS[name]
    assert alarms(lambda rng, rows, _: numbers(draw(rng, rows, 0.0)), moved=False, draws=30) == 0


def few_failures(rng: Rng, rows: int, share: float) -> NDArray[np.float64]:
    """Most rows 0, `share` of them one failed payment or more, one of them in a while a great many."""
    return np.where(rng.random(rows) < share, 1.0 + np.floor(rng.exponential(1.0, rows)), 0.0)


RATES: dict[str, Callable[[Rng, int, float], Profile]] = {
    "a flag": lambda rng, rows, share: numbers(rng.random(rows) < share, DType.BOOL),
    "a number that is 0 or 1": lambda rng, rows, share: numbers(rng.random(rows) < share, DType.INT),
    "a count, mostly 0": lambda rng, rows, share: numbers(few_failures(rng, rows, share), DType.INT),
    "an amount, mostly 0": lambda rng, rows, share: numbers(
        np.where(rng.random(rows) < share, rng.lognormal(3, 2.5, rows), 0.0), DType.FLOAT
    ),
    "a category": lambda rng, rows, share: codes((rng.random(rows) < share).astype(np.int64)),
}


@pytest.mark.parametrize("rows", [1_400, 7_000])
@pytest.mark.parametrize("name", RATES)
def test_a_rate_that_triples_from_2_percent_is_seen(name: str, rows: int) -> None:
    draw = RATES[name]
    found = alarms(lambda rng, count, moved: draw(rng, count, 0.06 if moved else 0.02), moved=True, draws=40, rows=rows)
    assert found >= 38


@pytest.mark.parametrize("name", RATES)
def test_a_rate_that_stays_is_quiet(name: str) -> None:
    draw = RATES[name]
    assert alarms(lambda rng, rows, _: draw(rng, rows, 0.02), moved=False, draws=60, rows=700) <= 2


@pytest.mark.parametrize("rows", [1_000, 7_000])
def test_five_thousand_codes_that_are_replaced_are_seen(rows: int) -> None:
    def draw(rng: Rng, count: int, moved: bool) -> Profile:
        return codes(rng.integers(0, 5_000, count) + (5_000 if moved else 0))

    assert alarms(draw, moved=True, draws=10, rows=rows) == 10
    assert alarms(draw, moved=False, draws=20, rows=rows) == 0


@pytest.mark.parametrize("values", [10**3, 10**6])
def test_codes_that_hardly_ever_come_twice_are_quiet(values: int) -> None:
    def draw(rng: Rng, count: int, _: bool) -> Profile:
        return codes(np.floor(values * rng.random(count) ** 3).astype(np.int64))

    assert alarms(draw, moved=False, draws=20, rows=1_000) == 0

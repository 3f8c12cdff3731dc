"""The statistics of drift agree with SciPy's."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from scipy.spatial import distance

from ratchet.drift.holm import holm
from ratchet.drift.tests.category import chi_squared, jensen_shannon
from ratchet.drift.tests.number import kolmogorov_smirnov, wasserstein

# No cell is expected below 1, so none is pooled and SciPy sees the same table.
COUNTS = hnp.arrays(np.int64, (2, 6), elements=st.integers(200, 10_000))


@given(COUNTS)
def test_distances_and_p_values_of_counts_are_scipys(counts: np.ndarray) -> None:
    reference, current = counts
    values = np.array([-7.0, -1.5, 0.0, 2.0, 3.0, 40.0])
    a, b = np.repeat(values, reference), np.repeat(values, current)
    assert jensen_shannon(reference, current) == pytest.approx(distance.jensenshannon(reference, current), abs=1e-7)
    assert chi_squared(reference, current) == pytest.approx(
        stats.chi2_contingency(counts, correction=False).pvalue, rel=1e-8, abs=1e-300
    )
    expected = stats.wasserstein_distance(values, values, reference, current) / max(float(np.std(a)), 0.001)
    assert wasserstein(values, reference, current) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    gap = stats.ks_2samp(a, b, method="asymp").statistic
    n, m = len(a), len(b)
    assert kolmogorov_smirnov(reference, current) == pytest.approx(
        stats.kstwobign.sf(gap * math.sqrt(n * m / (n + m))), rel=1e-7, abs=1e-300
    )


def test_a_table_without_freedom_proves_nothing() -> None:
    assert chi_squared(np.array([5]), np.array([9])) == 1.0
    assert chi_squared(np.array([5, 0]), np.array([9, 0])) == 1.0
    assert chi_squared(np.array([10**9, 0]), np.array([0, 10**9])) == 0.0


def test_equal_shares_of_different_totals_are_no_distance_at_all() -> None:
    values, reference, current = np.array([1.0, 2.0, 9.0]), np.array([3, 1, 6]), np.array([21, 7, 42])
    assert wasserstein(values, reference, current) == 0.0
    assert kolmogorov_smirnov(reference, current) == 1.0


@pytest.mark.parametrize("values", [[-1.7e308, 1.7e308], [5e-324, 1e-323], [0.0, 1.7e308], [7.0, 7.5]])
def test_the_wasserstein_distance_is_finite_for_every_float(values: list[float]) -> None:
    points = np.array(values)
    for reference, current in (([1, 0], [0, 1]), ([2, 3], [3, 2])):
        effect = wasserstein(points, np.array(reference), np.array(current))
        assert 0 <= effect <= sys.float_info.max


def test_counts_of_billions_do_not_overflow() -> None:
    reference, current = np.array([4_000_000_000, 5_000_000_000]), np.array([5_000_000_000, 4_000_000_000])
    assert wasserstein(np.array([0.0, 1.0]), reference, current) == pytest.approx(1 / 9 / math.sqrt(20 / 81))
    assert kolmogorov_smirnov(reference, current) == 0.0


def test_a_long_tail_of_rare_categories_fakes_no_difference() -> None:
    rng = np.random.default_rng(5)
    tail = 3_000
    hits = 0
    for _ in range(200):
        reference = np.bincount(rng.integers(0, tail, 2_000), minlength=tail)
        current = np.bincount(rng.integers(0, tail, 500), minlength=tail)
        hits += chi_squared(reference, current) < 0.01
    assert hits <= 4


def test_a_category_that_nobody_had_is_found() -> None:
    assert chi_squared(np.array([4000, 3000, 0]), np.array([270, 200, 30])) < 1e-30


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_only_raises_p_values_and_keeps_their_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    pairs = sorted(zip(p_values, corrected, strict=True))
    assert all(p <= c <= 1 for p, c in pairs)
    assert [c for _, c in pairs] == sorted(corrected)


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])

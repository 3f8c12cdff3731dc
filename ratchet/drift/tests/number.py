"""Values of int and float: the Wasserstein distance in standard deviations, with the p-value of Kolmogorov and Smirnov.

The plain distance is Evidently's, and two things hide a change from it: a few enormous values, which make the standard
deviation enormous, and numbers that are small themselves beside its floor of 0.001 under the deviation. A second distance
stands beside it: over values cut off at the reference's outermost tenths (winsorised: Tukey 1962, Ann. Math. Stat. 33:1), over
the spread that is left, with a floor relative to the values' size. The plain one is judged where it reaches the threshold, else
the second. Of a normal column the two are alike within a few percent.

Kolmogorov and Smirnov see little where most rows share a value. Where values are few or one prevails, chi-squared stands beside
them (the p-value is twice the smaller one: Bonferroni), and the ratio of a value's shares beside the distances (rate.py).

The distances are ours, over counts whose points are sorted already: `scipy.stats.wasserstein_distance` sorts them again (41 ms for
50,000 points, here 2) and overflows where values span float64, and `ks_2samp` wants the rows themselves.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from scipy.special import kolmogorov

from ratchet.core.schema import DType
from ratchet.drift.bins import Floats, Ints
from ratchet.drift.histogram import FeatureProfile
from ratchet.drift.tests import rate
from ratchet.drift.tests.category import chi_squared, either
from ratchet.drift.tests.port import Comparison, DriftTest, Further

WINSORISED = "winsorised"

_MIN_STD = 0.001  # Evidently's floor under the reference's standard deviation
_TAILS = (0.1, 0.01, 0.0)  # of the reference's rows, cut off on either side: the first that leaves more than one value
_MIN_RELATIVE_STD = 1e-9  # of the largest magnitude: ids around a billion may differ by ones, and noise of rounding is below it
_EXACT = 2**62  # products of counts below this fit int64


def wasserstein(values: Floats, reference: Ints, current: Ints) -> float:
    """First Wasserstein distance over the reference's standard deviation, as Evidently's `wasserstein` has it.

    Args:
        values: the points of shape (k,), strictly increasing.
        reference: counts of shape (k,) at these points; neither sums to 0.
        current: counts of shape (k,).

    Returns:
        W1 / max(std, 0.001), finite: a quotient beyond float64 is its largest number.
    """
    points, scale = _scaled(values)
    return _over_spread(points, reference, current, _MIN_STD / scale)


def winsorised(values: Floats, reference: Ints, current: Ints) -> float:
    """The same over values cut off at the reference's outermost tenths, over the spread that is then left.

    Where nine tenths share a value a hundredth is cut off, or nothing. The floor under the spread is 1e-9 of the largest
    magnitude that is left.

    Args:
        values: the points of shape (k,), strictly increasing.
        reference: counts of shape (k,) at these points; neither sums to 0.
        current: counts of shape (k,).
    """
    upto, rows = np.cumsum(reference), int(reference.sum())
    for tail in _TAILS:
        low, high = (float(values[np.searchsorted(upto, share * rows)]) for share in (tail, 1 - tail))
        if low < high:
            break
    points, _ = _scaled(np.clip(values, low, high) if low < high else values)
    return _over_spread(points, reference, current, _MIN_RELATIVE_STD)


def _scaled(values: Floats) -> tuple[Floats, float]:
    """Values in units of the largest magnitude, and that: nothing overflows, whatever the column holds."""
    scale = float(np.abs(values).max()) or 1.0
    return values / scale, scale


def _over_spread(points: Floats, reference: Ints, current: Ints, floor: float) -> float:
    """First Wasserstein distance over the reference's standard deviation, which is taken for at least `floor`."""
    shares = reference / reference.sum()
    # Sums of products and not `@`: for so few numbers BLAS would start its threads, which costs milliseconds on a busy machine.
    std = math.sqrt(float((shares * np.square(points - (shares * points).sum())).sum()))
    distance = float((_gaps(reference, current)[:-1] * np.diff(points)).sum())
    return min(distance / max(std, floor), sys.float_info.max)


def kolmogorov_smirnov(reference: Ints, current: Ints) -> float:
    """p-value of the two-sample Kolmogorov-Smirnov test from counts over common, ordered points (asymptotic distribution).

    Ties (points with more than one observation) only make it larger, so it errs to the quiet side.
    """
    n, m = int(reference.sum()), int(current.sum())
    return float(kolmogorov(float(_gaps(reference, current).max()) * math.sqrt(n * m / (n + m))))


def _gaps(reference: Ints, current: Ints) -> Floats:
    """Distance between the two cumulative distributions at each point; exactly 0 where they meet."""
    n, m = int(reference.sum()), int(current.sum())
    if n * m < _EXACT:
        return np.asarray(np.abs(np.cumsum(reference) * m - np.cumsum(current) * n) / (n * m))
    return np.asarray(np.abs(np.cumsum(reference) / n - np.cumsum(current) / m))


def _compare(reference: FeatureProfile, current: FeatureProfile) -> Comparison | None:
    if not reference.dtype.is_number or reference.dtype is DType.BOOL:
        return None
    if not (reference.present and current.present):
        return Comparison(reference.present, current.present, None, None)
    values, before, after = reference.aligned(current)
    further = {WINSORISED: winsorised(values, before, after)}
    p = kolmogorov_smirnov(before, after)
    rates = rate.rate_of_numbers(before, after)
    if rates is not None:
        further[rate.MEASURE] = rates[0]
        p = either(p, chi_squared(*rates[1:]))
    return Comparison(reference.present, current.present, wasserstein(values, before, after), p, further)


TEST = DriftTest(
    "value",
    "wasserstein",
    "Wasserstein / std",
    lambda policy: policy.number_effect,
    _compare,
    {WINSORISED: Further("Winsorised Wasserstein / std", lambda policy: policy.number_effect), **rate.FURTHER},
)

"""Values of int and float: the Wasserstein distance in standard deviations, with the p-value of Kolmogorov and Smirnov.

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
from ratchet.drift.tests.port import Comparison, DriftTest

_MIN_STD = 0.001  # Evidently's floor under the reference's standard deviation
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
    # In units of the largest magnitude nothing overflows, whatever the column holds.
    scale = float(np.abs(values).max()) or 1.0
    points = values / scale
    shares = reference / reference.sum()
    # Sums of products and not `@`: for so few numbers BLAS would start its threads, which costs milliseconds on a busy machine.
    std = math.sqrt(float((shares * np.square(points - (shares * points).sum())).sum()))
    distance = float((_gaps(reference, current)[:-1] * np.diff(points)).sum())
    return min(distance / max(std, _MIN_STD / scale), sys.float_info.max)


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
    if reference.dtype not in {DType.INT, DType.FLOAT}:
        return None
    if not (reference.present and current.present):
        return Comparison(reference.present, current.present, None, None)
    values, before, after = reference.aligned(current)
    effect = wasserstein(values, before, after)
    return Comparison(reference.present, current.present, effect, kolmogorov_smirnov(before, after))


TEST = DriftTest("value", "wasserstein", "Wasserstein / std", lambda policy: policy.number_effect, _compare)

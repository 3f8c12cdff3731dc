"""Distances and tests between two counted samples, with the standard library and numpy alone; tests compare each with SciPy."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ratchet.drift.bins import Floats, Ints

_MIN_STD = 0.001  # Evidently's floor under the reference's standard deviation
_EXACT = 2**62  # products of counts below this fit int64


def jensen_shannon(reference: Ints, current: Ints) -> float:
    """Jensen-Shannon distance with natural logarithm, as `scipy.spatial.distance.jensenshannon` and Evidently have it.

    Args:
        reference: counts of shape (k,) over the same categories as `current`; neither sums to 0.
        current: counts of shape (k,).

    Returns:
        From 0 (same shares) to sqrt(ln 2) = 0.833 (no category in common).
    """
    p, q = reference / reference.sum(), current / current.sum()
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return math.sqrt(max(0.0, divergence))


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
    return kolmogorov_sf(float(_gaps(reference, current).max()) * math.sqrt(n * m / (n + m)))


def chi_squared(reference: Ints, current: Ints) -> float:
    """p-value of the chi-squared test of homogeneity on the 2 x k table of counts.

    Cells expected below 1 in either sample are pooled into one: chi-squared holds down to expectations of about 1
    (Larntz 1978, JASA 73:253), and a long tail of rare categories would otherwise fake a difference. One cell alone gives 1.
    """
    table = np.stack([reference, current]).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    sizes, total = table.sum(axis=1, keepdims=True), table.sum()
    rare = table.sum(axis=0) * sizes.min() / total < 1
    if rare.any():
        table = np.concatenate([table[:, ~rare], table[:, rare].sum(axis=1, keepdims=True)], axis=1)
    expected = sizes * table.sum(axis=0, keepdims=True) / total
    return chi2_sf(float((np.square(table - expected) / expected).sum()), table.shape[1] - 1)


def chi2_sf(x: float, df: int) -> float:
    """P(X > x) for X chi-squared with `df` degrees of freedom; 1 when there is none.

    The regularised incomplete gamma function Q(df/2, x/2), which for a whole `df` is a finite sum of positive terms
    (Abramowitz & Stegun 26.4.4 and 26.4.5), so nothing cancels and far tails keep their digits.
    """
    if df <= 0 or x <= 0:
        return 1.0
    half, odd = x / 2, df % 2
    log_half = math.log(half)
    powers = (i + odd / 2 for i in range(df // 2))
    tail = math.erfc(math.sqrt(half)) if odd else 0.0
    return min(1.0, tail + math.fsum(math.exp(k * log_half - half - math.lgamma(k + 1)) for k in powers))


def kolmogorov_sf(x: float) -> float:
    """P(K > x) for Kolmogorov's limit distribution, by whichever of its two series converges at once."""
    if x <= 0:
        return 1.0
    if x < 1:
        series = math.fsum(math.exp(-(((2 * k - 1) * math.pi / x) ** 2) / 8) for k in range(1, 5))
        return min(1.0, max(0.0, 1 - math.sqrt(2 * math.pi) / x * series))
    return min(1.0, 2 * math.fsum((-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 8)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Holm 1979, Scand. J. Stat. 6:65).

    Calling only `corrected < alpha` keeps the chance of any false alarm among them all below alpha.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, p_values[index] * (len(order) - rank)))
        corrected[index] = largest
    return corrected


def _gaps(reference: Ints, current: Ints) -> Floats:
    """Distance between the two cumulative distributions at each point; exactly 0 where they meet."""
    n, m = int(reference.sum()), int(current.sum())
    if n * m < _EXACT:
        return np.asarray(np.abs(np.cumsum(reference) * m - np.cumsum(current) * n) / (n * m))
    return np.asarray(np.abs(np.cumsum(reference) / n - np.cumsum(current) / m))


def _relative_entropy(p: Floats, q: Floats) -> float:
    held: NDArray[np.bool_] = p > 0
    return float((p[held] * np.log(p[held] / q[held])).sum())

"""The area under the ROC curve, and the interval of the difference of two on the same rows (DeLong)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int8]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its two-sided confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Paired:
    """Two models' AUCs on the same rows and the interval of `candidate - champion`."""

    candidate: float
    champion: float
    delta: Interval


def _midranks(values: Scores) -> NDArray[np.float64]:
    """Ranks from 1 of n values; ties share the mean of their ranks. Shape (n,)."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    ends = np.append(starts[1:], len(ordered))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return ranks


def _placements(labels: Labels, scores: Scores) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """AUC, and each positive's and each negative's placement value (Sun and Xu 2014, equation 7).

    The mean of either placement array is the AUC.
    """
    positive = labels == 1
    wins, losses = scores[positive], scores[~positive]
    m, n = len(wins), len(losses)
    ranks = _midranks(np.concatenate((wins, losses)))
    above = (ranks[:m] - _midranks(wins)) / n
    below = 1 - (ranks[m:] - _midranks(losses)) / m
    return float(above.mean()), above, below


def auc(labels: Labels, scores: Scores) -> float:
    """AUC of n scores; NaN when a class is missing."""
    if not 0 < int(labels.sum()) < len(labels):
        return math.nan
    return _placements(labels, scores)[0]


def _interval(value: float, variance: float, confidence: float) -> Interval:
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(max(variance, 0.0))
    return Interval(value, value - half, value + half)


def _variance(above: NDArray[np.float64], below: NDArray[np.float64]) -> float:
    return float(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below))


def auc_interval(labels: Labels, scores: Scores, confidence: float) -> Interval:
    """DeLong interval of one AUC, cut to 0 and 1; NaN bounds when a class has fewer than two rows."""
    if not 1 < int(labels.sum()) < len(labels) - 1:
        return Interval(auc(labels, scores), math.nan, math.nan)
    value, above, below = _placements(labels, scores)
    interval = _interval(value, _variance(above, below), confidence)
    return Interval(value, max(0.0, interval.low), min(1.0, interval.high))


def compare(labels: Labels, candidate: Scores, champion: Scores, confidence: float) -> Paired:
    """Paired comparison of two score vectors on the same n rows, in O(n log n).

    The variance of the difference is that of the differences of placement values, which holds the covariance of the two
    models (DeLong, DeLong and Clarke-Pearson 1988, in the rank form of Sun and Xu 2014). NaN when a class has
    fewer than two rows.
    """
    if not 1 < int(labels.sum()) < len(labels) - 1:
        unknown = Interval(math.nan, math.nan, math.nan)
        return Paired(auc(labels, candidate), auc(labels, champion), unknown)
    first, first_above, first_below = _placements(labels, candidate)
    second, second_above, second_below = _placements(labels, champion)
    variance = _variance(first_above - second_above, first_below - second_below)
    return Paired(first, second, _interval(first - second, variance, confidence))


def brier(labels: Labels, scores: Scores) -> float:
    """Mean squared difference of probability and label, 0 (best) to 1."""
    return float(np.mean((scores - labels) ** 2)) if len(labels) else math.nan

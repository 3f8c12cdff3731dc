"""Arithmetic of figures that come month by month. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from ratchet.core.estimate import Estimate

_USUAL_GAIN = 0.02  # the width of the mixture: gains about this large are found soonest


def spread_of(figures: Sequence[Estimate]) -> float:
    """The standard deviation of the months themselves, beyond what their standard errors explain; 0 where none is seen.

    The moment estimate of DerSimonian and Laird (1986, Controlled Clinical Trials 7:177).
    """
    if len(figures) < 2:  # noqa: PLR2004 - one month has no spread
        return 0.0
    values, weights = np.array([item.value for item in figures]), np.array([item.se**-2.0 for item in figures])
    mean = float(weights @ values / weights.sum())
    excess = float(weights @ (values - mean) ** 2) - (len(figures) - 1)
    return math.sqrt(max(0.0, excess / float(weights.sum() - weights @ weights / weights.sum())))


def mean_of(figures: Sequence[Estimate], spread: float) -> Estimate:
    """The mean of months, each weighed by its own error and the spread of months."""
    weights = [1 / (item.se**2 + spread**2) for item in figures]
    value = sum(weight * item.value for weight, item in zip(weights, figures, strict=True)) / sum(weights)
    return Estimate(value, sum(weights) ** -0.5)


def mixture_width(precision: float, alpha: float) -> float:
    """How far below the estimate the lower end lies: where the mixture's likelihood ratio against it reaches 1 / alpha."""
    normal, wide = NormalDist(), 1 + _USUAL_GAIN**2 * precision
    low, high = 0.0, 1.0
    for _ in range(40):
        width = (low + high) / 2
        score = width * precision * _USUAL_GAIN / math.sqrt(wide)
        ratio = math.log(2 * max(normal.cdf(score), 0.5)) - 0.5 * math.log(wide) + score**2 / 2
        low, high = (width, high) if ratio < -math.log(alpha) else (low, width)
    return high

"""How true the probabilities are beside the base rate: a Brier margin that fits one label in four says nothing of one in 50."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.decision import number
from ratchet.core.estimate import Clusters, Estimate, Interval, Scores
from ratchet.core.measurement import Limit
from ratchet.core.policy import GatePolicy
from ratchet.tasks.binary.auc import Labels
from ratchet.tasks.binary.clusters import mean_variance

OBSERVED, SCALED = "observed over expected", "scaled Brier score's increase"


def observed_over_expected(labels: Labels, scores: Scores, confidence: float, clusters: Clusters | None = None) -> Interval:
    """The positives over the sum of the probabilities: 1 when they are true on the whole, 2 when they promise half of what comes.

    The interval is that of a ratio of two means, on the logarithm's scale (Debray et al., BMJ 2017, with the residuals' variance in
    place of the label's). NaN without a positive row; infinite when nothing was expected and something came.
    """
    observed, expected = float(np.mean(labels)) if len(labels) else 0.0, float(np.mean(scores)) if len(scores) else 0.0
    if observed <= 0:
        return Interval(math.nan, math.nan, math.nan)
    if expected <= 0:
        return Interval(math.inf, math.inf, math.inf)
    ratio = observed / expected
    spread = Estimate(math.log(ratio), math.sqrt(mean_variance(labels - ratio * scores, clusters)) / observed).interval(confidence)
    return Interval(ratio, math.exp(spread.low), math.exp(spread.high))


def scaled_increase(labels: Labels, first: Scores, second: Scores, confidence: float, clusters: Clusters | None = None) -> Interval:
    """By how much the first's Brier score is above the second's, over p(1 - p), the score of who always says the base rate p.

    It is the loss of Brier skill score. NaN when a class is missing.
    """
    rate = float(np.mean(labels)) if len(labels) else 0.0
    scale = rate * (1 - rate)
    if scale <= 0:
        return Interval(math.nan, math.nan, math.nan)
    gaps = (first - labels) ** 2 - (second - labels) ** 2
    middle = float(gaps.mean())
    return Estimate(middle / scale, math.sqrt(mean_variance(gaps - middle, clusters)) / scale).interval(confidence)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is asked of the candidate's probabilities on n rows, or some of them; `second` are the champion's where there is one."""

    policy: GatePolicy
    labels: Labels
    first: Scores
    second: Scores | None
    clusters: Clusters | None = None

    def limits(self, confidence: float, rows: NDArray[np.signedinteger[Any]] | slice = slice(None)) -> tuple[Limit, ...]:
        """Observed over expected; and beside a champion the scaled Brier score's increase."""
        labels, first = self.labels[rows], self.first[rows]
        second = None if self.second is None else self.second[rows]
        clusters = None if self.clusters is None else self.clusters[rows]
        most, ratio = 1 + self.policy.calibration_margin, observed_over_expected(labels, first, confidence, clusters)
        theirs = math.nan if second is None else observed_over_expected(labels, second, confidence, clusters).value
        near = _off(ratio.value) <= _off(theirs) + math.log(most)  # where the base rate moved, no version may be true
        excuse = f"the champion's is {number(theirs)}" if near else ""
        calibrated = Limit(OBSERVED, ratio, 1 / most, most, 1.0, excuse)
        if second is None:
            return (calibrated,)
        increase = scaled_increase(labels, first, second, confidence, clusters)
        return calibrated, Limit(SCALED, increase, -math.inf, self.policy.skill_margin, 0.0)


def _off(ratio: float) -> float:
    return abs(math.log(ratio)) if ratio > 0 else math.nan

"""How true the probabilities are beside the base rate: a Brier margin that fits one label in four says nothing of one in 50."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ratchet.core.decision import number
from ratchet.core.estimate import Clusters, Estimate, Interval, Scores
from ratchet.core.measurement import Limit
from ratchet.core.policy import GatePolicy
from ratchet.tasks.binary.clusters import mean_variance
from ratchet.tasks.binary.ranking import Labels

Reals = NDArray[np.float64]

OBSERVED, SCALED = "observed over expected", "scaled Brier score's increase"


def observed_over_expected(labels: Reals, scores: Scores, confidence: float, clusters: Clusters | None = None) -> Interval:
    """The positives over the sum of the probabilities: 1 when they are true on the whole, 2 when they promise half of what comes.

    The interval is that of a ratio of two means, on the logarithm's scale (Debray et al., BMJ 2017, with the residuals' variance in
    place of the label's). NaN without a positive row; infinite when nothing was expected and something came.
    """
    ratio = _ratio(labels, scores)
    if not math.isfinite(ratio):
        return Interval(ratio, ratio, ratio)
    error = math.sqrt(mean_variance(labels - ratio * scores, clusters)) / float(labels.mean())
    spread = Estimate(math.log(ratio), error).interval(confidence)
    return Interval(ratio, math.exp(spread.low), math.exp(spread.high))


def _ratio(labels: Reals, scores: Scores) -> float:
    observed, expected = (float(part.sum()) for part in (labels, scores))
    if observed <= 0:
        return math.nan
    return observed / expected if expected > 0 else math.inf


def gaps(labels: Reals, first: Scores, second: Scores) -> Reals:
    """By how much the first's squared error is above the second's, a row: (f - y)^2 - (s - y)^2."""
    found: Reals = first + second
    found -= 2 * labels
    found *= first - second
    return found


def scaled_increase(labels: Reals, more: Reals, confidence: float, clusters: Clusters | None = None) -> Interval:
    """By how much one Brier score is above another, over p(1 - p), the score of who always says the base rate p.

    It is the loss of Brier skill score. NaN when a class is missing. `more` are the rows' `gaps`.
    """
    rate = float(labels.mean()) if len(labels) else 0.0
    scale = rate * (1 - rate)
    if scale <= 0:
        return Interval(math.nan, math.nan, math.nan)
    middle = float(more.mean())
    return Estimate(middle / scale, math.sqrt(mean_variance(more - middle, clusters)) / scale).interval(confidence)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is asked of the candidate's probabilities on n rows, or some of them; the champion's are None where there is none."""

    policy: GatePolicy
    labels: Reals
    first: Scores
    second: Scores | None
    gaps: Reals | None
    clusters: Clusters | None

    @classmethod
    def of(cls, policy: GatePolicy, labels: Labels, first: Scores, second: Scores | None, clusters: Clusters | None = None) -> Self:
        """What all groups share is worked out once."""
        truth = labels.astype(np.float64)
        return cls(policy, truth, first, second, None if second is None else gaps(truth, first, second), clusters)

    def limits(self, confidence: float, rows: NDArray[np.signedinteger[Any]] | slice = slice(None)) -> tuple[Limit, ...]:
        """Observed over expected; and beside a champion the scaled Brier score's increase."""
        labels, most = self.labels[rows], 1 + self.policy.calibration_margin
        clusters = None if self.clusters is None else self.clusters[rows]
        ratio = observed_over_expected(labels, self.first[rows], confidence, clusters)
        if self.second is None or self.gaps is None:
            return (Limit(OBSERVED, ratio, 1 / most, most, 1.0),)
        theirs = _ratio(labels, self.second[rows])
        near = _off(ratio.value) <= _off(theirs) + math.log(most)  # where the base rate moved, no version may be true
        excuse = f"the champion's is {number(theirs)}" if near else ""
        increase = scaled_increase(labels, self.gaps[rows], confidence, clusters)
        return (
            Limit(OBSERVED, ratio, 1 / most, most, 1.0, excuse),
            Limit(SCALED, increase, -math.inf, self.policy.skill_margin, 0.0),
        )


def _off(ratio: float) -> float:
    return abs(math.log(ratio)) if ratio > 0 else math.nan

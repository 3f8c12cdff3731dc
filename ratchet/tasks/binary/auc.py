"""The area under the ROC curve, and the interval of the difference of two on the same rows (DeLong)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Clusters, Estimate, Interval, Paired, Scores
from ratchet.tasks.binary.clusters import auc_variance

Labels = NDArray[np.int8]  # 0 or 1
Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A model's scores of s of n rows, increasing, and these rows' positions among the n; both of shape (s,).

    A comparison spends its time on sorting. It is done once a model: a group's rows taken out of a sorted order stay sorted.
    """

    rows: Positions
    scores: Scores

    @classmethod
    def of(cls, scores: Scores) -> Self:
        """All n rows of n scores."""
        rows = np.argsort(scores)
        return cls(rows, scores[rows])

    def split(self, groups: NDArray[np.signedinteger[Any]], sizes: NDArray[np.int64]) -> list[Self]:
        """The rows of each group: `groups` of shape (n,) has each row's from 0, `sizes` how many rows each has. In O(s)."""
        together = np.argsort(groups[self.rows], kind="stable")
        return [type(self)(self.rows[part], self.scores[part]) for part in np.split(together, np.cumsum(sizes)[:-1])]


def _ranked(scores: Scores | Ranked) -> Ranked:
    return scores if isinstance(scores, Ranked) else Ranked.of(scores)


def _placements(ones: NDArray[np.bool_], ordered: Scores) -> tuple[float, NDArray[np.float64]]:
    """AUC, and each row's placement value (Sun and Xu 2014, equation 7), shape (s,).

    A positive's is the share of the negatives below it, a negative's the share of the positives above it; ties count half.

    Args:
        ones: which rows are positive, in increasing order of their scores; both classes are there.
        ordered: the scores in that order.
    """
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))  # of the rows that share a score
    lengths = np.diff(starts, append=len(ordered))
    ones_below = np.concatenate(([0], np.cumsum(ones)))[np.append(starts, len(ones))]
    ones_here = np.diff(ones_below)
    positives, negatives = int(ones_below[-1]), len(ones) - int(ones_below[-1])
    # Twice the midranks: whole numbers, so that the AUC is exact whatever the order of summing.
    losses = 2 * (starts - ones_below[:-1]) + lengths - ones_here
    wins = 2 * ones_below[:-1] + ones_here
    value = int(ones_here @ losses) / (2 * positives * negatives)
    above, below = losses / (2 * negatives), 1 - wins / (2 * positives)
    if len(starts) < len(ones):
        above, below = np.repeat(above, lengths), np.repeat(below, lengths)
    return value, np.where(ones, above, below)


def auc(labels: Labels, scores: Scores | Ranked) -> float:
    """AUC of n scores; NaN when a class is missing."""
    ranked = _ranked(scores)
    ones = labels[ranked.rows] == 1
    if not 0 < int(ones.sum()) < len(ones):
        return math.nan
    return _placements(ones, ranked.scores)[0]


def _variance(ones: NDArray[np.bool_], placements: NDArray[np.float64], clusters: Clusters | None) -> float:
    if clusters is not None:
        return auc_variance(ones, placements, clusters)
    above, below = placements[ones], placements[~ones]
    return float(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below))


def auc_estimate(labels: Labels, scores: Scores | Ranked, clusters: Clusters | None = None) -> Estimate:
    """AUC of n scores with DeLong's standard error, NaN when a class has fewer than two rows (or clusters)."""
    ranked = _ranked(scores)
    ones = labels[ranked.rows] == 1
    if not 1 < int(ones.sum()) < len(ones) - 1:
        return Estimate(auc(labels, ranked), math.nan)
    value, placements = _placements(ones, ranked.scores)
    return Estimate(value, _root(_variance(ones, placements, _at(clusters, ranked))))


def _root(variance: float) -> float:
    """The standard error; rounding may leave a variance of zero a hair below it, and NaN stays NaN."""
    return math.sqrt(0.0 if variance < 0 else variance)


def _at(clusters: Clusters | None, ranked: Ranked) -> Clusters | None:
    return None if clusters is None else clusters[ranked.rows]


def auc_interval(labels: Labels, scores: Scores | Ranked, confidence: float, clusters: Clusters | None = None) -> Interval:
    """DeLong interval of one AUC, cut to 0 and 1; NaN bounds where it has no standard error."""
    found = auc_estimate(labels, scores, clusters).interval(confidence)
    if math.isnan(found.low):
        return found
    return Interval(found.value, max(0.0, found.low), min(1.0, found.high))


def difference(labels: Labels, first: Scores | Ranked, second: Scores | Ranked, clusters: Clusters | None = None) -> Estimate:
    """By how much the first AUC is above the second on the same rows, with its standard error; see `compare`."""
    return _difference(labels, _ranked(first), _ranked(second), clusters)[2]


def compare(
    labels: Labels, candidate: Scores | Ranked, champion: Scores | Ranked, confidence: float, clusters: Clusters | None = None
) -> Paired:
    """Paired comparison of two models on the same rows, in O(n log n), and in O(n) when they are ranked already.

    The variance of the difference is that of the differences of placement values, which holds the covariance of the two
    models (DeLong, DeLong and Clarke-Pearson 1988, in the rank form of Sun and Xu 2014). NaN when a class has
    fewer than two rows.

    Args:
        labels: n labels, 0 or 1.
        candidate: n scores, or those of a group, ranked.
        champion: the same of the other model, over the same rows.
        confidence: of the interval, two-sided.
        clusters: of all n rows, where they hang together.
    """
    first, second, delta = _difference(labels, _ranked(candidate), _ranked(champion), clusters)
    return Paired(first, second, delta.interval(confidence))


def _difference(labels: Labels, first: Ranked, second: Ranked, clusters: Clusters | None) -> tuple[float, float, Estimate]:
    """Both AUCs and their difference."""
    ones, others = labels[first.rows] == 1, labels[second.rows] == 1
    if not 1 < int(ones.sum()) < len(ones) - 1:
        return auc(labels, first), auc(labels, second), Estimate(math.nan, math.nan)
    first_auc, first_placements = _placements(ones, first.scores)
    second_auc, second_placements = _placements(others, second.scores)
    by_row = np.empty(len(labels))
    by_row[second.rows] = second_placements
    variance = _variance(ones, first_placements - by_row[first.rows], _at(clusters, first))
    return first_auc, second_auc, Estimate(first_auc - second_auc, _root(variance))

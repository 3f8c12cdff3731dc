"""The area under the ROC curve, and the interval of the difference of two on the same rows (DeLong)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Clusters, Estimate, Interval, Paired, Scores
from ratchet.tasks.binary.clusters import auc_variance
from ratchet.tasks.binary.ranking import Bools, Counts, Labels, Positions, Ranked, members

Reals = NDArray[np.float64]


def _ranked(labels: Labels, scores: Scores | Ranked) -> Ranked:
    return scores if isinstance(scores, Ranked) else Ranked.of(labels, scores)


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """What the positives beat, and what the negatives do: twice a count of rows, as `beaten` has it."""

    positives: Counts
    negatives: Counts

    @classmethod
    def of(cls, ones: Bools, beaten: Counts) -> Self:
        return cls(beaten[ones], beaten[~ones])

    @property
    def auc(self) -> float:
        """NaN when a class is missing."""
        pairs = len(self.positives) * len(self.negatives)
        return int(self.positives.sum(dtype=np.int64)) / (2 * pairs) if pairs else math.nan

    @property
    def told(self) -> bool:
        """Whether both classes have the two rows that a variance needs."""
        return min(len(self.positives), len(self.negatives)) > 1

    @property
    def placements(self) -> tuple[Reals, Reals]:
        """The placement values of the positives, and of the negatives (Sun and Xu 2014, equation 7); both classes are there.

        A positive's is the share of the negatives below it, a negative's the share of the positives above it; ties count half.
        """
        return self.positives / (2 * len(self.negatives)), 1 - self.negatives / (2 * len(self.positives))


def _variance(ones: Bools, above: Reals, below: Reals, clusters: Clusters | None) -> float:
    """Of an AUC, or of the difference of two: of placement values, or their differences."""
    if clusters is not None:
        return auc_variance(ones, above, below, clusters)
    return float(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below))


def _root(variance: float) -> float:
    """The standard error; rounding may leave a variance of zero a hair below it, and NaN stays NaN."""
    return math.sqrt(0.0 if variance < 0 else variance)


def auc(labels: Labels, scores: Scores | Ranked) -> float:
    """AUC of n scores; NaN when a class is missing."""
    ranked = _ranked(labels, scores)
    return _Sides.of(ranked.ones, ranked.beaten).auc


def auc_estimate(labels: Labels, scores: Scores | Ranked, clusters: Clusters | None = None) -> Estimate:
    """AUC of n scores with DeLong's standard error, NaN when a class has fewer than two rows (or clusters)."""
    ranked = _ranked(labels, scores)
    sides = _Sides.of(ranked.ones, ranked.beaten)
    if not sides.told:
        return Estimate(sides.auc, math.nan)
    at = None if clusters is None else clusters[ranked.rows]
    return Estimate(sides.auc, _root(_variance(ranked.ones, *sides.placements, at)))


def auc_interval(labels: Labels, scores: Scores | Ranked, confidence: float, clusters: Clusters | None = None) -> Interval:
    """DeLong interval of one AUC, cut to 0 and 1; NaN bounds where it has no standard error."""
    found = auc_estimate(labels, scores, clusters).interval(confidence)
    if math.isnan(found.low):
        return found
    return Interval(found.value, max(0.0, found.low), min(1.0, found.high))


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two models' scores of the same n rows, ranked; `across` says where the rows of the first's order stand in the second's."""

    first: Ranked
    second: Ranked
    across: Positions

    @classmethod
    def of(cls, labels: Labels, first: Scores | Ranked, second: Scores | Ranked) -> Self:
        """Of n labels and scores."""
        one, other = _ranked(labels, first), _ranked(labels, second)
        places = np.empty_like(other.rows)
        places[other.rows] = np.arange(len(places))
        return cls(one, other, places[one.rows])

    def difference(self, clusters: Clusters | None) -> tuple[float, float, Estimate]:
        """Both AUCs, and by how much the first is above the second."""
        return _difference(self.first.ones, self.first.beaten, self.second.beaten[self.across], self._at(clusters))

    def compare(self, confidence: float, clusters: Clusters | None = None) -> Paired:
        """The comparison on all rows; see `compare`."""
        return _paired(self.difference(clusters), confidence)

    def within(self, groups: Counts, count: int, confidence: float, clusters: Clusters | None = None) -> Iterator[Paired]:
        """The comparison within each of `count` groups: `groups` of shape (n,) has each row's, from 0, and -1 for none."""
        places = members(groups[self.first.rows], count)
        beaten = self.first.within(places)
        theirs = self.second.within(members(groups[self.second.rows], count))[self.across]
        numbers = self._at(clusters)
        for at in places:
            here = None if numbers is None else numbers[at]
            yield _paired(_difference(self.first.ones[at], beaten[at], theirs[at], here), confidence)

    def _at(self, clusters: Clusters | None) -> Clusters | None:
        return None if clusters is None else clusters[self.first.rows]


def difference(labels: Labels, first: Scores | Ranked, second: Scores | Ranked, clusters: Clusters | None = None) -> Estimate:
    """By how much the first AUC is above the second on the same rows, with its standard error; see `compare`."""
    return Pair.of(labels, first, second).difference(clusters)[2]


def compare(
    labels: Labels, candidate: Scores | Ranked, champion: Scores | Ranked, confidence: float, clusters: Clusters | None = None
) -> Paired:
    """Paired comparison of two models on the same rows, in O(n log n), and in O(n) when they are ranked already.

    The variance of the difference is that of the differences of placement values, which holds the covariance of the two
    models (DeLong, DeLong and Clarke-Pearson 1988, in the rank form of Sun and Xu 2014). NaN when a class has
    fewer than two rows.

    Args:
        labels: n labels, 0 or 1.
        candidate: n scores, or the same ranked.
        champion: the same of the other model.
        confidence: of the interval, two-sided.
        clusters: of the n rows, where they hang together.
    """
    return Pair.of(labels, candidate, champion).compare(confidence, clusters)


def _paired(found: tuple[float, float, Estimate], confidence: float) -> Paired:
    return Paired(found[0], found[1], found[2].interval(confidence))


def _difference(ones: Bools, first: Counts, second: Counts, clusters: Clusters | None) -> tuple[float, float, Estimate]:
    """Of what each row beats by either model, the rows in one order; the standard error is NaN below two rows of a class."""
    mine, theirs = _Sides.of(ones, first), _Sides.of(ones, second)
    if not mine.told:
        return mine.auc, theirs.auc, Estimate(math.nan, math.nan)
    apart = [one - other for one, other in zip(mine.placements, theirs.placements, strict=True)]
    return mine.auc, theirs.auc, Estimate(mine.auc - theirs.auc, _root(_variance(ones, apart[0], apart[1], clusters)))

"""ROC and calibration curves of scores on the holdout, thinned to what a figure can show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Scores
from ratchet.tasks.binary.ranking import Labels

_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Bin:
    """One quantile bin of a calibration curve: the mean score against the observed share of positives.

    `low` and `high` are the share's 95 % interval (Wilson 1927).
    """

    rows: int
    predicted: float
    observed: float
    low: float
    high: float


def roc(labels: Labels, scores: Scores, limit: int = 200) -> NDArray[np.float64]:
    """The ROC curve of n rows as at most `limit` points (false positive rate, true positive rate), shape (k, 2).

    Equal scores make one point. A longer curve is thinned at even steps of its length (both rates only grow), so a dropped
    point is never farther than 2 / (limit - 1) from a kept one. Empty when a class is missing.
    """
    positives = int(labels.sum())
    if not 0 < positives < len(labels):
        return np.empty((0, 2))
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    hits = np.cumsum(labels[order] == 1)[ends]
    rates = np.column_stack(((ends + 1 - hits) / (len(labels) - positives), hits / positives))
    curve = np.vstack(([0.0, 0.0], rates))
    if len(curve) <= limit:
        return curve
    length = curve.mean(axis=1)
    return curve[np.unique(np.searchsorted(length, np.linspace(0, 1, limit)))]


def calibration(labels: Labels, scores: Scores, bins: int = 10) -> list[Bin]:
    """Reliability of n scores in up to `bins` quantile bins, lowest scores first; fewer where scores are tied."""
    if not len(labels):
        return []
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1]))
    index = np.searchsorted(edges, scores, side="right")
    rows = np.bincount(index)
    sums, hits = np.bincount(index, weights=scores), np.bincount(index, weights=labels)
    return [_bin(int(n), float(total), float(ones)) for n, total, ones in zip(rows, sums, hits, strict=True) if n]


def _bin(rows: int, total: float, ones: float) -> Bin:
    share, spread = ones / rows, _Z**2 / rows
    centre = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / rows + spread / (4 * rows)) / (1 + spread)
    return Bin(rows, total / rows, share, max(0.0, centre - half), min(1.0, centre + half))

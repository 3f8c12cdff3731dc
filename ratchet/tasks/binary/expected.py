"""The AUC that probabilities promise before their labels have come."""

from __future__ import annotations

import math

import numpy as np

from ratchet.core.estimate import Estimate, Scores


def expected_auc(scores: Scores) -> Estimate:
    """The AUC of n probabilities if each is true, with the standard error that it would have on n labels.

    Each row counts as a positive by its probability and as a negative by the rest (confidence-based performance estimation, CBPE,
    as NannyML has it for the AUC: expected true and false positives at every threshold). The standard error is DeLong's with rows
    weighted likewise: where the AUC on the labels would fall, were the probabilities true. They are those of the training months,
    so the figure sees rows that became harder or easier, and nothing of a label that now depends on the features in another way.

    NaN where the probabilities leave no room for both classes.
    """
    order = np.argsort(scores)
    values = scores[order]
    positive, negative = values, 1 - values
    wanted, other = float(positive.sum()), float(negative.sum())
    pairs = wanted * other - float(positive @ negative)  # a row makes no pair with itself
    if not pairs > 0:
        return Estimate(math.nan, math.nan)
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))  # of the rows that share a score
    lengths = np.diff(starts, append=len(values))

    def beaten(weights: Scores) -> Scores:
        """For each row the weight of the rows below it, ties counting half."""
        below = np.concatenate(([0.0], np.cumsum(weights)))[np.append(starts, len(weights))]
        middle: Scores = (below[:-1] + below[1:]) / 2
        return np.repeat(middle, lengths)

    wins = beaten(negative) - negative / 2  # its own part of the ties is no pair
    value = float(positive @ wins) / pairs
    above, below = beaten(negative) / other, 1 - beaten(positive) / wanted
    variance = float(positive @ (above - value) ** 2) / wanted**2 + float(negative @ (below - value) ** 2) / other**2
    return Estimate(value, math.sqrt(variance))

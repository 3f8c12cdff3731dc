"""The share of rows that have one value, where values are few: how many times it is what it was.

The distances of Wasserstein and Jensen-Shannon weigh a value by its share, so a rate of 2 % that triples is small to them (0.07
of Jensen-Shannon), whatever it means to a business. A ratio sees it. One percent of the rows is added to both sides of the
ratio: it keeps a value that two rows have from counting, and it sets what the least change is that matters: at a ratio of 1.75
from 0 to 0.8 %, from 2 to 4.3 %, from 5 to 9.5 %, from 20 to 36 %.
"""

from __future__ import annotations

import numpy as np

from ratchet.drift.bins import Ints
from ratchet.drift.tests.port import Further

MEASURE = "rate"
FURTHER = {MEASURE: Further("Ratio of a value's share", lambda policy: policy.rate_effect)}

_ADDED = 0.01  # of the rows, to both sides
_FEW = 20  # values that are looked at one by one
_MOST = 0.5  # of the rows: the value that so many have is looked at whatever else there is


def rate(reference: Ints, current: Ints) -> float:
    """The largest ratio of a value's shares, whichever side it is larger on, with one percent added to both.

    Args:
        reference: counts of shape (k,) over the same values as `current`; neither sums to 0.
        current: counts of shape (k,).

    Returns:
        From 1 (same shares) to 101 (a value that all rows have on one side and none on the other).
    """
    p, q = reference / reference.sum() + _ADDED, current / current.sum() + _ADDED
    return float(np.max(np.maximum(p, q) / np.minimum(p, q)))


def rate_of_numbers(reference: Ints, current: Ints) -> tuple[float, Ints, Ints] | None:
    """The rate of ordered counts and the cells that it looks at, for chi-squared; None where values are many and none prevails.

    Of many values only the one that most reference rows have is looked at, and what lies below and above it. Rows that have it not
    are a rate of their own: a few failed payments are failed payments, be they one or three.
    """
    mode = int(np.argmax(reference))
    prevails = reference[mode] >= _MOST * reference.sum()
    if len(reference) > _FEW:
        if not prevails:
            return None
        reference, current = (np.array([side[:mode].sum(), side[mode], side[mode + 1 :].sum()]) for side in (reference, current))
        mode = 1
    found = rate(reference, current)
    if prevails:
        found = max(found, rate(*(np.array([side[mode], side.sum() - side[mode]]) for side in (reference, current))))
    return found, reference, current

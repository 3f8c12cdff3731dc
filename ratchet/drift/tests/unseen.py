"""The share of rows whose category the reference does not know, beyond what chance makes of rare ones.

Chi-squared pools rare categories, so codes of which each has a few rows may all be replaced and look the same to it. Which side
a row is on would be chance in a quiet month: a category of c rows in both months together is then on the current side alone
with a chance of at most (share of the current rows)^c, and the rows of such categories have a known mean and variance
(categories compete for places, so their sum varies no more than if they were independent: Joag-Dev, Proschan 1983, Annals of
Statistics 11:286).
"""

from __future__ import annotations

import math

import numpy as np

from ratchet.drift.bins import Ints
from ratchet.drift.tests.port import Further

MEASURE = "unseen"
FURTHER = {MEASURE: Further("Share of new categories", lambda policy: policy.unseen_effect)}

_RARE = 5.0  # rows that a category of the test is expected to have at most, on the smaller side; chi-squared sees the others


def unseen(reference: Ints, current: Ints) -> tuple[float, float]:
    """Effect and p-value.

    Args:
        reference: counts of shape (k,) over the same categories as `current`; neither sums to 0.
        current: counts of shape (k,).

    Returns:
        The share of current rows in categories without a reference row less the share that chance explains, at least 0, and the
        chance of so many rows in rare categories by accident: at most that of Bernstein's inequality, 1 where none is rare.
    """
    both, rows = reference + current, int(current.sum())
    total = rows + int(reference.sum())
    alone = np.power(rows / total, both.astype(np.float64))
    new = np.where(reference == 0, current, 0)
    effect = max(0.0, float((new - both * alone).sum()) / rows)
    rare = (both > 0) & (both * min(rows, total - rows) <= _RARE * total)
    if not rare.any():
        return effect, 1.0
    beyond = float((new - both * alone)[rare].sum())
    if beyond <= 0:
        return effect, 1.0
    variance = float((np.square(both) * alone * (1 - alone))[rare].sum())
    return effect, math.exp(-(beyond**2) / 2 / (variance + float(both[rare].max()) * beyond / 3))

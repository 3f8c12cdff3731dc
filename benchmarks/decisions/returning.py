"""Two months with the same users in them, whose values hang together from one month to the next."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, pdtr

from benchmarks.decisions.months import PLANS, SHARES_OF_PLANS, Shape, Source, Sources
from ratchet.core.schema import Columns


def two_months(rng: np.random.Generator, reference: int, rows: int, where: Sources, correlation: float) -> tuple[Columns, Columns]:
    """A reference month and a quiet one: a row a user, the first of both months the same users.

    Args:
        rng: draws.
        reference: users of the first month.
        rows: users of the second.
        where: where the values of both come from.
        correlation: of the normal scores of one user's value in both months (a Gaussian copula). Which cells are missing is chance.
    """
    before, after = {}, {}
    for name, source in where.items():
        first = rng.standard_normal(reference)
        lasting = np.concatenate([first[:rows], rng.standard_normal(max(0, rows - reference))])
        second = correlation * lasting + math.sqrt(1 - correlation**2) * rng.standard_normal(rows)
        before[name], after[name] = (_values(rng, scores, source) for scores in (first, second))
    return before, after


def _values(rng: np.random.Generator, scores: NDArray[np.float64], source: Source) -> NDArray[np.float64] | NDArray[np.object_]:
    """Values of the source's distribution at these normal scores."""
    shares = ndtr(scores)
    if source.shape is Shape.PLAN:
        return np.asarray(PLANS[np.searchsorted(np.cumsum(SHARES_OF_PLANS)[:-1], shares)])
    match source.shape:
        case Shape.NORMAL:
            values = scores
        case Shape.SKEWED:
            values = 10.0 * gammaincinv(2.0, shares)
        case Shape.FLAG:
            values = (shares < source.flagged).astype(np.float64)
        case _:
            mean = 2.0 if source.shape is Shape.RARE_EVENTS else 30.0
            values = np.searchsorted(pdtr(np.arange(200), mean), shares).astype(np.float64)
    if source.missing:
        values = np.where(rng.random(len(values)) < source.missing, np.nan, values)
    return values

"""Variances where rows hang together: three rows of one household say less than three rows of three."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Clusters


def auc_variance(ones: NDArray[np.bool_], above: NDArray[np.float64], below: NDArray[np.float64], clusters: Clusters) -> float:
    """The variance of an AUC, or of the difference of two, over clusters of rows; NaN where a class stands in fewer than two.

    Obuchowski (Biometrics 1997): the deviations of the placement values are summed within each cluster before they are squared,
    and a cluster that has rows of both classes adds its covariance. With one row a cluster it is DeLong's variance.

    Args:
        ones: which of n rows are positive.
        above: the placement values of the positive ones, or the differences of two models'.
        below: the same of the others.
        clusters: the rows' clusters, any whole numbers from 0.
    """
    _, numbers = np.unique(clusters, return_inverse=True)
    count = int(numbers.max()) + 1
    sums, sizes, inside = [], [], []
    for side, values in ((ones, above), (~ones, below)):
        inside.append(int((np.bincount(numbers[side], minlength=count) > 0).sum()))
        sizes.append(len(values))
        sums.append(np.bincount(numbers[side], weights=values - values.mean(), minlength=count))
    if min(inside) <= 1:
        return math.nan
    own = sum(n / ((n - 1) * size**2) * float(total @ total) for n, size, total in zip(inside, sizes, sums, strict=True))
    return own + 2 * count / ((count - 1) * sizes[0] * sizes[1]) * float(sums[0] @ sums[1])


def mean_variance(deviations: NDArray[np.float64], clusters: Clusters | None) -> float:
    """The variance of a mean of n values, given their deviations from it; NaN below two rows, or two clusters."""
    rows = len(deviations)
    sums = deviations if clusters is None else np.bincount(np.unique(clusters, return_inverse=True)[1], weights=deviations)
    count = len(sums)
    # Not sums @ sums: BLAS starts its threads for that, and they cost more than the sum where the cores have other work.
    return float(np.square(sums).sum()) * count / ((count - 1) * rows**2) if count > 1 else math.nan

"""Which feature moved an answer, and by how much."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ratchet.core.schema import Columns, FeatureValue, is_missing
from ratchet.estimators.estimator import Scorer
from ratchet.estimators.plain.encoding import category, number


def contributions(
    scorer: Scorer,
    features: Mapping[str, FeatureValue],
    baseline: Mapping[str, FeatureValue],
    *,
    permutations: int = 16,
    seed: int = 0,
) -> dict[str, float]:
    """Shapley values of one row against a baseline row, in the scorer's margin (a classifier's log-odds).

    Features are switched from the baseline's value to the row's, one after the other, and each is given the change that it makes,
    averaged over orders (permutation sampling of Strumbelj & Kononenko, 2014; every order is drawn with its reverse, after
    Mitchell et al., 2022). The sum is exactly the row's margin less the baseline's. A linear model's values are exact, and so are
    all when few features differ, because then every order is tried.

    Args:
        scorer: the model.
        features: the row's raw values; a key that is missing, None and NaN are missing values.
        baseline: the row to compare with, for example the bundle's typical row.
        permutations: orders to draw, without their reverses.
        seed: of the draw.

    Returns:
        The contribution of every feature, in the scorer's order; 0.0 where row and baseline agree.

    Raises:
        DataError: a value is not of its feature's type, or too large for the model.
    """
    columns: Columns = {}
    moved: list[str] = []
    pairs: dict[str, NDArray[np.float64] | NDArray[np.object_]] = {}
    for feature in scorer.features:
        old, new = baseline.get(feature.name), features.get(feature.name)
        if feature.dtype.is_number:
            pair: NDArray[np.float64] | NDArray[np.object_] = np.array([number(feature.name, old), number(feature.name, new)])
        else:
            pair = np.array([category(old), category(new)], dtype=object)
        pairs[feature.name] = pair
        if pair[0] != pair[1] and not (is_missing(pair[0]) and is_missing(pair[1])):
            moved.append(feature.name)
    result = dict.fromkeys(pairs, 0.0)
    if not moved:
        return result
    rank = _orders(len(moved), permutations, seed)
    steps = np.arange(len(moved) + 1)
    shape = (len(rank), len(steps))
    for name, pair in pairs.items():
        switched = steps > rank[:, [moved.index(name)]] if name in moved else np.zeros(shape, dtype=np.bool_)
        columns[name] = pair[switched.astype(np.intp).ravel()]
    change = np.diff(scorer.margins(columns).reshape(shape), axis=1)
    values = np.take_along_axis(change, rank, axis=1).mean(axis=0)
    return result | dict(zip(moved, values.tolist(), strict=True))


def _orders(count: int, permutations: int, seed: int) -> NDArray[np.intp]:
    """At which step each of `count` features is switched, shape (orders, count); every order if they are few enough."""
    if count <= 2 * permutations and math.factorial(count) <= 2 * permutations:
        return np.array(list(itertools.permutations(range(count))), dtype=np.intp)
    drawn = np.random.default_rng(seed).permuted(np.tile(np.arange(count, dtype=np.intp), (permutations, 1)), axis=1)
    return np.concatenate([drawn, count - 1 - drawn])

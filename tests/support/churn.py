"""A small data set of every kind of column, and pipelines fitted on it once a test run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.schema import Columns, DType, Feature
from ratchet.estimators.frames import frame
from ratchet.estimators.plain import hist_gradient_boosting, logistic_regression
from ratchet.estimators.plain.columns import PlainEstimator
from ratchet.estimators.plain.scorer import Scorer
from ratchet.estimators.threads import threads_for

FEATURES = (
    Feature("months", DType.INT),
    Feature("net", DType.CATEGORY),
    Feature("fee", DType.FLOAT),
    Feature("tv", DType.BOOL),
    Feature("city", DType.CATEGORY),
    Feature("never", DType.FLOAT),
)
NETS = ("DSL", "Fiber optic", "No")

ESTIMATORS: dict[str, PlainEstimator] = {
    "logistic_regression": logistic_regression.ESTIMATOR,
    "hist_gradient_boosting": hist_gradient_boosting.ESTIMATOR,
}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "linear": ("logistic_regression", {"C": 1.0}),
    "trees": ("hist_gradient_boosting", {"max_iter": 30, "max_leaf_nodes": 15}),
    "large trees": ("hist_gradient_boosting", {"max_iter": 6, "max_leaf_nodes": 150, "min_samples_leaf": 2}),
    "stumps": ("hist_gradient_boosting", {"max_iter": 5, "max_leaf_nodes": 2}),
}


def churn(rows: int, seed: int) -> tuple[Columns, NDArray[np.int8]]:
    """Columns and labels: more months and TV keep, a high fee and fibre lose; `never` is missing everywhere, cities are many."""
    draw = np.random.default_rng(seed)
    months = draw.integers(0, 72, rows).astype(np.float64)
    fee = draw.gamma(4, 20, rows)
    tv = draw.integers(0, 2, rows).astype(np.float64)
    net = draw.integers(0, 3, rows)
    city = np.minimum(draw.geometric(0.01, rows), 300)
    log_odds = 0.5 - months / 20 + fee / 60 + (net == 1) - tv + (city % 2) * 0.5
    labels = (draw.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    tv[draw.random(rows) < 0.2 + 0.3 * labels] = np.nan
    fee[draw.random(rows) < 0.05] = np.nan
    nets = np.array([NETS[k] for k in net], dtype=object)
    nets[draw.random(rows) < 0.1] = None
    cities = np.array([f"city {k}" for k in city], dtype=object)
    return {"months": months, "net": nets, "fee": fee, "tv": tv, "city": cities, "never": np.full(rows, np.nan)}, labels


@cache
def fitted(name: str) -> Any:
    """The pipeline of that name in MODELS, fitted on 2,000 rows."""
    model, params = MODELS[name]
    columns, labels = churn(2000, seed=1)
    known = [feature for feature in FEATURES if feature.name != "never"]
    with threads_for(len(labels)):
        return ESTIMATORS[model].pipeline(known, params, seed=1).fit(frame(FEATURES, columns), labels)


def scorer(name: str, features: Sequence[Feature] = FEATURES) -> Scorer:
    """The scorer of that pipeline."""
    return ESTIMATORS[MODELS[name][0]].unproven(fitted(name), features)

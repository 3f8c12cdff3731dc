"""Logistic regression: medians for missing numbers, indicators of where they were, and standard scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ratchet.estimators.plain.columns import PlainEstimator
from ratchet.estimators.plain.extraction import Parts, unknown
from ratchet.estimators.plain.linear import Linear


class _LogisticRegression:
    """Implements `columns.Kind`."""

    def unfitted(self, params: Mapping[str, Any], seed: int) -> LogisticRegression:
        """With enough steps to converge on standardised numbers."""
        return LogisticRegression(**{"max_iter": 5000, "random_state": seed, **params})

    def preparation(self) -> Pipeline:
        """Impute, then scale."""
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        return Pipeline([("impute", imputer), ("scale", StandardScaler())])

    def read(self, parts: Parts) -> Linear:
        """The fitted medians, means, scales and weights."""
        if not isinstance(parts.estimator, LogisticRegression):
            raise unknown(parts.estimator)
        medians: list[float] = []
        indicators: list[int] = []
        means: list[float] = []
        scales: list[float] = []
        if parts.numbers:
            steps = [step for _, step in parts.preparation.steps] if isinstance(parts.preparation, Pipeline) else []
            if [type(step) for step in steps] != [SimpleImputer, StandardScaler]:
                raise unknown(parts.preparation)
            imputer, scaler = steps
            medians = imputer.statistics_.tolist()
            indicators = imputer.indicator_.features_.tolist() if imputer.add_indicator else []
            means, scales = scaler.mean_.tolist(), scaler.scale_.tolist()
        return Linear(
            inputs=parts.inputs(len(means)),
            medians=tuple(medians),
            indicators=tuple(indicators),
            means=tuple(means),
            scales=tuple(scales),
            weights=tuple(parts.estimator.coef_[0].tolist()),
            intercept=float(parts.estimator.intercept_[0]),
        )


ESTIMATOR = PlainEstimator(_LogisticRegression())

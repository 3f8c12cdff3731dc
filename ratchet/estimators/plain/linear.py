"""Logistic regression on imputed, standardised numbers and one-hot categories, one row at a time.

Bit-equal to scikit-learn's answer for a one-row frame: the same float64 operations in the same order, the sum by the same BLAS
routine, ddot. (scikit-learn sums a frame of many rows by gemv, in another order: there the last bit may differ, on one machine as
between two whose BLAS picks different kernels. That is why golden rows are compared to 1e-9.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from ratchet.core.errors import DataError
from ratchet.core.schema import FeatureValue, Scored, rows_of
from ratchet.estimators.documents import Spec
from ratchet.estimators.plain.encoding import Inputs, by_spelling, category, number, numbers_of, positions_of


class Linear(Spec):
    """The fitted parameters.

    `medians`, one a number, stand in for missing values; `indicators` are the positions of the numbers with a missing-indicator;
    `means` and `scales` standardise numbers, then indicators; `weights` has one value an encoded column.
    """

    kind: Literal["linear"] = "linear"
    inputs: Inputs
    medians: tuple[float, ...]
    indicators: tuple[int, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    @model_validator(mode="after")
    def _shapes_fit(self) -> Self:
        numbers = len(self.inputs.numbers)
        scaled = numbers + len(self.indicators)
        hot = [c for item in self.inputs.categories for c in (*item.columns.values(), item.otherwise) if c is not None]
        if (len(self.medians), len(self.means), len(self.scales), len(self.weights)) != (
            numbers,
            scaled,
            scaled,
            self.inputs.width,
        ):
            message = "medians, means, scales and weights do not fit the inputs"
            raise ValueError(message)
        if any(not 0 <= position < numbers for position in self.indicators) or any(
            not scaled <= column < self.inputs.width for column in hot
        ):
            message = "an indicator or a category names a column that is not there"
            raise ValueError(message)
        if any(scale <= 0 for scale in self.scales):
            message = "a scale is not positive"
            raise ValueError(message)
        return self

    def scorer(self) -> LinearScorer:
        """What scores rows by it. Raises ValueError when it is malformed."""
        return LinearScorer(self)


class LinearScorer:
    """Log-odds by a fitted `Linear`."""

    def __init__(self, spec: Linear) -> None:
        count = len(spec.inputs.numbers)
        indicator = {position: count + k for k, position in enumerate(spec.indicators)}
        self._numbers = tuple(
            (name, i, spec.means[i], spec.scales[i], (spec.medians[i] - spec.means[i]) / spec.scales[i], indicator.get(i))
            for i, name in enumerate(spec.inputs.numbers)
        )
        self._flag = [(1.0 - mean) / scale for mean, scale in zip(spec.means, spec.scales, strict=True)]
        self._categories = tuple((item.name, by_spelling(item.columns), item.otherwise) for item in spec.inputs.categories)
        self._start = [0.0] * spec.inputs.width
        for column in indicator.values():
            self._start[column] = (0.0 - spec.means[column]) / spec.scales[column]
        self._weights = np.array(spec.weights, dtype=np.float64)
        self._intercept = spec.intercept

    def row(self, features: Mapping[str, FeatureValue]) -> float:
        """The log-odds of one row. Raises DataError when a value does not fit or the model cannot take it."""
        encoded = self._start.copy()
        get = features.get
        for name, i, mean, scale, imputed, indicator in self._numbers:
            value = get(name)
            x = math.nan if value is None else value if type(value) is float else number(name, value)
            if x == x:  # noqa: PLR0124 - NaN test without a call
                encoded[i] = (x - mean) / scale
            else:
                encoded[i] = imputed
                if indicator is not None:
                    encoded[indicator] = self._flag[indicator]
        for name, columns, otherwise in self._categories:
            column = columns.get(category(get(name)), otherwise)
            if column is not None:
                encoded[column] = 1.0
        vector = np.array(encoded)
        total = float(vector.dot(self._weights)) + self._intercept
        if not math.isfinite(total):
            _refuse_overflow(vector, np.array([total]))
        return total

    def batch(self, columns: Scored) -> NDArray[np.float64]:
        """The log-odds of n rows, shape (n,); equal to `row` bit by bit. Raises DataError as `row` does."""
        encoded = np.tile(np.array(self._start), (rows_of(columns), 1))
        with np.errstate(over="ignore"):  # refused below
            for name, i, mean, scale, imputed, indicator in self._numbers:
                values = numbers_of(columns, name)
                missing = np.isnan(values)
                encoded[:, i] = np.where(missing, imputed, (values - mean) / scale)
                if indicator is not None:
                    encoded[missing, indicator] = self._flag[indicator]
            for name, known, otherwise in self._categories:
                default = -1 if otherwise is None else otherwise
                hot = positions_of(columns, name, known, default)
                encoded[np.flatnonzero(hot >= 0), hot[hot >= 0]] = 1.0
        # A stack of (1, width) @ (width, 1) products: numpy takes ddot for each, as for a single row.
        with np.errstate(over="ignore", invalid="ignore"):
            total = np.matmul(encoded[:, np.newaxis, :], self._weights[:, np.newaxis])[:, 0, 0] + self._intercept
        _refuse_overflow(encoded, total)
        return np.asarray(total, dtype=np.float64)


def _refuse_overflow(encoded: NDArray[np.float64], total: NDArray[np.float64]) -> None:
    """Refuse what scikit-learn refuses (an infinite input), and a sum that is no number."""
    if np.isfinite(total).all():
        return
    if np.isnan(total).any() or not np.isfinite(encoded).all():
        raise DataError("a number is too large for the model to score: check the row's values against their ranges")

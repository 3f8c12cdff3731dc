"""How features become the columns that an estimator was fitted on: numbers first, then one column a category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ratchet.core.entity_key import code_of, spellings
from ratchet.core.errors import DataError
from ratchet.core.schema import Coded, Columns, Feature, FeatureValue, Scored, is_missing
from ratchet.estimators.documents import Spec

MISSING = "<missing>"  # the category that stands for an empty cell, in training and in scoring


class CategoryInput(Spec):
    """One categorical feature: the encoded column that each known category switches on.

    `otherwise` is the column of all other categories (the rare ones that the encoder pooled), None when they switch on nothing.
    """

    name: str
    columns: dict[str, int]
    otherwise: int | None


class Inputs(Spec):
    """The encoded columns: `numbers` in order, then (for a linear model) missing-indicators, then the categories' columns."""

    numbers: tuple[str, ...]
    categories: tuple[CategoryInput, ...]
    width: int = Field(ge=1)


def number(name: str, value: object) -> float:
    """A raw value as the float that the model sees; NaN when missing. Raises DataError when it is no number."""
    try:
        return float(value)  # type: ignore[arg-type]  # what float refuses is looked at below
    except (TypeError, ValueError, OverflowError) as error:
        if is_missing(value):
            return np.nan
        message = f"{name} is {value!r}, which is not a number: send a number, true, false or null"
        raise DataError(message) from error


def category(value: object) -> str:
    """A raw value as the category that the model sees."""
    if type(value) is str:  # by far the most frequent case, and the row scorer counts nanoseconds
        return value
    return MISSING if is_missing(value) else str(value)


def by_spelling(columns: Mapping[str, int]) -> dict[str, int]:
    """The encoded column of each known category, and of a code's other spelling where that is no category of its own.

    Releases before ratchet.core.entity_key.code_of kept `3.0` as it was written: a version that knows it is asked for `3` now, and
    the other way round where features were loaded before.
    """
    others = ((other, at) for key, at in columns.items() for other in (code_of(key), *spellings(key)[1:]))
    return {**{other: at for other, at in others if other not in columns}, **columns}


def column_of(columns: Scored, name: str) -> NDArray[Any]:
    """The column of a feature, cell by cell. Raises DataError when it is not there."""
    column = _column_of(columns, name)
    return column.texts() if isinstance(column, Coded) else column


def _column_of(columns: Scored, name: str) -> NDArray[Any] | Coded:
    try:
        return columns[name]
    except KeyError as error:
        message = f"feature {name} is not among the columns {', '.join(sorted(columns)) or '(none)'}"
        raise DataError(message) from error


def numbers_of(columns: Scored, name: str) -> NDArray[np.float64]:
    """The column of a numeric feature: float64 of shape (n,), NaN for missing."""
    return np.asarray(column_of(columns, name), dtype=np.float64)


def categories_of(columns: Scored, name: str) -> list[str]:
    """The cells of a categorical feature, missing ones as MISSING."""
    return [category(value) for value in column_of(columns, name)]


def positions_of(columns: Scored, name: str, known: Mapping[str, int], others: int) -> NDArray[np.intp]:
    """What `known` says of each cell of a categorical feature, `others` where it has none, shape (n,).

    Of a column of codes each value is looked up once.
    """
    column = _column_of(columns, name)
    if not isinstance(column, Coded):
        return np.array([known.get(cell, others) for cell in categories_of(columns, name)], dtype=np.intp)
    values = (*map(category, column.values), MISSING)  # the last is what the code -1 names
    found: NDArray[np.intp] = np.array([known.get(value, others) for value in values], dtype=np.intp)[column.codes]
    return found


def row_of(features: Sequence[Feature], columns: Columns, position: int) -> dict[str, FeatureValue]:
    """One row as raw values: float or str, None for missing."""
    row: dict[str, FeatureValue] = {}
    for feature in features:
        value = column_of(columns, feature.name)[position]
        row[feature.name] = None if is_missing(value) else float(value) if feature.dtype.is_number else str(value)
    return row

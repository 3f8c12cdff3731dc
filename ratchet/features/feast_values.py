"""Feast's cells as core knows features."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ratchet.core.entity_key import codes_respelled
from ratchet.core.schema import Feature, FeatureValue, column


def stored_column(feature: Feature, cells: pa.Array, declared: Mapping[str, Collection[str]]) -> NDArray[Any]:
    """As `column_of`, of a snapshot's own column."""
    if feature.dtype.is_number:
        return column(feature, pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    return column_of(feature, pd.Series(cells.to_numpy(zero_copy_only=False), dtype=object), declared.get(feature.name, ()))


def column_of(feature: Feature, cells: pd.Series, declared: Collection[str] = ()) -> NDArray[Any]:
    """A column of a training set, shape (n,); codes in one spelling, whatever release stored them, or in the `declared` one."""
    if not feature.dtype.is_number and (changed := codes_respelled(map(str, cells.dropna().unique()), declared)):
        cells = cells.map(lambda cell: changed.get(cell, cell))
    if feature.dtype.is_number and cells.dtype == object:  # bools with nulls: True, False and None
        return column(feature, cells.astype("boolean").astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))
    return column(feature, cells.to_numpy())


def value_of(value: Any) -> FeatureValue:
    """A protobuf Value of Feast: numbers and bools are floats, one that is not set is None."""
    kind = value.WhichOneof("val")
    if kind is None:
        return None
    return str(value.string_val) if kind == "string_val" else float(getattr(value, kind))


def date_of(moment: datetime | None) -> date | None:
    """The date of an event timestamp, which is UTC where it has no zone; PostgreSQL gives it in the zone of its session."""
    if moment is None:
        return None
    return (moment if moment.tzinfo is None or moment.tzinfo is UTC else moment.astimezone(UTC)).date()

"""What one column of unknown data may be: a feature with its type and bounds, or something to leave out, and why."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ratchet.core.schema import DType
from ratchet.sources import cells

MAX_CATEGORIES = 30
NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
_DATE = r"^\d{4}-\d{2}-\d{2}([T ].*)?$"
_STEPS = (1.0, 2.0, 5.0, 10.0)


class Left(Exception):  # noqa: N818 - not an error: the reason why a column is left out
    """The column is not taken; the text says why."""


def guess_column(name: str, column: pa.ChunkedArray) -> dict[str, Any]:
    """A column's entry for ratchet.yaml: name, dtype, nullable with a bound, range or categories.

    Args:
        name: of the column.
        column: its cells as read, text when they come from a CSV.

    Raises Left when it cannot be a feature.
    """
    if not NAME.match(name):
        raise Left("the name is not letters, digits and underscores")
    for dtype in (DType.BOOL, DType.INT, DType.FLOAT):
        read = cells.typed(column, dtype)
        if read.faults:
            continue
        if read.values.null_count == len(read.values):
            raise Left("it has no values")
        if pc.count_distinct(read.values).as_py() == 1 and dtype is not DType.BOOL:
            reason = f"every value is {read.values.drop_null()[0].as_py():g}"
            raise Left(reason)
        entry: dict[str, Any] = {"name": name, "dtype": dtype.value, **_nulls(read.values)}
        if dtype is not DType.BOOL:
            entry["range"] = _range(read.values, dtype)
        return entry
    return _category(name, column)


def is_label(column: pa.ChunkedArray) -> bool:
    """Whether a column reads as true and false (or 1 and 0) and has both."""
    read = cells.typed(column, DType.BOOL)
    return not read.faults and pc.count_distinct(read.values).as_py() == 2  # noqa: PLR2004 - true and false


def _category(name: str, column: pa.ChunkedArray) -> dict[str, Any]:
    read = cells.typed(column, DType.CATEGORY)
    if read.faults:
        reason = f"{column.type} is no type of a feature: derive a number from it"
        raise Left(reason)
    distinct = sorted(pc.unique(read.values.drop_null()).to_pylist())
    if len(distinct) == 1:
        reason = f"every value is {distinct[0]!r}"
        raise Left(reason)
    if pc.all(pc.match_substring_regex(read.values.drop_null(), _DATE)).as_py():
        raise Left("dates: derive a number from them, such as days since")
    if len(distinct) > MAX_CATEGORIES:
        reason = f"free text or an id: {len(distinct):,} different values"
        raise Left(reason)
    return {"name": name, "dtype": DType.CATEGORY.value, **_nulls(read.values), "categories": distinct}


def _nulls(values: pa.Array) -> dict[str, Any]:
    """Nullable when there are nulls, up to twice the share that was seen."""
    if not values.null_count:
        return {}
    share = values.null_count / len(values)
    return {"nullable": True, "max_null_share": min(1.0, math.ceil(share * 2 * 20) / 20)}


def _range(values: pa.Array, dtype: DType) -> list[float]:
    """The bounds that were seen, with the width again on either side as room; zero stays the lowest where nothing is below it."""
    low, high = (float(bound) for bound in pc.min_max(values).as_py().values())
    room = max(high - low, 1.0)
    padded = [0.0 if low >= 0 else -_round_up(room - low), _round_up(high + room) if high > 0 else 0.0]
    return [int(bound) for bound in padded] if dtype is DType.INT or np.all(np.mod(padded, 1) == 0) else padded


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    scale = 10.0 ** math.floor(math.log10(value))
    return next(step * scale for step in _STEPS if step * scale >= value * (1 - 1e-12))

"""A chunk of the population as one of the project's tables: under its headers, dates as dates, labels in the project's words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ratchet.core.schema import DType
from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.sources.generator.synthetic import Chunk
from ratchet.sources.which_tables import columns_of, key_of

_ARROW = {DType.INT: pa.int64(), DType.FLOAT: pa.float64(), DType.BOOL: pa.bool_(), DType.CATEGORY: pa.string()}
_WEEK = 7
_EPOCH_WEEKDAY = 3  # 1970 began on a Thursday


def table_of(project: Project, table: str, chunk: Chunk, as_of: date | None, *, labels: bool = True) -> pa.Table:
    """One row a user.

    Args:
        project: says which columns.
        table: one of its tables.
        chunk: the users' cells.
        as_of: the snapshot's date, where a column is a date.
        labels: whether the label's column is written, where it stands in this table.
    """
    rows = len(chunk.labels)
    users = pa.array([f"U{number:07d}" for number in range(chunk.start + 1, chunk.start + rows + 1)])
    columns = {key_of(project, table): users}
    if table == project.label.table and labels:
        columns[project.label.column] = _labels(chunk.labels, project.label.positive)
    own = columns_of(project, table)
    for column in own:
        alike = [other for other in own if other.header == column.header]
        if column.dtype is DType.DATE and as_of is not None:
            columns.setdefault(column.header, _dates(alike, chunk, as_of))
        else:
            cells = pa.array(chunk.values[column.name], _ARROW[column.dtype], mask=chunk.nulls.get(column.name))
            columns.setdefault(column.header, cells)
    return pa.table(columns)


def _labels(labels: NDArray[np.bool_], positive: str | None) -> pa.Array:
    if positive is None:
        return pa.array(labels)
    other = "Yes" if positive.strip().lower() == "no" else "No"
    return pa.array([positive if label else other for label in labels.tolist()])


def _dates(columns: Sequence[Column], chunk: Chunk, as_of: date) -> pa.Array:
    """Dates of which the columns are parts; one that is counted in days says it alone."""
    parts = {column.of_date: chunk.values[column.name] for column in columns if column.dtype is DType.DATE}
    last = np.datetime64(as_of, "D")
    if "days" in parts:
        days: Any = last - parts["days"].astype("timedelta64[D]")
    else:
        months = parts.get("month", np.full(len(chunk.labels), as_of.month))
        days = (np.datetime64(f"{as_of.year - 1}-01") + (months - 1).astype("timedelta64[M]")).astype("datetime64[D]")
        if "weekday" in parts:
            days = days + (parts["weekday"] - days.astype(np.int64) - _EPOCH_WEEKDAY) % _WEEK
    return pa.array(days, pa.date32(), mask=chunk.nulls.get(columns[0].name))

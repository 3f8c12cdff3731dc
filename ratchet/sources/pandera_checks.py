"""Pandera schemas generated from ratchet.yaml, and their findings as Problems.

The tables come with typed columns (ratchet/sources/cells.py); what is asked here is about values: null where none may be, too
many nulls, out of range, an unknown category, a key twice.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from ratchet.core.schema import DType
from ratchet.project.columns import Column
from ratchet.sources.cells import Mask
from ratchet.sources.problems import SAMPLES, Lesson, Problem, clipped, counted, tallied

PANDAS: dict[DType, str] = {
    DType.INT: "Int64",
    DType.DATE: "Int64",
    DType.FLOAT: "float64",
    DType.BOOL: "boolean",
    DType.CATEGORY: "object",
}
_PHRASES = {
    "not_nullable": ("value is null where the project allows none", "values are null where the project allows none"),
    "field_uniqueness": ("row repeats a key", "rows repeat a key"),
}


def schema_of(entity: str, columns: Sequence[Column], *, optional: bool = False) -> Any:
    """The Pandera schema of one table: the entity key, and the columns that the project reads from it.

    A column of an optional table may be empty, wholly too: it would be where the table were missing.
    """
    content = {column.name: _column(column, optional=optional) for column in columns}
    content[entity] = pa.Column("object", unique=True, nullable=False, report_duplicates="exclude_first")
    return pa.DataFrameSchema(content, strict=False)


def problems_of(
    table: str,
    frame: pd.DataFrame,
    entity: str,
    columns: Sequence[Column],
    faulty: Mapping[str, Mask],
    tolerated: Collection[str] = (),
    *,
    optional: bool = False,
    written: Mapping[str, Any] = MappingProxyType({}),
) -> list[Problem]:
    """Validate a typed table.

    Args:
        table: its name.
        frame: entity key (object, None where empty) and typed columns, with a RangeIndex.
        entity: the key column's name.
        columns: what the project says of the table's columns.
        faulty: of columns with cells of a wrong type, the mask of those cells: they are null here, which is no second finding.
        tolerated: columns whose faulty cells count as missing, and against the share of those.
        optional: whether the table may be missing.
        written: of columns whose values are not what a file has, the cells as they were read (Arrow's chunked arrays).

    Returns:
        One Problem a column and check, with the number of rows and three of their keys.
    """
    try:
        with warnings.catch_warnings():
            # pandera 0.35 joins the findings of its checks by a concat that pandas 2.3 warns of
            warnings.filterwarnings("ignore", "The behavior of DataFrame concatenation", FutureWarning)
            schema_of(entity, columns, optional=optional).validate(frame, lazy=True, inplace=True)
    except SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    found = []
    for (column, check), group in cases.groupby(["column", "check"], sort=False):
        rows = group["index"].dropna().to_numpy(dtype=np.int64)
        if column in faulty and not (column in tolerated and check.startswith("share > ")):
            rows = rows[~faulty[column][rows]]
            if not len(rows):
                continue
        found.append(_problem(table, frame, entity, str(column), str(check), rows, written.get(str(column))))
    return found


def _column(column: Column, *, optional: bool) -> Any:
    checks = []
    if column.range is not None:
        low, high = column.range
        checks.append(pa.Check.in_range(low, high, error=f"outside {low:g} to {high:g}"))
    if column.categories is not None:
        checks.append(pa.Check.isin(column.categories, error=f"none of {', '.join(column.categories)}"))
    nullable = column.nullable or optional
    if nullable and (not optional or column.max_null_share < 1.0):
        bound = column.max_null_share
        checks.append(pa.Check(lambda cells: _share_fits(cells, bound), ignore_na=False, error=f"share > {bound:.3f}"))
    return pa.Column(PANDAS[column.dtype], checks=checks, nullable=nullable)


def _share_fits(cells: pd.Series, bound: float) -> bool:
    """Nulls within the bound, and never all of them: an empty column says nothing, whatever the bound."""
    share = float(cells.isna().mean()) if len(cells) else 0.0
    return share <= bound and share < 1.0


def _problem(table: str, frame: pd.DataFrame, entity: str, column: str, check: str, rows: Any, written: Any) -> Problem:
    if check.startswith("share > "):
        count = int(frame[column].isna().sum())
        text = f"{count:,} of {len(frame):,} values are null, {count / len(frame):.3f} {check.removeprefix('share ')}"
        lesson = None if count == len(frame) else Lesson("max_null_share", (count / len(frame),))
        if count == len(frame):
            text = f"all {count:,} values are null"
        samples = _keys(frame, entity, np.flatnonzero(frame[column].isna()))
        return Problem(table, column, text, count, samples, lesson=lesson)
    count = len(rows)
    if column == entity and check == "not_nullable":
        lines = ", ".join(str(row + 1) for row in rows[:SAMPLES])
        return Problem(table, column, f"{counted(count, 'key is', 'keys are')} empty, as in row {lines}", count)
    if check in _PHRASES:
        lesson = Lesson("nullable") if check == "not_nullable" and count < len(frame) else None
        return Problem(table, column, counted(count, *_PHRASES[check]), count, _keys(frame, entity, rows), lesson=lesson)
    text = counted(count, f"value is {check}", f"values are {check}")
    cells = frame[column].iloc[rows].tolist() if written is None else written.take(rows).to_pylist()
    lesson = _lesson(frame[column].iloc[rows], numbers=check.startswith("outside "))
    return Problem(table, column, text, count, _keys(frame, entity, rows), clipped(cells), tallied(cells), lesson=lesson)


def _lesson(values: pd.Series, *, numbers: bool) -> Lesson:
    """The bounds that hold these numbers, or these categories, the most frequent first."""
    if numbers:
        return Lesson("range", (values.min().item(), values.max().item()))
    return Lesson("categories", tuple(values.value_counts().index))


def _keys(frame: pd.DataFrame, entity: str, rows: Any) -> tuple[str, ...]:
    return tuple("(empty)" if key is None else str(key) for key in frame[entity].iloc[rows[:SAMPLES]])

"""Tables as DataFrames for a user's own code, and back: the same kind of cell from CSV, Parquet, SQL and a request."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ratchet.sources.cells import NULLS, plain
from ratchet.sources.problems import Problem, TableError

_INT = r"^[+-]?(0|[1-9]\d{0,17})$"  # no leading zero: `007` is a code
_FLOAT = r"^[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_FLAGS = pa.array(["true", "false"])
_MASKED = {
    pa.bool_(): pd.BooleanDtype(),
    **{kind: pd.Int64Dtype() for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32())},
}


def to_frame(content: pa.Table, texts: Collection[str], table: str, *, written: bool) -> pd.DataFrame:
    """A table as a DataFrame of its own: whole numbers Int64, others float64, flags boolean, dates as pandas has them, text `str`.

    Args:
        content: the table as read.
        texts: columns that are text whatever they look like: keys, and categories of ratchet.yaml.
        table: its name, for sentences.
        written: whether its cells are a CSV's, which are all text; a column is one of numbers where its cells all are.

    Raises TableError for cells that no DataFrame has.
    """
    columns = {}
    for name in content.column_names:
        try:
            columns[name] = _frame_column(content[name], is_text=name in texts, written=written)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:  # a list as a key, bytes that are no UTF-8
            message = f"cells of {content[name].type} cannot be given to prepare: {_said(error)}"
            raise TableError(Problem(table, name, message)) from error
    return pd.DataFrame(columns)


def _frame_column(column: pa.ChunkedArray, *, is_text: bool, written: bool) -> pd.Series:
    values = plain(column)
    if is_text:
        values = values if _is_timed(values.type) or pa.types.is_binary(values.type) else values.cast(pa.string())
    elif written:
        values = _read(values)
    elif pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
    if pa.types.is_null(values.type) or (values.null_count == len(values) and not is_text and written):
        values = pa.nulls(len(values), pa.float64())
    made: pd.Series = values.to_pandas(types_mapper=_MASKED.get)
    return made


def from_frame(frame: pd.DataFrame, table: str) -> pa.Table:
    """The table of a DataFrame, whose index counts where it has a name. Raises TableError for what is no table."""
    if any(name is not None for name in frame.index.names):
        try:
            frame = frame.reset_index()
        except ValueError as error:  # `set_index("id", drop=False)`
            message = f"prepare gives an index that is a column, too: {_said(error)}; reset_index(drop=True) does without it"
            raise TableError(Problem(table, "", message)) from error
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise TableError(Problem(table, twice, f"prepare gives the column {names.count(twice)} times"))
    columns = {}
    for name, column in zip(names, frame.columns, strict=True):
        try:
            columns[name] = pa.Array.from_pandas(frame[column])
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise TableError(Problem(table, name, f"prepare gives cells of several kinds: {_said(error)}")) from error
    return pa.table(columns)


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _is_timed(kind: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(kind))


def _read(values: pa.Array) -> Any:
    """Numbers and flags where all cells are written as such."""
    if not pa.types.is_string(values.type):
        return values
    text = pc.utf8_trim_whitespace(values)
    text = pc.if_else(pc.is_in(text, value_set=pa.array(NULLS)), None, text)
    for pattern, kind in ((_INT, pa.int64()), (_FLOAT, pa.float64())):
        if pc.all(pc.match_substring_regex(text, pattern)).as_py():
            return pc.replace_substring_regex(text, r"^\+", "").cast(kind)
    low = pc.utf8_lower(text)
    return pc.equal(low, "true") if pc.all(pc.is_in(low.drop_null(), value_set=_FLAGS)).as_py() else values

"""Rows of a database to Arrow, a chunk at a time: whatever Python's drivers give for a cell, typed as its column has it.

A driver says no types that can be relied on (SQLite has none a column), so each chunk shows its own, and the chunks are brought
together at the end: numbers with numbers, and else as text, whose cells are then held against the project like a CSV's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa

from ratchet.clients.memory import allowed
from ratchet.sources.problems import Problem, TableError

ROWS = 10_000  # of a chunk
_SHARE = 6  # times its cells a table takes while it is checked and stored


def to_arrow(
    chunks: Iterable[Sequence[Sequence[Any]]], table: str, columns: Mapping[str, int], most: int | None = None
) -> pa.Table:
    """The wanted columns of all rows.

    Args:
        chunks: rows of cells, as they come.
        table: for the sentence.
        columns: names, and where in a row they stand.
        most: bytes of cells that there is room for; by default by the memory of this process.

    Raises TableError when they are more.
    """
    most = allowed() // _SHARE if most is None else most
    parts: dict[str, list[pa.Array]] = {name: [] for name in columns}
    size = 0
    for rows in chunks:
        for name, index in columns.items():
            values = _array([row[index] for row in rows])
            size += values.nbytes
            parts[name].append(values)
        if size > most:
            message = f"its query gives more than the {most:,} bytes that there is room for: it needs a larger machine"
            raise TableError(Problem(table, "", message))
    return pa.table({name: _one(arrays) for name, arrays in parts.items()})


def _array(cells: Sequence[Any]) -> pa.Array:
    values = [_plain(cell) for cell in cells]
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):  # cells of several kinds, or a number beyond 64 bits
        return pa.array([_text(value) for value in values], pa.string())


def _plain(cell: Any) -> Any:
    """What Arrow takes; of a moment with a zone the time that is written, in which a day is that of its clock, whatever the zone.

    Arrow would take the first cell's zone for all, and by PYARROW_IGNORE_TIMEZONE, which pandera sets, each clock's time for UTC.
    """
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None)
    if isinstance(cell, memoryview | bytearray):
        return bytes(cell)
    if isinstance(cell, UUID):
        return str(cell)
    if isinstance(cell, dict | list):
        return json.dumps(cell, default=str)
    if isinstance(cell, Decimal):
        return None if cell.is_nan() else cell if cell.is_finite() else float(cell)
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _one(arrays: Sequence[pa.Array]) -> pa.ChunkedArray:
    """The chunks as one column."""
    filled = {array.type for array in arrays if not pa.types.is_null(array.type)}
    if not filled:
        return pa.chunked_array(arrays or [], pa.null())
    if len(filled) == 1:
        kind = filled.pop()
        return pa.chunked_array([array.cast(kind) for array in arrays], kind)
    pieces = [pa.table({"": array}) for array in arrays]
    try:
        return pa.concat_tables(pieces, promote_options="permissive").column(0)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        texts = [pa.array([_text(value) for value in array.to_pylist()], pa.string()) for array in arrays]
        return pa.chunked_array(texts, pa.string())

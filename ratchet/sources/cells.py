"""Cells to typed values: what a CSV writes as text and what a Parquet file types otherwise, brought into the project's types.

Text is read strictly: an int is digits (a trailing `.0`, which pandas writes for a column with nulls, is allowed), a bool is
true, false, 1 or 0 in any case, a float has a point and no thousands. Null is an empty cell or one of NULLS; in a category
column a spelling that the project declares as a category is that category (a plan named `None`). Codes `3` and `3.0` are one.

Text is Arrow's to parse wherever it reads every cell of a column as we do. What is ours names the cells that do not fit, with
their number, keys and values, for which Arrow has no way: it stops at the first. Pandera's coercion finds them all, but it reads
`1_000` as 1000 and, in a bool, `maybe` as true, refuses `3.0` in an int, and takes 3.1 s of CPU for a million cells with a bad one
(here 0.3).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ratchet.clients.arrow_keys import one_code
from ratchet.core.schema import EMPTY, LONGEST_CELL, DType

NULLS = EMPTY
EXACT = 2**53  # the model's columns are float64: larger ints would be changed silently
_INT = r"^[+-]?0*\d{1,17}(\.0*)?$"
_FLOAT = r"^(?i)[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)$"
_TRUE, _FALSE = ("true", "1", "1.0"), ("false", "0", "0.0")
_ARROW = {DType.INT: pa.int64(), DType.FLOAT: pa.float64(), DType.BOOL: pa.bool_(), DType.CATEGORY: pa.string()}

_TOO_LARGE = "too large for an exact int (beyond 2**53)"

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Fault:
    """Cells that have no value of the type: `phrase` completes "the values are …"."""

    phrase: str
    rows: Mask


@dataclass(frozen=True, slots=True)
class Cells:
    """A typed column: int64, double, bool or string; a faulty cell is null here and listed in `faults`."""

    values: pa.Array
    faults: tuple[Fault, ...] = ()

    @property
    def faulty(self) -> Mask:
        """Mask of the rows with any fault."""
        rows = np.zeros(len(self.values), dtype=np.bool_)
        for fault in self.faults:
            rows |= fault.rows
        return rows


def typed(column: pa.ChunkedArray, dtype: DType, categories: Collection[str] | None = None) -> Cells:
    """Bring a raw column into `dtype`, telling the cells that do not fit apart from the nulls.

    Args:
        column: n cells as read: text of a CSV, or whatever a Parquet file holds.
        dtype: the project's type.
        categories: the declared categories, whose spelling is never taken for null.
    """
    raw = plain(column)
    if pa.types.is_string(raw.type):
        return _from_text(raw, dtype, categories or ())
    if dtype is not DType.CATEGORY:
        return _from_values(raw, dtype)
    read = _from_numbers(raw) if _is_real(raw.type) else _from_values(raw, dtype)
    return Cells(one_code(read.values, categories or ()), read.faults)


def plain(column: pa.ChunkedArray) -> pa.Array:
    """One array of a column, of text where it is text in any of Arrow's ways."""
    raw = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(raw, pa.ChunkedArray):  # combine_chunks keeps two chunks when text exceeds 2 GB, and none when empty
        raw = pa.concat_arrays(raw.chunks) if raw.num_chunks else pa.nulls(0, raw.type)
    if pa.types.is_dictionary(raw.type):
        raw = raw.dictionary_decode()
    if pa.types.is_large_string(raw.type) or pa.types.is_null(raw.type) or raw.type == pa.string_view():
        raw = raw.cast(pa.string())
    return raw


def _from_text(raw: pa.Array, dtype: DType, categories: Collection[str]) -> Cells:
    text = pc.utf8_trim_whitespace(raw) if dtype.is_number else raw
    nulls = pa.array([spelling for spelling in NULLS if spelling not in categories], pa.string())
    text = pc.if_else(pc.is_in(text, value_set=nulls), None, text)
    if dtype is DType.CATEGORY:
        return _one_coded(text, categories)
    fitting = _parsed(text, dtype)
    if fitting is not None:
        return Cells(fitting)
    if dtype is DType.BOOL:
        low = pc.utf8_lower(text)
        true, false = (pc.is_in(low, value_set=pa.array(words)) for words in (_TRUE, _FALSE))
        good = pc.or_(true, false)
        return Cells(pc.if_else(good, true, None), _faults(text, good, "bool (true, false, 1 or 0)"))
    good = pc.fill_null(pc.match_substring_regex(text, _INT if dtype is DType.INT else _FLOAT), fill_value=False)
    faults = _faults(text, good, dtype.value)
    if dtype is DType.FLOAT:
        return _bounded(Cells(_parse_floats(pc.if_else(good, text, None)), faults))
    digits = pc.replace_substring_regex(pc.if_else(good, text, None), r"^\+|\.0*$", "")
    return _bounded(Cells(digits.cast(pa.int64()), faults))


def _one_coded(text: pa.Array, categories: Collection[str]) -> Cells:
    """Categories in their one spelling; what is longer than a request may bring is none."""
    lengths = pc.binary_length(text)
    if (pc.max(lengths).as_py() or 0) <= LONGEST_CELL:
        return Cells(one_code(text, categories))
    good = pc.less_equal(lengths, LONGEST_CELL)
    faults = _faults(text, good, f"category: longer than {LONGEST_CELL:,} bytes")
    return Cells(one_code(pc.if_else(good, text, None), categories), faults)


def _is_real(kind: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(kind) or pa.types.is_floating(kind))


def _from_numbers(raw: pa.Array) -> Cells:
    """Codes of a column that became one of floats, as pandas makes it when a cell is empty."""
    numbers = raw.cast(pa.float64())
    numbers = pc.if_else(pc.is_nan(numbers), None, numbers)
    good = pc.fill_null(pc.and_(pc.equal(numbers, pc.floor(numbers)), pc.less_equal(pc.abs(numbers), EXACT)), fill_value=False)
    faults = _faults(numbers, good, "category: a code is a whole number or text")
    return Cells(pc.if_else(good, numbers, None).cast(pa.int64()).cast(pa.string()), faults)


def _parsed(text: pa.Array, dtype: DType) -> pa.Array | None:
    """The column by Arrow's own parser; None where it stops at a cell, without saying at which, or reads one otherwise than we do.

    It takes hexadecimal for an int, and `nan` in any case for a float.
    """
    if dtype is DType.INT and pc.any(pc.match_substring(text, "x", ignore_case=True)).as_py():
        return None
    try:
        values = text.cast(_ARROW[dtype])
    except pa.ArrowInvalid:
        return None
    if pa.types.is_floating(values.type) and pc.any(pc.is_nan(values)).as_py():
        return None
    return values if dtype is DType.BOOL or not _bounded(Cells(values)).faults else None


def _parse_floats(text: pa.Array) -> pa.Array:
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:  # a number beyond float64, as 1e999, which Python reads as infinite
        return pa.array([None if cell is None else float(cell) for cell in text.to_pylist()], pa.float64())


def _from_values(raw: pa.Array, dtype: DType) -> Cells:
    kind = raw.type
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        raw, kind = raw.cast(pa.float64()), pa.float64()
    if pa.types.is_floating(kind):
        raw = pc.if_else(pc.is_nan(raw), None, raw.cast(pa.float64()))
    if dtype is DType.BOOL and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        numbers = raw.cast(pa.float64(), safe=False)
        good = pc.fill_null(pc.or_(pc.equal(numbers, 0.0), pc.equal(numbers, 1.0)), fill_value=False)
        return Cells(pc.if_else(good, pc.equal(numbers, 1.0), None), _faults(raw, good, "bool (true, false, 1 or 0)"))
    if dtype is DType.INT and pa.types.is_floating(kind):
        good = pc.fill_null(pc.equal(raw, pc.floor(raw)), fill_value=False)
        faults = _faults(raw, good, "int")
        beyond = mask_of(pc.fill_null(pc.and_(pc.is_finite(raw), pc.greater(pc.abs(raw), EXACT)), fill_value=False))
        if beyond.any():
            good, faults = pc.and_(good, pa.array(~beyond)), (*faults, Fault(_TOO_LARGE, beyond))
        kept = _bounded(Cells(pc.if_else(good, raw, None), faults))
        return Cells(kept.values.cast(pa.int64()), kept.faults)
    if dtype is DType.CATEGORY and pa.types.is_boolean(kind):
        return Cells(pc.if_else(raw, "True", "False"))  # as pandas writes them into a CSV
    fits = {
        DType.INT: pa.types.is_integer(kind),
        DType.FLOAT: pa.types.is_integer(kind) or pa.types.is_floating(kind),
        DType.BOOL: pa.types.is_boolean(kind),
        DType.CATEGORY: pa.types.is_integer(kind),
    }
    if not fits[dtype]:
        missing = pa.nulls(len(raw), _ARROW[dtype])
        return Cells(missing, _faults(raw, pa.array(np.zeros(len(raw), dtype=np.bool_)), f"{dtype.value} but {kind}"))
    if dtype.is_number and dtype is not DType.BOOL:
        kept = _bounded(Cells(raw, ()))
        return Cells(kept.values.cast(_ARROW[dtype]), kept.faults)
    return Cells(raw.cast(_ARROW[dtype]))


def _faults(raw: pa.Array, good: pa.Array, noun: str) -> tuple[Fault, ...]:
    rows = mask_of(pc.and_(raw.is_valid(), pc.invert(good)))
    return (Fault(f"not {noun}", rows),) if rows.any() else ()


def _bounded(cells: Cells) -> Cells:
    """Take out what float64 cannot hold: infinities and ints beyond 2**53."""
    values = cells.values
    if pa.types.is_floating(values.type):
        rows = mask_of(pc.fill_null(pc.is_inf(values), fill_value=False))
        phrase = "infinite"
    else:
        # compared on both sides: the absolute value of the smallest int64 overflows
        beyond = (
            pc.or_(pc.greater(values, EXACT), pc.less(values, -EXACT))
            if pa.types.is_signed_integer(values.type)
            else pc.greater(values, EXACT)
        )
        rows = mask_of(pc.fill_null(beyond, fill_value=False))
        phrase = _TOO_LARGE
    if not rows.any():
        return cells
    return Cells(pc.if_else(pa.array(~rows), values, None), (*cells.faults, Fault(phrase, rows)))


def mask_of(values: pa.Array) -> Mask:
    """An array of truth values without nulls as numpy has it."""
    mask: Mask = values.to_numpy(zero_copy_only=False).astype(np.bool_)
    return mask

"""One posted value as the feature that the model sees, by the rules that ingest holds a column's cells to.

A request is JSON, which has types: a number is no text, and `null` is the empty cell. Where ingest reads text of a file (`3` in a
column of ints) a client is told to send a number. Codes keep their one spelling, and text that stands for an empty cell in files
does so here: the version was trained on months that were read so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Any

from ratchet.core.entity_key import code_of
from ratchet.core.schema import EMPTY, LONGEST_CELL, DType, FeatureValue
from ratchet.project.columns import Column
from serving.text_cell import spelt

EXACT = 2**53  # beyond it a float stands for several whole numbers
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?(Z|z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?)?"
DAYS = date.max.toordinal()  # more than lie between any two dates: 20240131 is a date that lost its marks, and no number of days
PARTS = {"days": (-DAYS, DAYS), "weekday": (0, 6), "month": (1, 12)}  # what is made of a date, as a number

_DATE = re.compile(DATE)
_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair: no character
_SHOWN = 40  # characters of a value in a sentence
_LONG = 128  # bits of a number: beyond it Python may refuse to write it out
_SHORT = LONGEST_CELL // 4  # characters: UTF-8 has at most four bytes for one
_NAMED = 10  # categories in a sentence

Today = Callable[[], date]
Reader = Callable[[Any], FeatureValue]


class Misfit(Exception):  # noqa: N818 - what a client is told, not a failure
    """A value that breaks a rule: a sentence without its subject, with the key of ratchet.yaml whose rule it is."""

    def __init__(self, what: str, rule: str) -> None:
        super().__init__(f"{what} ({rule})")


def reader(column: Column, today: Today, *, may_miss: bool) -> Reader:
    """What reads a column's values: numbers as floats, None for an empty one. It raises Misfit.

    Args:
        column: the rules.
        today: what dates are counted from.
        may_miss: whether a value may be empty.
    """
    typed, fits = typed_reader(column, today), _bounds(column)

    def read(value: Any) -> FeatureValue:
        found = typed(value)
        if found is None:
            if not may_miss:
                raise Misfit("has no value, and the project allows none", "nullable")
            return None
        return found if fits is None else fits(value, found)

    cell = spelt(column.dtype)

    def read_tolerantly(value: Any) -> FeatureValue:
        try:
            return read(cell(value))
        except Misfit:
            if isinstance(value, list | dict):  # no cell of any table
                raise
            return None

    return read_tolerantly if column.on_unknown == "missing" else read


def typed_reader(column: Column, today: Today) -> Reader:
    """What reads a column's values by their type alone. It raises Misfit."""
    match column.dtype:
        case DType.INT:
            return _int
        case DType.FLOAT:
            return _float
        case DType.BOOL:
            return _bool
        case DType.DATE:
            return _date(column, today)
    declared = frozenset(column.categories or ())
    return lambda value: _text(value, declared)


def _int(value: Any) -> FeatureValue:
    if value is None:
        return None
    if type(value) is not int and not (type(value) is float and value.is_integer()):
        raise _wrong_type(value, "a whole number", DType.INT)
    if abs(value) > EXACT:
        message = f"is {shown(value)}, too large for an exact int (beyond 2**53)"
        raise Misfit(message, "dtype: int")
    return float(value)


def _float(value: Any) -> FeatureValue:
    if value is None:
        return None
    if type(value) is not float and type(value) is not int:
        raise _wrong_type(value, "a number", DType.FLOAT)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Misfit("is too large: as a float it is infinite", "dtype: float")
    return number


def _bool(value: Any) -> FeatureValue:
    if value is None:
        return None
    if type(value) not in {bool, int, float} or value not in {0, 1}:
        raise _wrong_type(value, "true, false, 1 or 0", DType.BOOL)
    return float(value)


def _text(value: Any, declared: frozenset[str]) -> FeatureValue:
    if value is None:
        return None
    if type(value) is int and abs(value) <= EXACT:
        return str(value)
    if type(value) is float and value.is_integer() and abs(value) <= EXACT:
        return str(int(value))
    if type(value) is not str:
        raise _wrong_type(value, "text, or a whole number that is a code", DType.CATEGORY)
    if len(value) > _SHORT and (size := len(value.encode(errors="surrogatepass"))) > LONGEST_CELL:
        message = f"has {size:,} bytes, more than the {LONGEST_CELL:,} that a category may have"
        raise Misfit(message, "dtype: category")
    if _HALF.search(value):
        raise Misfit("has characters that no text can have", "dtype: category")
    if value in declared:
        return value
    return None if value in EMPTY else code_of(value)


def _date(column: Column, today: Today) -> Reader:
    low, high = PARTS[column.of_date]

    def read(value: Any) -> FeatureValue:
        if value is None:
            return None
        if type(value) is not str:  # what was made of a date already, as features_used shows it
            number = _int(value) if type(value) in {int, float} else None
            if number is None or not low <= float(number) <= high:
                raise _wrong_type(value, "a date as 2024-01-31", DType.DATE)
            return number
        text = value.strip()[:_SHOWN]
        if text in EMPTY or text == "NaT":
            return None
        try:
            day = date.fromisoformat(text[:10]) if _DATE.fullmatch(text) else None
        except ValueError:  # 30 February
            day = None
        if day is None:
            raise _wrong_type(value, "a date as 2024-01-31", DType.DATE)
        if column.of_date == "days":
            return float((today() - day).days)
        return float(day.weekday() if column.of_date == "weekday" else day.month)

    return read


def _bounds(column: Column) -> Callable[[Any, FeatureValue], FeatureValue] | None:
    """What holds a typed value to the range or the categories, given what was sent; None where anything of the type is good."""
    if column.range is not None:
        low, high = column.range

        def within(sent: Any, found: FeatureValue) -> FeatureValue:
            if not low <= float(found or 0.0) <= high:
                message = f"is {shown(sent)}, outside {low:g} to {high:g}"
                raise Misfit(message, "range")
            return found

        return within
    if column.categories is None:
        return None
    names = {code_of(name): name for name in column.categories} | {name: name for name in column.categories}
    more = f" and {len(column.categories) - _NAMED} more" if len(column.categories) > _NAMED else ""
    listed = ", ".join(column.categories[:_NAMED]) + more

    def known(sent: Any, found: FeatureValue) -> FeatureValue:
        name = names.get(str(found))
        if name is None:
            message = f"is {shown(sent)}, none of {listed}"
            raise Misfit(message, "categories")
        return name

    return known


def _wrong_type(value: Any, asked: str, dtype: DType) -> Misfit:
    return Misfit(f"is {shown(value)}, not {asked}", f"dtype: {dtype.value}")


def shown(value: Any) -> str:
    """A value of JSON in a sentence: short, in printable characters."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value[: _SHOWN + 1]) if isinstance(value, str) else "a very long number" if _is_long(value) else repr(value)
    return text if len(text) <= _SHOWN + 2 else f"{text[:_SHOWN]}..."


def _is_long(value: Any) -> bool:
    return isinstance(value, int) and value.bit_length() > _LONG

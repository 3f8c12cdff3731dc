"""Cells of dates to the numbers that a model takes: days before the snapshot's date, the weekday or the month.

Text is ISO 8601 as databases and pandas write it: `2024-01-31`, alone or with a time of day and an offset. The day is the one that
is written: neither an offset nor a column's time zone moves it, so a CSV of a Parquet file has the days of the file.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ratchet.sources.cells import NULLS, Cells, Fault, mask_of, plain

Part = Literal["days", "weekday", "month"]
PHRASE = "not date (as 2024-01-31, alone or with a time)"
_ISO = r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?( ?(Z|z|UTC|[+-]\d{2}(:?\d{2})?))?)?$"
_NO_DATE = pa.array([*NULLS, "NaT"], pa.string())
_EPOCH = date(1970, 1, 1)


def typed_dates(column: pa.ChunkedArray, part: Part, as_of: date) -> Cells:
    """Bring a raw column of dates into int64: whole days before `as_of` (later dates are below zero), or a part of the date.

    Args:
        column: n cells as read: text of a CSV, dates or timestamps with or without a time zone.
        part: `days`, `weekday` (Monday is 0, Sunday 6) or `month` (1 to 12).
        as_of: the snapshot's date.
    """
    read = _dates(plain(column))
    if part == "days":
        whole = pc.subtract((as_of - _EPOCH).days, read.values.cast(pa.int32()).cast(pa.int64()))
    else:
        whole = (pc.day_of_week if part == "weekday" else pc.month)(read.values)
    return Cells(whole.cast(pa.int64()), read.faults)


def _dates(raw: pa.Array) -> Cells:
    """As date32."""
    kind = raw.type
    if pa.types.is_timestamp(kind):
        local = raw if kind.tz is None else pc.local_timestamp(raw)
        return Cells(pc.floor_temporal(local, unit="day").cast(pa.date32()))
    if pa.types.is_date(kind):
        return Cells(raw.cast(pa.date32()))
    if pa.types.is_string(kind):
        return _from_text(raw)
    there = mask_of(raw.is_valid())
    return Cells(pa.nulls(len(raw), pa.date32()), (Fault(f"{PHRASE} but {kind}", there),) if there.any() else ())


def _from_text(raw: pa.Array) -> Cells:
    text = pc.utf8_trim_whitespace(raw)
    text = pc.if_else(pc.is_in(text, value_set=_NO_DATE), None, text)
    iso = pc.fill_null(pc.match_substring_regex(text, _ISO), fill_value=False)
    days = pc.utf8_slice_codeunits(pc.if_else(iso, text, None), 0, 10).dictionary_encode()
    read = pa.array([_day(day) for day in days.dictionary.to_pylist()], pa.date32())  # each day once: Arrow stops at 30 February
    values = read.take(days.indices)
    wrong = np.asarray(mask_of(text.is_valid()) & ~mask_of(values.is_valid()), dtype=np.bool_)
    return Cells(values, (Fault(PHRASE, wrong),) if wrong.any() else ())


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

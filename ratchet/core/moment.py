"""A moment as files write it: ISO 8601 in its forms, or a number since the epoch in whatever unit."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ratchet.core.schema import is_missing

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)
_YEAR_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_ORDINAL = re.compile(r"(\d{4})-(\d{3})", re.ASCII)
_WEEK = re.compile(r"\d{4}-?W\d{2}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-?W\d{2}-?\d", re.ASCII)
_ZONE = re.compile(r"\s*(?:UTC|GMT|[zZ])$|\s+(?=[+-]\d{2}(?::?\d{2})?$)")
_MIDNIGHT = re.compile(r"^(.{8,10}[ Tt_])24(:?00)?(:?00)?([.,]0*)?(?=$|[+-])")
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # from how much on a number is nano-, micro- and milliseconds: since 1973
_FIRST_DATE, _LAST_DATE = 19_000_101, 22_001_231
_AGO = 1e8  # 1973: a text with a smaller number may be a year, or a count


def seconds(value: Any) -> float | None:
    """A moment as seconds since the epoch; None when missing. ValueError when it cannot be read.

    A number counts from the epoch in seconds, or in milli-, micro- or nanoseconds where it would lie beyond the year 5000;
    one like 20261127 is a date. ISO text and datetimes without a zone are UTC. A date without a time is its last microsecond: what
    was seen on a day is about every answer of that day. Likewise a week, and a month.
    """
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, date):
        return _end_of(value)
    if not isinstance(value, str):
        return _since_epoch(float(value))
    text = value.strip()
    if _NUMBER.fullmatch(text):
        number = float(text)
        if abs(number) < _AGO and not _FIRST_DATE <= number <= _LAST_DATE:
            raise ValueError(value)
        return _since_epoch(number)
    return _iso(text)


def _since_epoch(number: float) -> float:
    if number.is_integer() and _FIRST_DATE <= number <= _LAST_DATE:
        try:
            return _end_of(date.fromisoformat(str(int(number))))
        except ValueError:  # no such day: seconds of the year 1970
            return number
    return next((number / unit for least, unit in _UNITS if abs(number) >= least), number)


def _iso(text: str) -> float:
    if _DAY.fullmatch(text):
        return _end_of(date.fromisoformat(text))
    if _WEEK.fullmatch(text):
        return _end_of(date.fromisoformat(text) + timedelta(days=6))
    if month := _YEAR_MONTH.fullmatch(text):
        year, number = int(month[1]), int(month[2])
        return _end_of(date(year, number, monthrange(year, number)[1] if 1 <= number <= 12 else 0))  # noqa: PLR2004 - months
    if ordinal := _ORDINAL.fullmatch(text):
        day = date(int(ordinal[1]), 1, 1) + timedelta(days=int(ordinal[2]) - 1)
        if str(day.year) != ordinal[1]:
            raise ValueError(text)
        return _end_of(day)
    plain = _ZONE.sub(lambda found: "" if found[0].isspace() else "+00:00", text)
    next_day = _MIDNIGHT.search(plain)
    if next_day:
        plain = f"{next_day[1]}00:00{plain[next_day.end() :]}"
    moment = datetime.fromisoformat(plain)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment + timedelta(days=1 if next_day else 0)).timestamp()


def _end_of(day: date) -> float:
    return datetime.combine(day, time.max, tzinfo=UTC).timestamp()

"""The date that a folder's name speaks of: a day, or the last day of the period that it names."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta

from ratchet.core.errors import DataError

_FIRST_MONTH = (2024, 1)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ALSO = {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12}
_YEAR, _MONTH, _DAY = r"(?P<year>(?:19|20)\d\d)", r"(?P<month>0[1-9]|1[0-2])", r"(?P<day>0[1-9]|[12]\d|3[01])"
_WORD = r"(?P<word>[^\W\d_]{3,9})\.?"


def _month_end(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _day(found: dict[str, str]) -> date:
    return date(int(found["year"]), int(found["month"]), int(found["day"]))


def _named_month(found: dict[str, str]) -> date:
    word = found["word"].casefold()
    month = _ALSO.get(word[:3]) or _MONTHS.index(word[:3]) + 1
    return _month_end(int(found["year"]), month)


def _week(found: dict[str, str]) -> date:
    return date.fromisocalendar(int(found["year"]), int(found["week"]), 1) + timedelta(days=6)


# the first that is found and is a date counts; digits beside it would make it another number
_FORMS: tuple[tuple[str, Callable[[dict[str, str]], date]], ...] = (
    (rf"{_YEAR}[-_.]?{_MONTH}[-_.]?{_DAY}", _day),
    (rf"{_DAY}[-_.]{_MONTH}[-_.]{_YEAR}", _day),
    (rf"{_YEAR}[-_.]?{_MONTH}", lambda found: _month_end(int(found["year"]), int(found["month"]))),
    (rf"{_MONTH}[-_.]{_YEAR}", lambda found: _month_end(int(found["year"]), int(found["month"]))),
    (rf"{_YEAR}[-_. ]?[wW](?P<week>\d\d)", _week),
    (rf"{_YEAR}[-_. ]?[qQ](?P<quarter>[1-4])", lambda found: _month_end(int(found["year"]), 3 * int(found["quarter"]))),
    (rf"[qQ](?P<quarter>[1-4])[-_. ]?{_YEAR}", lambda found: _month_end(int(found["year"]), 3 * int(found["quarter"]))),
    (rf"{_WORD}[-_. ]?{_YEAR}", _named_month),
    (rf"{_YEAR}[-_. ]?{_WORD}", _named_month),
    (_YEAR, lambda found: date(int(found["year"]), 12, 31)),
)


def is_iso(name: str) -> bool:
    """Whether the name itself is the date, and needs no line in ratchet.yaml; `2024-W05` is a week, whose last day is meant."""
    if "W" in name.upper():
        return False
    with suppress(ValueError):
        date.fromisoformat(name)
        return True
    return False


def date_in(name: str) -> date | None:
    """The date that `2024-03`, `month=2024-05`, `Jan2024`, `2017`, `2024Q1`, `2024-W05`, `as_of=2024-05-31` names, else None."""
    for form, made in _FORMS:
        for found in re.finditer(rf"(?<!\d){form}(?!\d)", name):
            with suppress(ValueError):
                return made(found.groupdict())
    return None


def dates_of(names: Sequence[str]) -> tuple[dict[str, date], bool]:
    """The dates that ratchet.yaml must say, by folder, and whether the names speak of them (else they are guessed as month ends).

    Raises DataError when two folders would be of one date.
    """
    known = {name: date.fromisoformat(name) for name in names if is_iso(name)}
    others = [name for name in names if name not in known]
    read = {name: found for name in others if (found := date_in(name)) is not None}
    spoken = len(read) == len(others)
    if spoken:
        said: dict[str, date] = read
    else:
        said = {}
        year, month = _FIRST_MONTH
        taken = set(known.values())
        for name in others:
            while (day := _month_end(year, month)) in taken:
                year, month = (year, month + 1) if month < len(_MONTHS) else (year + 1, 1)
            taken.add(day)
            said[name] = day
    owners: dict[date, str] = {}
    for name, day in (known | said).items():
        if day in owners:
            message = (
                f"the folders {owners[day]} and {name} would both be of {day}: name them by their days, as {day}, one a snapshot"
            )
            raise DataError(message)
        owners[day] = name
    return said, spoken

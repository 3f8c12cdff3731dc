"""The date that a folder's name speaks of: a day, or the last day of the period that it names."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta

from ratchet.core.errors import DataError
from ratchet.sources.guess.written import MONTHS

_FIRST_MONTH = (2024, 1)
_DECEMBER = 12
_YEAR, _MONTH, _DAY = r"(?P<year>(?:19|20)\d\d)", r"(?P<month>0[1-9]|1[0-2])", r"(?P<day>0[1-9]|[12]\d|3[01])"
# a word of its own, also as in salesJan2024
_WORD = rf"(?:(?<![^\W\d_])|(?<=[a-z])(?=[A-Z]))(?P<word>(?i:{'|'.join(sorted(MONTHS, key=len, reverse=True))}))(?![^\W\d_])\.?"
_GAP = "[-_. ,]{0,2}"
_NO_DIGIT_BEFORE, _NO_DIGIT_AFTER = r"(?<!\d)(?<!\d[-_. /])", r"(?![-_. /]?\d)"  # which would be a day, or another month


class _NoSuchDayError(Exception):
    """What is written like a day is none."""


class _NotSureError(Exception):
    """It may be one date or another."""


def _month_end(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _month(found: dict[str, str]) -> date:
    return _month_end(int(found["year"]), int(found["month"]))


def _quarter(found: dict[str, str]) -> date:
    return _month_end(int(found["year"]), 3 * int(found["quarter"]))


def _day(found: dict[str, str]) -> date:
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError as error:
        raise _NoSuchDayError from error


def _day_first_or_month_first(found: dict[str, str]) -> date:
    one, two = int(found["one"]), int(found["two"])
    if max(one, two) <= _DECEMBER and one != two:
        raise _NotSureError
    day, month = (two, one) if two > _DECEMBER else (one, two)
    return _day(found | {"day": str(day), "month": str(month)})


def _named_month(found: dict[str, str]) -> date:
    return _month_end(int(found["year"]), MONTHS[found["word"].casefold()])


def _named_day(found: dict[str, str]) -> date:
    return _day(found | {"month": str(MONTHS[found["word"].casefold()])})


def _week(found: dict[str, str]) -> date:
    try:
        monday = date.fromisocalendar(int(found["year"]), int(found["week"]), 1)
    except ValueError as error:
        raise _NoSuchDayError from error
    return monday + timedelta(days=int(found["weekday"] or 7) - 1)


# the first that is found counts
_FORMS: tuple[tuple[str, Callable[[dict[str, str]], date]], ...] = (
    (rf"(?<!\d){_YEAR}(?P<sep>[-_.])(?P<month>\d\d?)(?P=sep)(?P<day>\d\d?)(?!\d)", _day),
    (rf"(?<!\d){_YEAR}{_MONTH}{_DAY}(?!\d)", _day),
    (rf"{_NO_DIGIT_BEFORE}(?P<one>\d\d?)(?P<sep>[-_.])(?P<two>\d\d?)(?P=sep){_YEAR}(?!\d)", _day_first_or_month_first),
    (rf"(?<![^\W_])(?P<day>\d\d?)\.?{_GAP}{_WORD}{_GAP}{_YEAR}(?!\d)", _named_day),
    (rf"(?<!\d){_YEAR}{_GAP}{_WORD}{_GAP}(?P<day>\d\d?)(?!\d)", _named_day),
    (rf"{_WORD}{_GAP}(?P<day>\d\d?){_GAP}(?<=\D){_YEAR}(?!\d)", _named_day),
    (rf"(?<!\d){_YEAR}[-_. ]?[wW](?P<week>\d\d?)(?:-?(?P<weekday>[1-7]))?{_NO_DIGIT_AFTER}", _week),
    (rf"(?<!\d){_YEAR}[-_. ]?[qQ](?P<quarter>[1-4]){_NO_DIGIT_AFTER}", _quarter),
    (rf"(?<![^\W_])[qQ](?P<quarter>[1-4])[-_. ]?{_YEAR}{_NO_DIGIT_AFTER}", _quarter),
    (rf"(?<!\d){_YEAR}[-_.]?{_MONTH}{_NO_DIGIT_AFTER}", _month),
    (rf"(?<!\d){_YEAR}[-_.](?P<month>[1-9]){_NO_DIGIT_AFTER}", _month),
    (rf"(?<![^\W_]){_NO_DIGIT_BEFORE}(?P<month>0?[1-9]|1[0-2])[-_.]{_YEAR}{_NO_DIGIT_AFTER}", _month),
    (rf"{_WORD}(?<!\d[-_. ]){_GAP}{_YEAR}{_NO_DIGIT_AFTER}", _named_month),
    (rf"(?<!\d){_YEAR}{_GAP}{_WORD}{_NO_DIGIT_AFTER}", _named_month),
    (rf"^\D*{_YEAR}\D*$", lambda found: date(int(found["year"]), 12, 31)),
)
_DAYS = (_day, _day_first_or_month_first, _named_day)
_A_YEAR = r"(?<!\d)(?:19|20)\d\d(?=\D|$|\d\d(?!\d))"


def is_iso(name: str) -> bool:
    """Whether the name itself is the date, and needs no line in ratchet.yaml; `2024-W05` is a week, whose last day is meant."""
    if "W" in name.upper():
        return False
    with suppress(ValueError):
        date.fromisoformat(name)
        return True
    return False


def date_in(name: str) -> date | None:
    """The date that `2024-03`, `month=2024-5`, `Jan2024`, `2017`, `2024Q1`, `2024-W05`, `31.5.2024`, `as_of=2024-05-31` names.

    None where there is none, or where it is not sure which: `01-02-2024`, two days in one name, a year beside a number or a word
    that may be its month. Raises DataError for a day that there is not.
    """
    name = unicodedata.normalize("NFC", name)
    try:
        for form, made in _FORMS:
            found = {made(one.groupdict()) for one in re.finditer(form, name)}
            if not found:
                continue
            several = made not in _DAYS and len(re.findall(_A_YEAR, name)) > 1
            word_elsewhere = form == _FORMS[-1][0] and re.search(_WORD, name) is not None
            return None if len(found) > 1 or several or word_elsewhere else found.pop()
    except _NotSureError:
        return None
    except _NoSuchDayError as error:
        message = (
            f"the folder {name} is named by a day that there is not: name it by the day that its rows describe, as 2024-02-29 "
            "(under `snapshots:` of ratchet.yaml any other name may get its day)"
        )
        raise DataError(message) from error
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
                year, month = (year, month + 1) if month < _DECEMBER else (year + 1, 1)
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

"""What a column may be: a feature with its type and bounds, or something to leave out, and why."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ratchet.core.schema import DType
from ratchet.sources.guess.seen import MOST_VALUES, Fit, Seen

TOLERATED = 0.01  # of the cells of a snapshot that may not fit, where ratchet.yaml says nothing else
_SENTINELS, _OF_SENTINELS = 3, 0.1  # different words that stand for nothing, in up to this share of a column of numbers
_MONTHS = 3  # snapshots that hold nothing but 0 and 1 make a truth value
_COUNT = 10  # room of a whole number that was 0 or 1 so far
_SEASONS = 6  # snapshots without a value below zero that make zero the lowest
_HEADER = 256  # characters, as ratchet.yaml takes them
_LONGEST = 200  # characters of a category
_FEW = 20  # different values, up to which rows of text may all differ
_SURE_ID = 100  # rows
_STEPS = (1.0, 2.0, 5.0, 10.0)
_ID_WORDS = re.compile(r"(^|_)(id|ids|key|uuid|guid|no|nr|num|number|index|idx|rownames?|row|obs|unnamed_0)$")
_CODE_WORDS = re.compile(r"(^|_)(id|key|uuid|guid|zip|plz|zipcode|postcode|phone)$")
_TRUTH_WORDS = re.compile(r"^(is|has|was|had)_")


@dataclass(frozen=True, slots=True)
class Taken:
    """A feature: `entry` has what ratchet.yaml says after name and table, `why` is for people, `doubt` what to look at."""

    entry: dict[str, Any]
    why: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """A column that is left out: why, and the entry to take it with all the same, where there may be one.

    `asked` says whether the entry takes the column as it is, so that a yes is an answer.
    """

    why: str
    entry: dict[str, Any] = field(default_factory=dict)
    asked: bool = True


def judge(seen: Seen, *, missing_in: str = "") -> Taken | Left:
    """What the column is.

    Args:
        seen: what it held.
        missing_in: a snapshot whose table does not have the column.
    """
    if reason := _no_feature(seen, missing_in):
        return Left(reason)
    number = _number(seen)
    if seen.other_dates and (number is None or number[0] is not DType.DATE):
        reason = f"dates that are not ISO, as {seen.other_dates!r}: written as 2023-01-31 the line takes them"
        return Left(reason, {"dtype": DType.DATE.value, **_nulls(seen.empty), **_tolerance(Fit())}, asked=False)
    if number is None:
        return _category(seen)
    dtype, fit = number
    why = [_bounds(fit) if dtype in {DType.INT, DType.FLOAT} else "", _empty(seen), _unfit(fit)]
    entry: dict[str, Any] = {"dtype": dtype.value, **_nulls(seen.empty + fit.faulty)}
    name = _spoken(seen.header)
    if dtype is DType.INT and fit.low >= 0 and fit.high <= 1:
        entry["range"] = [0, _COUNT]
        why.append(f"0 and 1 so far: bool once {_MONTHS} snapshots hold nothing else")
    elif dtype in {DType.INT, DType.FLOAT}:
        entry |= _range(fit, dtype, len(seen.snapshots))
    entry |= _tolerance(fit)
    if dtype is DType.DATE:
        why.insert(0, "days before the snapshot")
    said = "; ".join(part for part in why if part)
    if dtype is DType.INT:
        return _maybe_an_id(seen, fit, name, entry, said)
    return Taken(entry, said)


def _no_feature(seen: Seen, missing_in: str) -> str:
    checks = (
        (not seen.header.strip(), "it has no header (the index of a pandas frame? write it with index=False, or with index_label)"),
        (
            len(seen.header) > _HEADER or "\x00" in seen.header,
            f"its header is longer than {_HEADER} characters, or has a null character",
        ),
        (seen.index, "the index of a pandas frame"),
        (seen.no_text and not seen.fits, f"{seen.kind} is no type of a feature: derive a number from it"),
        (bool(missing_in), f"the snapshot {missing_in} does not have it"),
        (bool(seen.all_empty), "it has no values" + (f" in {seen.all_empty}" if len(seen.snapshots) > 1 else "")),
        (seen.same and len(seen.texts) == 1, f"every value is {_quoted(next(iter(seen.texts), ''), seen)}"),
        (seen.same, "in each snapshot every row has the same value"),
    )
    return next((why for holds, why in checks if holds), "")


def _number(seen: Seen) -> tuple[DType, Fit] | None:
    """The narrowest type that fits all cells, else one that fits all but some."""
    if seen.coded:  # text by the file's own type: digits are codes
        dates = seen.fits.get(DType.DATE)
        return (DType.DATE, dates) if dates is not None and not dates.faulty else None
    truth, whole = seen.fits.get(DType.BOOL), seen.fits.get(DType.INT)
    for dtype, fit in seen.fits.items():
        if fit.faulty:
            continue
        digits = dtype is DType.BOOL and whole is not None and not whole.faulty
        if digits and len(seen.snapshots) < _MONTHS and not _TRUTH_WORDS.match(_spoken(seen.header)):
            continue
        return dtype, fit
    for dtype in (DType.INT, DType.FLOAT, DType.DATE):
        found = seen.fits.get(dtype)
        if found is None or found is truth:
            continue
        narrower = dtype is DType.INT and DType.FLOAT in seen.fits and seen.fits[DType.FLOAT].faulty < found.faulty
        few = len(found.bad) <= _SENTINELS and found.faulty <= _OF_SENTINELS
        if not narrower and (found.faulty <= TOLERATED or few):
            return dtype, found
    return None


def _category(seen: Seen) -> Taken | Left:
    if seen.no_text:
        return Left(f"{seen.kind} is no type of a feature: derive a number from it")
    if seen.signs:
        return Left(f"numbers written with {seen.signs}, as {seen.example!r}: write them as plain numbers")
    if len(seen.texts) > MOST_VALUES:
        more = f"{seen.distinct:,}" if seen.distinct > MOST_VALUES else f"more than {MOST_VALUES}"
        return Left(f"free text or an id: {more} different values")
    if seen.distinct > _FEW and seen.distinct * 2 > seen.fewest:
        return Left(f"free text or an id: {seen.distinct:,} different values in {seen.fewest:,} rows")
    if seen.longest > _LONGEST:
        return Left(f"free text: values of up to {seen.longest:,} characters")
    values = sorted(seen.texts)
    entry = {"dtype": DType.CATEGORY.value, **_nulls(seen.empty), "categories": values, **_tolerance(Fit())}
    digits = "text by the file's own type; " if seen.coded and all(value.isdigit() for value in values) else ""
    words = _empty(seen, category=True)
    return Taken(entry, f"{digits}{len(values)} different values" + (f"; {words}" if words else ""))


def _maybe_an_id(seen: Seen, fit: Fit, name: str, entry: dict[str, Any], why: str) -> Taken | Left:
    """Whole numbers that name something: rows, or what a row belongs to."""
    if seen.every_row and seen.fewest > _FEW and not fit.faulty:
        if seen.run:
            return Left(f"numbers of rows, {fit.low:g} to {fit.high:g} without a gap", entry)
        if _ID_WORDS.search(name):
            return Left("an id by its name: every row has another number", entry)
        if seen.fewest >= _SURE_ID:
            return Taken(entry, why, "every row has another number: an id?")
    if _CODE_WORDS.search(name) and not seen.no_text:
        if len(seen.texts) > MOST_VALUES:
            return Left(f"an id by its name, of {seen.distinct:,} different ones: its size means nothing", entry)
        if len(seen.texts) > 2:  # noqa: PLR2004 - fewer are the same either way
            codes = {"dtype": DType.CATEGORY.value, **_nulls(seen.empty), "categories": sorted(seen.texts), **_tolerance(Fit())}
            return Taken(codes, f"codes by its name, {len(seen.texts)} different ones")
    return Taken(entry, why)


def _tolerance(fit: Fit) -> dict[str, Any]:
    share = {} if fit.faulty <= TOLERATED else {"max_unknown_share": _twice(fit.faulty)}
    return {"on_unknown": "missing", **share}


def _nulls(share: float) -> dict[str, Any]:
    """Nullable when there are nulls, up to twice the share that was seen."""
    return {"nullable": True, "max_null_share": _twice(share)} if share else {}


def _twice(share: float) -> float:
    return min(1.0, math.ceil(share * 2 * 20) / 20)


def _range(fit: Fit, dtype: DType, snapshots: int) -> dict[str, Any]:
    """The bounds that were seen, with the width again on either side as room.

    Zero stays the lowest of whole numbers where nothing is below it. Of others, which may be degrees as well as francs, only where
    it was there itself, or where several snapshots had nothing below.
    """
    low, high = fit.low, fit.high
    room = max(high - low, 1.0)
    if not math.isfinite(room + max(-low, high)):
        return {}
    floor = low >= 0 and (dtype is DType.INT or low == 0 or snapshots >= _SEASONS or low > room)
    padded = [
        0.0 if floor else -_round_up(room - low) if room > low else 0.0,
        _round_up(high + room) if high + room > 0 else 0.0,
    ]
    whole = dtype is DType.INT or np.all(np.mod(padded, 1) == 0)
    return {"range": [int(bound) for bound in padded] if whole else padded}


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    scale = 10.0 ** math.floor(math.log10(value))
    return next(step * scale for step in _STEPS if step * scale >= value * (1 - 1e-12))


def _bounds(fit: Fit) -> str:
    return f"{fit.low:.6g} to {fit.high:.6g}"


def _empty(seen: Seen, *, category: bool = False) -> str:
    if not seen.empty:
        return ""
    said = f"up to {seen.empty:.1%} empty" if len(seen.snapshots) > 1 else f"{seen.empty:.1%} empty"
    words = ", ".join(f"{word} ({count:,})" for word, count in seen.words.most_common(3))
    hint = ": if it is a value of its own, name it among the categories" if category else ""
    return f"{said}; read as empty: {words}{hint}" if words else said


def _unfit(fit: Fit) -> str:
    if not fit.faulty:
        return ""
    return f"{fit.faulty:.2%} do not fit and count as missing, as {', '.join(map(repr, sorted(fit.bad)))}"


def _quoted(value: str, seen: Seen) -> str:
    return value if DType.FLOAT in seen.fits and not seen.coded else repr(value)


def _spoken(header: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", header).lower()).strip("_")

"""Which column is the label, and which of its two values counts as 1."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ratchet.core.errors import DataError
from ratchet.core.schema import DType
from ratchet.sources.guess.names import clean
from ratchet.sources.guess.seen import MOST_VALUES, Seen

Tables = Mapping[str, Sequence[Seen]]

_TWO = 2
_SHOWN = 8
_LAST = "two values, the last column"
_TABLE = re.compile(r"^(label|target|churn|outcome)", re.IGNORECASE)
_NAMES = re.compile(
    r"^((is|has|was)_)?(label|target|class|outcome|y|churn(ed)?|left(_us)?|exited|attrition|default(ed|er)?|survived|response|"
    r"respon(ded|se)|convert(ed)?|conversion|fraud(ulent)?|cancell?ed|bad|died|dead|death|event|purchased?|subscribed|won|win|diagnosis)$"
)
_ONE = re.compile(
    r"yes|y|true|t|1|on|bad|positive|pos|churn(ed)?|left|exited|attrited|default(ed)?|fraud|cancell?ed|died|dead|survived|fail(ed)?|"
    r"malignant|won|win|high|spam|gone|closed|lost|accepted|approved|case"
)
_NONE = re.compile(
    r"no|n|false|f|0|off|good|negative|neg|stay(ed)?|active|retained|current|existing|paid|legit|ok|benign|ham|low|normal|alive|control|"
    r"rejected"
)


@dataclass(frozen=True, slots=True)
class Found:
    """The label: its column, whether its table brings labels alone, and the value that counts as 1 where that must be said."""

    seen: Seen
    alone: bool
    positive: str | None
    why: str
    guessed: str = ""  # what is not sure

    @property
    def name(self) -> str:
        """What we call it."""
        return clean(self.seen.header) if clean(self.seen.header)[:1].isalpha() else "label"


def find_label(tables: Tables, key: Mapping[str, str], asked: str | None, positive: str | None) -> Found:
    """The label.

    Args:
        tables: columns by table, as the files have them.
        key: the key's header in each table.
        asked: its header, or `table.header`, where somebody says it.
        positive: the value that counts as 1, where somebody says it.

    Raises DataError with the values that were found.
    """
    columns = {table: [seen for seen in found if seen.header != key.get(table)] for table, found in tables.items() if table in key}
    seen, why = _asked(columns, asked) if asked else _guessed(columns)
    if problem := _not_binary(seen):
        message = f"--label {asked} cannot be the label: {problem}" if asked else f"the label cannot be guessed: {problem}"
        raise DataError(message)
    value, sure, said = _positive(seen, positive)
    alone = len(columns) > 1 and (_TABLE.search(seen.table) is not None or len(columns[seen.table]) == 1)
    guessed = ["taken for it as the last column: --label COLUMN names another"] if why == _LAST else []
    guessed += [] if sure else [f"{said}: --positive VALUE says the other one"]
    return Found(seen, alone, value, f"{why}; {said}", "; ".join(guessed))


def _asked(columns: Tables, asked: str) -> tuple[Seen, str]:
    hits = [
        seen
        for table, found in columns.items()
        for seen in found
        if asked in {seen.header, f"{table}.{seen.header}", clean(seen.header), f"{table}.{clean(seen.header)}"}
    ]
    if len(hits) == 1:
        return hits[0], "as asked"
    if hits:
        several = ", ".join(f"{one.table}.{one.header}" for one in hits)
        message = f"--label {asked} cannot be the label: {several} have that name: say TABLE.COLUMN"
        raise DataError(message)
    there = ", ".join(f"{table}: {', '.join(one.header for one in found[:12])}" for table, found in columns.items())
    message = f"--label {asked} cannot be the label: no table has that column ({there})"
    raise DataError(message)


def _guessed(columns: Tables) -> tuple[Seen, str]:
    everything = [seen for found in columns.values() for seen in found]
    by_name = [seen for seen in everything if _NAMES.match(_spoken(seen.header))]
    by_table = [seen for seen in everything if _TABLE.search(seen.table)] if len(columns) > 1 else []
    last = [found[-1] for found in columns.values() if found] if len(columns) == 1 else []
    # what is named as the label and is none is the reason, whatever else has two values
    named, why = (by_table, "two values, in a table of that name") if by_table else (by_name, "two values, by its name")
    if not named:
        named, why = [seen for seen in last if not _not_binary(seen)], _LAST
    binary = [seen for seen in named if not _not_binary(seen)]
    if len(binary) > 1:
        binary = [seen for seen in binary if seen in by_name] or binary
    if len(binary) == 1:
        return binary[0], why
    if binary:
        found = f"several could be ({', '.join(map(_told, binary[:_SHOWN]))})"
    elif named:
        found = "; ".join(_not_binary(seen) for seen in named[:3])
    else:
        two = [_told(seen) for seen in everything if not _not_binary(seen)]
        others = f"columns of two values are {', '.join(two[:_SHOWN])}" if two else "no column has two values"
        found = f"no table named label, target, churn or outcome has it, and no column is named so; {others}"
    message = f"the label cannot be guessed: {found}; name its column by --label"
    raise DataError(message)


def _not_binary(seen: Seen) -> str:
    """Why a column is no binary label, with the values found; empty when it is one."""
    where = f"{seen.table}.{seen.header}"
    values = sorted(seen.texts)
    if len(values) == _TWO and not seen.no_text:
        return ""
    number = next(
        (seen.fits[dtype] for dtype in (DType.INT, DType.FLOAT) if dtype in seen.fits and not seen.fits[dtype].faulty), None
    )
    way = "only a label of two values can be learned"
    if number is not None and (seen.no_text or len(values) > _TWO * 5):
        bounds = f"{number.low:.6g} to {number.high:.6g}"
        return f"{where} is a number from {bounds}: {way}: add a column that says which side of a bound it is on"
    if seen.no_text:
        return f"{where} is of type {seen.kind}: {way}"
    if not values:
        return f"{where} is empty in every row: its labels have not come yet"
    if len(values) == 1:
        return f"{where} holds {values[0]!r} and nothing else (an empty cell is a label that has not come): write the other value"
    count = f"more than {MOST_VALUES}" if len(values) > MOST_VALUES else str(len(values))
    shown = ", ".join(map(repr, values[:5])) + (", ..." if len(values) > 5 else "")  # noqa: PLR2004 - enough to know it by
    return f"{where} has {count} values ({shown}): {way}: add a column that says whether it is one of them"


def _positive(seen: Seen, asked: str | None) -> tuple[str | None, bool, str]:
    """The value for `positive:`, None where 1 and 0 say it, whether that is sure, and the sentence."""
    values = sorted(seen.texts)
    if asked is not None:
        hit = next((value for value in values if value.strip().lower() == asked.strip().lower()), None)
        if hit is None:
            message = f"--positive {asked}: {_told(seen)} has no such value"
            raise DataError(message)
        return hit, True, f"{hit!r} is 1, as asked"
    truth = seen.fits.get(DType.BOOL)
    if truth is not None and not truth.faulty:
        return None, True, "true or 1 is what is predicted"
    if all(re.fullmatch(r"-?\d+", value) for value in values):
        high = max(values, key=int)
        return high, False, f"{high!r} is 1, the larger of {values[0]} and {values[1]}: a guess"
    low = [value.strip().lower() for value in values]
    ones, nones = ([form.fullmatch(value) is not None for value in low] for form in (_ONE, _NONE))
    for one, other in ((0, 1), (1, 0)):
        if (ones[one] and not ones[other]) or (nones[other] and not nones[one]):
            return values[one], True, f"{values[one]!r} is 1 and {values[other]!r} 0, by the words"
    rarer = min(values, key=lambda value: (seen.counts.get(value, 0), value))
    return rarer, False, f"{rarer!r} is 1, the rarer of {values[0]!r} and {values[1]!r}: a guess"


def _told(seen: Seen) -> str:
    shown = ", ".join(map(repr, sorted(seen.texts)[:5]))
    return f"{seen.table}.{seen.header} ({shown})"


def _spoken(header: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", header).lower()).strip("_")

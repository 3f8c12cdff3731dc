"""How a CSV file is written: separator and quote, by what its first rows say. A reading that is not the only one is refused.

A separator is taken when header and all rows looked at have one number of fields, more than one, by it and by no other; where
several do, the one that gives the columns that the project asks for. Where none does, the file is broken, and the likeliest is
taken for the sentence about it: the reader checks the number of fields of every row, so that nothing is read wrongly.

Measured on the 25 inputs of tests/unit/test_dialects.py and nine more: clevercsv 0.8.5 takes the blanks of free text for
separators in two, and 3.4 s for 256 KiB where this takes 6 ms; the standard library's Sniffer guesses at the two that can be read
in two ways and gives up on four that cannot.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

SEPARATORS = (",", ";", "\t", "|")
NAMES = {"\t": "tab"}
_QUOTES = ('"', "'")
_ROWS = 500  # that are looked at
_LEAST_WRAPPED = 2  # cells in single quotes, before those are taken for quotes
_HINT = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # the line that Excel reads


@dataclass(frozen=True, slots=True)
class Dialect:
    """What stands between cells, what stands around one that holds that, and the lines before the header."""

    separator: str = ","
    quote: str = '"'
    skipped: int = 0


class Ambiguous(ValueError):  # noqa: N818 - what is so
    """Several separators fit; the text names them."""


@dataclass(frozen=True, slots=True)
class _Reading:
    dialect: Dialect
    header: list[str]
    rows: list[list[str]]

    @property
    def fits(self) -> int:
        return sum(len(row) == len(self.header) for row in self.rows)

    @property
    def consistent(self) -> bool:
        return len(self.header) > 1 and self.fits == len(self.rows)


def recognised(sample: str, *, whole: bool, wanted: Sequence[str] = (), separator: str | None = None) -> Dialect:
    """The dialect of a file.

    Args:
        sample: its first characters.
        whole: whether that is all of it; else the last row may be cut.
        wanted: columns that the project asks for, which tell two readings apart.
        separator: as the project tells it.

    Raises Ambiguous.
    """
    hint = _HINT.match(sample)
    skipped = 1 if hint else 0
    body = sample[hint.end() :] if hint else sample
    separators = (separator,) if separator else (hint[1],) if hint else SEPARATORS
    by_quote = {quote: [_reading(body, whole, Dialect(one, quote, skipped)) for one in separators] for quote in _QUOTES}
    for readings in by_quote.values():
        fitting = [one for one in readings if one.consistent]
        asked = [one for one in fitting if wanted and set(wanted) <= set(one.header)]
        if len(fitting) > 1 and len(asked) != 1:
            raise Ambiguous(" or ".join(NAMES.get(one.dialect.separator, one.dialect.separator) for one in fitting))
        if fitting:
            return _quoted(asked[0] if len(asked) == 1 else fitting[0], by_quote["'"])
    readings = [one for one in by_quote['"'] if len(one.header) > 1]
    if not readings:
        return _quoted(by_quote['"'][0], by_quote["'"])
    return max(readings, key=lambda one: (one.fits, len(one.header))).dialect


def _quoted(found: _Reading, others: Sequence[_Reading]) -> Dialect:
    """With single quotes for quotes where the header, or a column, stands in them throughout, and no cell in double ones."""
    other = next(one for one in others if one.dialect.separator == found.dialect.separator)
    if len(other.header) != len(found.header) or other.fits < len(other.rows) or _has_double_quotes(found, other):
        return found.dialect
    columns = [[row[index] for row in found.rows if index < len(row) and row[index]] for index in range(len(found.header))]
    wrapped = any(len(cells) >= _LEAST_WRAPPED and all(map(_in_quotes, cells)) for cells in columns)
    return other.dialect if wrapped or all(map(_in_quotes, found.header)) else found.dialect


def _has_double_quotes(found: _Reading, other: _Reading) -> bool:
    """Whether a cell begins with a double quote: it does where single ones are the quotes, and begins with none of these itself."""
    rows = zip([found.header, *found.rows], [other.header, *other.rows], strict=False)
    pairs = (pair for by_double, by_single in rows for pair in zip(by_double, by_single, strict=False))
    return any(single.startswith('"') and not double.startswith("'") for double, single in pairs)


def _in_quotes(cell: str) -> bool:
    return len(cell) > 1 and cell.startswith("'") and cell.endswith("'")


def _reading(body: str, whole: bool, dialect: Dialect) -> _Reading:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(body, newline=""), delimiter=dialect.separator, quotechar=dialect.quote):
            rows += [row] if row else []
            if len(rows) > _ROWS + 1:
                break
        else:
            whole = whole or not rows
            rows = rows if whole else rows[:-1] or rows
    except csv.Error:  # an open quote, which makes one cell of all that follows
        return _Reading(dialect, [], [])
    return _Reading(dialect, rows[0] if rows else [], rows[1 : _ROWS + 1])

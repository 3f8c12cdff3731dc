"""Numbers with a decimal comma, `1.234,5`, brought to `1234.5`; never where they could be something else.

A column has decimal commas when its cells all can be read so and one of them cannot be read with a comma between thousands
(`1,5`, `0,125`, `1.234,5`). `1,234` alone is 1.234 or 1234: another column of the file, or the project's `decimal:`, must say.
So is `1.234` where cells stand between other signs than commas: a column whose points all can part thousands is one of decimals
where another column has `2.5`, and one of thousands where it has `1.234.567` itself.

A file that comes in parts is looked at whole before any of it is read: what `1.234` is must not change within it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ratchet.sources.cells import NULLS
from ratchet.sources.problems import Problem, TableError

_COMMA = r"^[+-]?((\d{1,3}(\.\d{3})+|\d+)(,\d*)?|,\d+)([eE][+-]?\d+)?$"
_PROOF = r"^[+-]?(0|\d{4,})?,|,(\d{0,2}|\d{4,})([eE].*)?$|\.\d{3},"  # that the comma does not part thousands
_THOUSANDS = r"^[+-]?\d{1,3}(\.\d{3})+$"
_MILLIONS = r"^[+-]?\d{1,3}(\.\d{3}){2,}$"
_DECIMAL = r"^[+-]?(0+\.\d+|\d*\.(\d{0,2}|\d{4,})|(\d{4,})?\.\d*)([eE][+-]?\d+)?$|^[+-]?\d+\.\d+[eE]"  # that the point does not


@dataclass(slots=True)
class _Seen:
    """What the cells of a column are so far."""

    comma: str = ""  # the first cell with one
    only_commas: bool = True  # all cells can have a decimal comma
    proven: bool = False  # the comma parts no thousands
    point: str = ""
    grouped: bool = True  # all points can part thousands
    millions: bool = False
    decimal: bool = False  # a point parts no thousands

    def look(self, column: pa.ChunkedArray) -> None:
        texts = _filled(column)
        commas, points = (texts.filter(pc.match_substring(texts, sign)) for sign in ",.")
        self.only_commas = self.only_commas and _all(texts, _COMMA)
        if len(commas):
            self.comma = self.comma or commas[0].as_py()
            self.proven = self.proven or _any(commas, _PROOF)
        if len(points):
            self.point = self.point or points[0].as_py()
            self.grouped = self.grouped and _all(points, _THOUSANDS)
            self.millions = self.millions or _any(points, _MILLIONS)
            self.decimal = self.decimal or _any(points, _DECIMAL)


@dataclass(frozen=True, slots=True)
class Points:
    """The columns whose numbers are not written as ours: with decimal commas, or with nothing but points between thousands."""

    commas: tuple[str, ...] = ()
    thousands: tuple[str, ...] = ()

    def of(self, raw: pa.Table) -> pa.Table:
        """The table with points in its numbers."""
        for name in (*self.commas, *self.thousands):
            texts = pc.replace_substring(pc.replace_substring(raw[name], ".", ""), ",", ".")
            raw = raw.set_column(raw.column_names.index(name), name, texts)
        return raw


class Decimals:
    """How a file writes its numbers, by all its cells.

    Args:
        table: for the sentence.
        numbers: the columns that are to be numbers; None when nobody knows, and then what is doubtful stays as it is.
        told: the project's `decimal`.
        by_comma: whether commas separate cells, too; then there are no decimal ones unless the project tells so.
    """

    def __init__(self, table: str, numbers: Sequence[str] | None, told: str | None, *, by_comma: bool) -> None:
        self._table, self._numbers, self._told = table, numbers, told
        self._columns: dict[str, _Seen] = {}
        self.asks = told == "," or (told is None and not by_comma)  # whether the cells have to be looked at

    def look(self, raw: pa.Table) -> None:
        """Take in some rows, or all, whose cells are text."""
        if self.asks:
            for name in raw.column_names if self._numbers is None else self._numbers:
                if name in raw.column_names:
                    self._columns.setdefault(name, _Seen()).look(raw[name])

    def decided(self) -> Points:
        """What was seen. Raises TableError for numbers that can be read in two ways."""
        seen, known = self._columns, self._numbers is not None
        commas = [name for name, one in seen.items() if one.comma and one.only_commas]
        proven = bool(self._told) or any(seen[name].proven for name in commas)
        if commas and known and not proven:
            raise self._doubtful(commas[0], seen[commas[0]].comma, ",")
        points = [name for name, one in seen.items() if (known or proven) and one.point and one.grouped and not one.comma]
        thousands = [name for name in points if self._told or seen[name].millions]
        decimal = not proven and any(one.decimal and not one.comma for one in seen.values())
        for name in points if known and not decimal else ():
            if name not in thousands:
                raise self._doubtful(name, seen[name].point, ".")
        return Points(tuple(commas if proven else ()), tuple(thousands))

    def _doubtful(self, name: str, cell: str, sign: str) -> TableError:
        ways = f"{cell.replace(sign, '.')} or {cell.replace(sign, '')}"
        message = f'{cell!r} can be {ways}: say `decimal: ","` or `decimal: "."` of the table in ratchet.yaml'
        return TableError(Problem(self._table, name, message))


def with_points(
    raw: pa.Table, table: str, numbers: Sequence[str] | None, told: str | None, *, by_comma: bool
) -> tuple[pa.Table, list[str]]:
    """A whole table with points in its numbers, and the columns that had commas; as `Decimals`."""
    decimals = Decimals(table, numbers, told, by_comma=by_comma)
    decimals.look(raw)
    found = decimals.decided()
    return found.of(raw), list(found.commas)


def _filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column)
    return trimmed.filter(pc.and_(trimmed.is_valid(), pc.invert(pc.is_in(trimmed, value_set=pa.array(NULLS)))))


def _any(texts: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())


def _all(texts: pa.ChunkedArray, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(texts, pattern)).as_py() is not False

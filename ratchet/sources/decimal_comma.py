"""Numbers with a decimal comma, `1.234,5`, brought to `1234.5`; never where they could be something else.

A column has decimal commas when its cells all can be read so and one of them cannot be read with a comma between thousands
(`1,5`, `0,125`, `1.234,5`). `1,234` alone is 1.234 or 1234: another column of the file, or the project's `decimal:`, must say.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ratchet.sources.cells import NULLS
from ratchet.sources.problems import Problem, TableError

_COMMA = r"^[+-]?((\d{1,3}(\.\d{3})+|\d+)(,\d*)?|,\d+)([eE][+-]?\d+)?$"
_PROOF = r"^[+-]?(0|\d{4,})?,|,(\d{0,2}|\d{4,})([eE].*)?$|\.\d{3},"  # that the comma does not part thousands
_THOUSANDS = r"^[+-]?(\d{1,3}(\.\d{3})+|\d+)$"
_MILLIONS = r"\..*\."


def with_points(
    raw: pa.Table, table: str, numbers: Sequence[str] | None, told: str | None, *, by_comma: bool
) -> tuple[pa.Table, list[str]]:
    """The table with points in its numbers, and the columns that had commas.

    Args:
        raw: cells of text.
        table: for the sentence.
        numbers: the columns that are to be numbers; None when nobody knows, and then what is doubtful stays as it is.
        told: the project's `decimal`.
        by_comma: whether commas separate cells, too; then there are no decimal ones unless the project tells so.

    Raises TableError for numbers that can be read in two ways.
    """
    if told == "." or (told is None and by_comma):
        return raw, []
    cells = {name: _filled(raw[name]) for name in (raw.column_names if numbers is None else numbers) if name in raw.column_names}
    commas = [name for name, texts in cells.items() if _any(texts, ",") and _all(texts, _COMMA)]
    proven = [name for name in commas if told or _any(cells[name], _PROOF)]
    for name in commas if numbers is not None and not proven else ():
        raise _doubtful(table, name, cells[name], ",")
    points = [
        name for name, texts in cells.items() if proven and name not in commas and _any(texts, r"\.") and _all(texts, _THOUSANDS)
    ]
    plain = [name for name in points if told or _any(cells[name], _MILLIONS)]
    for name in points if numbers is not None else ():
        if name not in plain:
            raise _doubtful(table, name, cells[name], ".")
    changed = [*(commas if proven else []), *plain]
    for name in changed:
        texts = pc.replace_substring(pc.replace_substring(raw[name], ".", ""), ",", ".")
        raw = raw.set_column(raw.column_names.index(name), name, texts)
    return raw, [name for name in changed if name in commas]


def _filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column)
    return trimmed.filter(pc.and_(trimmed.is_valid(), pc.invert(pc.is_in(trimmed, value_set=pa.array(NULLS)))))


def _any(texts: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())


def _all(texts: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _doubtful(table: str, name: str, texts: pa.ChunkedArray, sign: str) -> TableError:
    cell = texts.filter(pc.match_substring(texts, sign))[0].as_py()
    ways = f"{cell.replace(sign, '.')} or {cell.replace(sign, '')}"
    message = f'{cell!r} can be {ways}: say `decimal: ","` or `decimal: "."` of the table in ratchet.yaml'
    return TableError(Problem(table, name, message))

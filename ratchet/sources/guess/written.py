"""How text cells are written where they are no plain numbers: `1,234.50`, `12%`, `$5`, and words for nothing."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from ratchet.sources.cells import NULLS

_MOST = 0.9  # of the cells; the others may be anything
_NUMBER = r"^[ (]*[-+]?[$€£¥]? ?[-+]?(\d{1,3}([,.' ]\d{3})+|\d+)([.,]\d+)? ?[%$€£¥]?[ )]*$"
_SIGNS = re.compile(r"[,.'%$€£¥()]")
_WORDS = pa.array([spelling for spelling in NULLS if spelling], pa.string())


def number_signs(text: pa.Array) -> str:
    """The signs by which cells are numbers only for people, such as `',' '%'`; empty when they are no such numbers.

    Args:
        text: the cells, of type string.
    """
    cells = text.drop_null()
    if not len(cells):
        return ""
    fitting = pc.match_substring_regex(cells, _NUMBER)
    if (pc.mean(fitting.cast(pa.float64())).as_py() or 0.0) < _MOST:
        return ""
    found: dict[str, None] = {}
    for cell in cells.filter(fitting).slice(0, 1000).to_pylist():
        found |= dict.fromkeys(_SIGNS.findall(cell))
    told = [sign for sign in found if sign not in {".", "'"}] or list(found)
    return " ".join(map(repr, told))


def words_for_nothing(text: pa.Array) -> dict[str, int]:
    """The words that are read as empty (`NA`, `None`), and how often each is there."""
    words = text.filter(pc.fill_null(pc.is_in(text, value_set=_WORDS), fill_value=False))
    return {item["values"]: item["counts"] for item in pc.value_counts(words).to_pylist()}

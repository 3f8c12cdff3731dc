"""How cells are written that are no plain numbers or dates: `1,234.50`, `12%`, `31/01/2023`, `20230131`, and words for nothing."""

from __future__ import annotations

import re
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from ratchet.sources.cells import NULLS

_MOST = 0.9  # of the cells; the others may be anything
_NUMBER = r"^[ (]*[-+]?[$€£¥]? ?[-+]?(\d{1,3}([,.' ]\d{3})+|\d+)([.,]\d+)? ?[%$€£¥]?[ )]*$"
_SIGNS = re.compile(r"[,.'%$€£¥()]")
_WORDS = pa.array([spelling for spelling in NULLS if spelling], pa.string())

# whole names of months and abbreviations, English and German
_NAMES = (
    "jan january januar",
    "feb february februar",
    "mar march mär mrz märz maerz",
    "apr april",
    "may mai",
    "jun june juni",
    "jul july juli",
    "aug august",
    "sep sept september",
    "oct october okt oktober",
    "nov november",
    "dec december dez dezember",
)
MONTHS = MappingProxyType({word: number for number, words in enumerate(_NAMES, 1) for word in words.split()})
_YEAR, _MONTH, _DAY = r"(19|20)\d\d", r"(0?[1-9]|1[0-2])", r"(0?[1-9]|[12]\d|3[01])"
_WORD = rf"(?i:{'|'.join(sorted(MONTHS, key=len, reverse=True))})\.?"
_TIME = r"([T ,]+\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[APap]\.?[Mm]\.?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?)?"
_DATES = (
    rf"{_YEAR}[-/. ]{_MONTH}[-/. ]{_DAY}",
    rf"({_DAY}[-/. ]{_MONTH}|{_MONTH}[-/. ]{_DAY})[-/. ]{_YEAR}",
    rf"({_DAY}/{_MONTH}|{_MONTH}/{_DAY})/\d\d",
    rf"{_YEAR}[-/](0[1-9]|1[0-2])",
    rf"{_MONTH}/{_YEAR}",
    rf"([A-Za-z]{{2,9}},? )?{_DAY}[-/. ]{{0,2}}{_WORD}[-/. ,]{{0,2}}({_YEAR}|\d\d)",
    rf"([A-Za-z]{{2,9}},? )?{_WORD}[-/. ]?{_DAY},?[-/. ]?{_YEAR}",
    rf"{_WORD}[-/. ,]{{0,2}}{_YEAR}",
)
_DATE = rf"^({'|'.join(_DATES)}){_TIME}$"
_DIGITS = r"^(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(\.0+)?$"
_ISO = r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}[\d:.,]*)?$"
_PROBE = 1000  # cells that are looked at first


def other_dates(raw: pa.Array) -> str | None:
    """One of the cells, where they are dates that are not ISO, as `31/01/2023`; empty where they are none, None without a cell.

    Whole numbers as 20230131 count where all cells are such.

    Args:
        raw: the cells, of any type.
    """
    text = _as_text(raw)
    if text is None:
        return ""
    for cells in (text.slice(0, _PROBE), text):
        digits = pc.match_substring_regex(cells, _DIGITS)
        fitting = digits if pc.all(digits).as_py() else pc.match_substring_regex(cells, _DATE)
        if len(cells) and pc.mean(fitting.cast(pa.float64())).as_py() < _MOST:
            return ""
    if not len(text):
        return None
    others = text.filter(pc.and_not(fitting, pc.match_substring_regex(text, _ISO)))
    return str(others[0].as_py()) if len(others) else ""


def _as_text(raw: pa.Array) -> pa.Array | None:
    """The cells that are filled as text, of a type that is written as a date; None of others."""
    values = raw.drop_null()
    if pa.types.is_floating(values.type):
        values = values.filter(pc.invert(pc.is_nan(values)))
        if not pc.all(pc.and_(pc.less(pc.abs(values), 1e8), pc.equal(values, pc.floor(values)))).as_py():
            return None if len(values) else values.cast(pa.string())
        values = values.cast(pa.int64())
    if pa.types.is_integer(values.type):
        return values.cast(pa.string())
    if not pa.types.is_string(values.type):
        return None
    text = pc.utf8_trim_whitespace(values)
    return text.filter(pc.invert(pc.is_in(text, value_set=pa.array(NULLS, pa.string()))))


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

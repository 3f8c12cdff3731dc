"""A posted value where a column tolerates what does not fit: read as ingest reads a cell, so that nothing else counts as missing.

`on_unknown: missing` forgives cells that ingest cannot read. Text of a number is none of them: a table writes 41 as `41`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ratchet.core.schema import EMPTY, DType

# possessive: going back into digits would take the square of a long text's length
_INT = re.compile(r"([+-]?)(?=[0-9])0*+([0-9]{0,17}+)(\.0*+)?")
_FLOAT = re.compile(r"[+-]?([0-9]++(\.[0-9]*+)?|\.[0-9]++)(e[+-]?[0-9]++)?", re.IGNORECASE)
_BITS = 64  # of a whole number in a table
_WORDS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}

Spelt = Callable[[Any], Any]


def spelt(dtype: DType) -> Spelt:
    """What makes of a cell the value of JSON that it stands for; one that stands for none comes back as it is."""
    match dtype:
        case DType.INT:
            return lambda value: _read(value, _int)
        case DType.FLOAT:
            return lambda value: _read(value, _float)
        case DType.BOOL:
            return lambda value: _read(value, lambda text: _WORDS.get(text.lower()))
        case DType.CATEGORY:
            return lambda value: str(value) if isinstance(value, int) and value.bit_length() < _BITS else value  # a bool is an int
    return lambda value: value


def _read(value: Any, read: Callable[[str], Any]) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text in EMPTY:
        return None
    found = read(text)
    return value if found is None else found


def _int(text: str) -> int | None:
    found = _INT.fullmatch(text)
    return int(f"{found[1]}{found[2] or 0}") if found else None  # zeros before it may be more than Python reads


def _float(text: str) -> float | None:
    return float(text) if _FLOAT.fullmatch(text) else None

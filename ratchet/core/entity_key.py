r"""One spelling for each entity key, whatever wrote it: the same customer is one text in every month, request and label.

The rule, for what is text already:

- blanks and invisible marks (byte order mark, zero width, soft hyphen) at either end are no part of a key;
- composed and decomposed letters are the same: Unicode's form NFC;
- a whole number with a point is the number: `1000.0` and `1000.` are `1000`, as a column of numbers is written once one is empty.

Everything else stays as it is written: case, leading zeros (`007` may be another key than `7`), a sign, and a hexadecimal `12e5`.
For what is not text: whole numbers are their digits, of whatever type (int, float, Decimal); a fraction, a truth value, and a float
beyond 2**53, which stands for several whole numbers, are no keys. Bytes are UTF-8 text.

A key has 1 to 256 characters, none of which breaks lines, terminals or databases: what is taken in can be asked for.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_KEY = 256  # characters
EXACT = 2**53 - 1  # beyond it a float may stand for several integers (RFC 7493, 2.2)
CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"  # as a character class: what breaks lines, terminals and databases

_UNSEEN = (
    " \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
    "\u00ad\u200b\u200c\u200d\u2060\ufeff"
)
BLANKS = "".join(f"\\u{ord(blank):04x}" for blank in _UNSEEN)  # likewise: what is not seen at the ends of a key
_ENDS = _UNSEEN + "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0*", re.ASCII)
_UNNAMEABLE = re.compile(rf"[{CONTROLS}\ud800-\udfff]")  # half a surrogate pair is no character
_ROUNDED = re.compile(r"-?[0-9](\.[0-9]+)?[eE]\+[0-9]+", re.ASCII)
_BETWEEN = re.compile(r"(?<=[0-9])[\W_]+(?=[0-9])")
_MARKS = re.compile(r"[\W_]+")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")

# Of keys that may not be spelled by the rule, as a regular expression that Arrow's RE2 reads too: all else needs no second look.
ODD = r"[^!-~]|\.0*$"

NOT_TEXT = "not text or a whole number"
TOO_LONG = f"longer than {MAX_KEY} characters"
NO_NAME = "not a name: a line break or control character is in it"
NO_DIGITS = "a rounded number in scientific notation, whose last digits are lost: write keys as text or whole numbers"


def spelled(key: str) -> str:
    """The key's one spelling; empty where it is blank."""
    if key.isalnum() and key.isascii():  # what most keys are
        return key
    text = key.strip(_ENDS)
    if not text.isascii():
        return unicodedata.normalize("NFC", text)
    number = _WHOLE.fullmatch(text)
    if number is None:
        return text
    return "0" if number[1] == "-0" else number[1]


def key_of(value: Any) -> str | None:
    """The key that a value of any type is, None where it is none: a fraction, a truth value, or not a number and not text."""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(value, str):
        return spelled(value)
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, Decimal):
        return str(int(value)) if value.is_finite() and value == value.to_integral_value() else None
    number = float(value) if isinstance(value, float | np.floating) else math.nan
    return str(int(number)) if number.is_integer() and abs(number) <= EXACT else None


def wrong_with(key: str) -> str:
    """Why a spelled key cannot be one, to complete "the key is …"; empty where it can."""
    if len(key) > MAX_KEY:
        return TOO_LONG
    if _UNNAMEABLE.search(key):
        return NO_NAME
    return NO_DIGITS if _ROUNDED.fullmatch(key) else ""


def all_spelled(keys: Iterable[str]) -> NDArray[Any]:
    """The keys by the rule, an object array of shape (n,)."""
    texts = [spelled(key) for key in keys]
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found


def code_of(category: str) -> str:
    """A category that is a whole number with a point without it, as keys are: codes `3` and `3.0` are one. All else as it is."""
    number = _WHOLE.fullmatch(category)
    if number is None:
        return category
    return "0" if number[1] == "-0" else number[1]


def codes_respelled(found: Iterable[str], declared: Collection[str]) -> dict[str, str]:
    """Of the categories found, those that the rule spells otherwise: as the project declares them, else without a point.

    Args:
        found: distinct categories.
        declared: those that ratchet.yaml lists, if any; their spelling is never changed.
    """
    names = {code_of(name): name for name in declared}
    others = ((name, names.get(code_of(name), code_of(name))) for name in found if name not in declared)
    return {name: other for name, other in others if other != name}


def spellings(key: str) -> tuple[str, ...]:
    """The key, and how releases before the rule may have kept it, where that can be told from it."""
    return (key, f"{key}.0") if key.removeprefix("-").isdecimal() and key.isascii() else (key,)


def alike(key: str) -> str:
    """What keys have in common that differ by spelling alone: case, width, blanks, marks between, and zeros before a number.

    Not for naming anybody: two keys that are alike may be two entities. Where a month's keys are unknown as they are and known by
    this, they were respelled.
    """
    parts = _BETWEEN.split(unicodedata.normalize("NFKC", key).casefold())  # `1-12` is not `11-2`
    return ".".join(_ZEROS.sub("", _MARKS.sub("", part)) for part in parts)


def differ_by(one: str, other: str) -> str:
    """What two keys that are `alike` differ by, to complete "they differ by …"; empty where it is more than one thing."""
    one, other = unicodedata.normalize("NFKC", one), unicodedata.normalize("NFKC", other)
    kinds: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("blanks", lambda key: "".join(key.split())),
        ("capital letters", str.casefold),
        ("zeros before a number", lambda key: _ZEROS.sub("", key)),
        ("marks", lambda key: _MARKS.sub("", key)),
    )
    return next((name for name, without in kinds if without(one) == without(other)), "")

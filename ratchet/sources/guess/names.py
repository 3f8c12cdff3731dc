"""Plain names for whatever a header says: what we call a column, a table or the key."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from ratchet.project.columns import PLAIN

LONGEST = 63
# what Unicode takes apart otherwise, or not at all
_SPELT = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "Ä": "Ae",
        "Ö": "Oe",
        "Ü": "Ue",
        "ß": "ss",
        "ø": "oe",
        "Ø": "Oe",
        "æ": "ae",
        "Æ": "Ae",
        "œ": "oe",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "€": " eur ",
        "$": " usd ",
        "£": " gbp ",
        "%": " pct ",
        "°": " deg ",
        "&": " and ",
    }
)


def is_plain(name: str) -> bool:
    """Whether ratchet.yaml takes it as a name."""
    return re.fullmatch(PLAIN, name) is not None


def clean(header: str) -> str:
    """A plain name for a header, empty when nothing is left: a plain one as it is, others in small letters (customer_id)."""
    if is_plain(header):
        return header
    text = unicodedata.normalize("NFC", header).translate(_SPELT)
    text = unicodedata.normalize("NFKD", text)
    text = "".join(mark for mark in text if not unicodedata.combining(mark))
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)  # MonthlyCharges (EUR)
    text = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()
    return text[:LONGEST].strip("_")


class Names:
    """Gives each column a name of its own: no two are alike, in whatever case, and none is one of those that are taken.

    Args:
        taken: names that no column may have.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {name.lower() for name in taken}

    @property
    def taken(self) -> frozenset[str]:
        """What is taken so far, in small letters."""
        return frozenset(self._taken)

    def give(self, header: str, table: str, position: int) -> str:
        """A name for a column of a table, with the table's before it where the column's own is taken or none can be made."""
        own = clean(header)
        if own and not own[0].isdigit() and own.lower() not in self._taken:
            return self._take(own)
        base = f"{table}_{own or f'column_{position}'}"[:LONGEST].strip("_")
        name, number = base, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{base[: LONGEST - len(str(number)) - 1]}_{number}"
        return self._take(name)

    def _take(self, name: str) -> str:
        self._taken.add(name.lower())
        return name

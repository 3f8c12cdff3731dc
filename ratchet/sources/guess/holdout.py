"""How many of the rows to hold out, and how few of them to judge by, where data is small."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ratchet.core.policy import GatePolicy

_SHARES = (0.2, 0.25, 0.3, 0.35, 0.4)  # beyond it too little is left to train on
_LEAST_ROWS, _LEAST_PER_CLASS = 50, 10  # below which an interval says next to nothing
_SURE = 3.0  # standard deviations: who is held out is drawn by a hash, so the number of rows varies


@dataclass(frozen=True, slots=True)
class Held:
    """The holdout's share and the gate's minima, and why: a sentence each on the share, and on minima that are lowered."""

    share: float
    min_rows: int
    min_per_class: int
    why: str
    lowered: str = ""


def choose(rows: int, rarer: int) -> Held:
    """What fits so many labelled rows.

    The smallest share that all but surely holds out as many rows as the gate asks for by default; where none does, the largest
    share, with the minima lowered to what it all but surely gives.

    Args:
        rows: labelled rows of a snapshot.
        rarer: of these, the rows of the rarer label.
    """
    usual = GatePolicy()
    for share in _SHARES:
        if _surely(rows, share) >= usual.min_rows and _surely(rarer, share) >= usual.min_per_class:
            return Held(share, usual.min_rows, usual.min_per_class, _why(rows, rarer, share))
    share = _SHARES[-1]
    min_rows = min(usual.min_rows, max(_LEAST_ROWS, math.floor(_surely(rows, share))))
    min_per_class = min(usual.min_per_class, max(_LEAST_PER_CLASS, math.floor(_surely(rarer, share))))
    lowered = f"lowered from {usual.min_rows} and {usual.min_per_class} for so few rows"
    lowered += ": intervals are wide, only large gains are found"
    if _surely(rows, share) < _LEAST_ROWS or _surely(rarer, share) < _LEAST_PER_CLASS:
        lowered += "; one snapshot may not do: with other entities each time, pool: 3 judges three together"
    return Held(share, min_rows, min_per_class, _why(rows, rarer, share), lowered)


def _surely(rows: int, share: float) -> float:
    """The rows that are held out at least, but for one draw in a thousand."""
    return rows * share - _SURE * math.sqrt(rows * share * (1 - share))


def _why(rows: int, rarer: int, share: float) -> str:
    held = f"about {rows * share:,.0f} are held out, {rarer * share:,.0f} of the rarer label"
    return f"of {rows:,} labelled rows ({rarer / max(1, rows):.1%} of the rarer label) {held}"

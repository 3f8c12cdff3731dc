"""Text for people: names from data made harmless, figures with thousands separators and signs."""

from __future__ import annotations

import math

from ratchet.reports.html.figures import minus

_LONGEST = 80


def shown(text: str, longest: int = _LONGEST) -> str:
    """A name from data as a report shows it: control and direction characters replaced, over-long ones cut."""
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[: longest + 1])
    return clean if len(clean) <= longest else clean[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"


def signed(value: float) -> str:
    """A difference with three decimals and its sign."""
    return "unknown" if math.isnan(value) else minus(f"{value:+.3f}")


def figure(value: float) -> str:
    """A measurement with three decimals."""
    return "unknown" if math.isnan(value) else minus(f"{value:.3f}")


def percent(share: float) -> str:
    """A confidence, as the gate's reasons write it: 98%, 99.50%."""
    return f"{share:.2%}".replace(".00%", "%")


def counted(count: int, noun: str) -> str:
    """`1 row`, `1,400 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"

"""Geometry of the report's figures: where things lie on an axis and the paths that SVG draws. The drawing is the template's.

Positions on a fluid axis are percentages of the figure's width, so that text keeps its size on a phone; curves live in
a square of `SIDE` units.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ratchet.core.estimate import Interval

SIDE = 260  # of the plot square, in the units of its viewBox
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled position, in percent of the axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis from `low` to `high`."""

    low: float
    high: float
    ticks: tuple[Tick, ...]

    def at(self, value: float) -> float:
        """Position in percent, kept on the axis."""
        return round(min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low))), 2)


@dataclass(frozen=True, slots=True)
class Span:
    """An estimate with its interval on an axis, in percent; the bounds are None when there is no interval."""

    at: float
    low: float | None
    high: float | None


def axis(values: Iterable[float], *, pad: float) -> Axis:
    """An axis that holds every finite value with a margin of `pad` of the range on both sides."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    room = (high - low) * pad or max(abs(high), 0.1) / 2
    low, high = low - room, high + room
    step = nice_step((high - low) / _TICKS)
    decimals = max(0, -math.floor(math.log10(step)))
    marks = [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
    scale = Axis(low, high, ())
    return Axis(low, high, tuple(Tick(scale.at(mark), minus(f"{mark:.{decimals}f}")) for mark in marks))


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `least` (> 0)."""
    unit = 10.0 ** math.floor(math.log10(least))
    return next((factor * unit for factor in (1, 2, 5) if factor * unit >= least), 10 * unit)


def minus(text: str) -> str:
    """The typographic minus, and no sign on zero."""
    return text.removeprefix("-") if not text.strip("-0.") else text.replace("-", "\N{MINUS SIGN}")


def span(scale: Axis, estimate: Interval) -> Span | None:
    """An interval on the axis; None when there is no estimate."""
    if not math.isfinite(estimate.value):
        return None
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return Span(scale.at(estimate.value), None, None)
    return Span(scale.at(estimate.value), scale.at(estimate.low), scale.at(estimate.high))


def steps(edges: Sequence[float], heights: Sequence[float]) -> str:
    """The outline of a histogram as an SVG path, closed on the base line.

    Args:
        edges: n + 1 positions of the bins' edges, 0 to 100.
        heights: n heights, 0 to 100 (the top).
    """
    parts = [f"M{edges[0]:.4g} 100"]
    for right, height in zip(edges[1:], heights, strict=True):
        parts.append(f"V{100 - height:.4g}H{right:.4g}")
    return "".join(parts) + "V100Z"

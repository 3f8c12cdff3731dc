"""How a feature is distributed in the reference and in the current snapshot, ready to be drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratchet.core.schema import DType
from ratchet.drift.profile import FeatureProfile
from ratchet.reports.html.figures import minus, steps
from ratchet.reports.html.text import shown

_BINS = 24
_TAIL = 0.005  # beyond these quantiles the outermost bins take everything, so that one outlier does not flatten the rest
_BARS = 8  # categories with a bar of their own
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Histogram:
    """Two outlines (SVG paths in a 100 x 100 box) over common bins; `top` is the share of rows that the full height means."""

    reference: str
    current: str
    low: str
    high: str
    top: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One category's shares (0 to 1), and their lengths in percent of the longest bar."""

    label: str
    reference: float
    current: float
    reference_length: float
    current_length: float


@dataclass(frozen=True, slots=True)
class Bars:
    """Paired bars, the most frequent category first."""

    bars: tuple[Bar, ...]


def distribution(reference: FeatureProfile, current: FeatureProfile) -> Histogram | Bars | None:
    """Both sides of one feature; None when neither has a value."""
    if not reference.present and not current.present:
        return None
    if reference.dtype in {DType.CATEGORY, DType.BOOL}:
        return _bars(reference, current)
    return _histogram(reference, current)


def _bars(reference: FeatureProfile, current: FeatureProfile) -> Bars:
    old, new = reference.shares(), current.shares()
    names = sorted(old | new, key=lambda name: (-max(old.get(name, 0.0), new.get(name, 0.0)), name))
    kept, rest = (names, []) if len(names) <= _BARS else (names[: _BARS - 1], names[_BARS - 1 :])
    pairs = [(_label(reference.dtype, name), old.get(name, 0.0), new.get(name, 0.0)) for name in kept]
    if rest:
        a, b = (sum((side.get(name, 0.0) for name in rest), 0.0) for side in (old, new))
        pairs.append((f"{len(rest):,} other values", a, b))
    longest = max(max(pair[1:]) for pair in pairs)
    return Bars(tuple(Bar(label, a, b, round(100 * a / longest, 1), round(100 * b / longest, 1)) for label, a, b in pairs))


def _label(dtype: DType, value: str) -> str:
    if dtype is DType.BOOL:
        return {"0": "false", "1": "true"}.get(value, value)
    return shown(value, _LONGEST)


def _histogram(reference: FeatureProfile, current: FeatureProfile) -> Histogram:
    sides = [side for side in (reference, current) if side.present]
    low, high = min(side.quantile(_TAIL) for side in sides), max(side.quantile(1 - _TAIL) for side in sides)
    if reference.dtype in {DType.INT, DType.DATE}:
        edges, shift = _whole_edges(math.floor(low), math.ceil(high)), 0.5
    else:
        edges, shift = np.linspace(low, high, _BINS + 1) if low < high else np.array([low - 0.5, low, low + 0.5]), 0.0
    old, new = _heights(reference, edges), _heights(current, edges)
    top = max(old.max(), new.max())
    places = (100 * (edges - edges[0]) / (edges[-1] - edges[0])).tolist()
    below = min(side.low for side in sides) < edges[0]
    above = max(side.high for side in sides) > edges[-1]
    return Histogram(
        steps(places, (100 * old / top).tolist()) if reference.present else "",
        steps(places, (100 * new / top).tolist()) if current.present else "",
        ("\N{LESS-THAN OR EQUAL TO} " if below else "") + _figure(edges[0] + shift),
        ("\N{GREATER-THAN OR EQUAL TO} " if above else "") + _figure(edges[-1] - shift),
        f"{100 * top:.2g}%",
    )


def _whole_edges(first: int, last: int) -> NDArray[np.float64]:
    """Edges half-way between whole numbers, the same count of them in each bin but for the last, which may be narrower."""
    width = math.ceil((last - first + 1) / _BINS)
    return np.append(np.arange(first, last + 1, width, dtype=np.float64), last + 1.0) - 0.5


def _heights(side: FeatureProfile, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the present rows by bin, as density where a bin is narrower than the first; the outermost take what lies beyond."""
    inside = np.clip(side.values, edges[0], edges[-1])
    shares = np.histogram(inside, bins=edges, weights=side.counts.astype(np.float64))[0] / max(side.present, 1)
    widths = np.diff(edges)
    heights: NDArray[np.float64] = shares * widths[0] / widths
    return heights


def _figure(value: float) -> str:
    return minus(f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}")

"""Months of a made-up business, quiet or with a shift of known size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ratchet.core.schema import Columns, DType, Feature

MISSING, MORE_MISSING = 0.02, 0.12
FLAGGED, RARE, TRIPLED = 0.4, 0.02, 0.06  # shares of a flag: usual ones, and what Shift.RATE makes of what


class Shape(StrEnum):
    """How a feature's values are spread; all but the last two are numbers."""

    NORMAL = "normal"
    SKEWED = "skewed"  # gamma of shape 2, with cells missing
    RARE_EVENTS = "rare events"  # Poisson of mean 2
    EVENTS = "events"  # Poisson of mean 30
    FLAG = "flag"
    PLAN = "plan"  # four categories


_DTYPES = {Shape.RARE_EVENTS: DType.INT, Shape.EVENTS: DType.INT, Shape.FLAG: DType.BOOL, Shape.PLAN: DType.CATEGORY}
# The first five have each kind of column; fourteen are two rounds, about StreamFlow's mix.
_ORDER = (Shape.NORMAL, Shape.PLAN, Shape.RARE_EVENTS, Shape.SKEWED, Shape.FLAG, Shape.EVENTS, Shape.NORMAL)
PLANS = np.array(["free", "basic", "plus", "family"], dtype=object)
SHARES_OF_PLANS = [0.4, 0.3, 0.2, 0.1]


class Shift(StrEnum):
    """What happened to the current month."""

    NONE = "quiet month"
    SMALL = "one number by 0.15 sd"
    MODERATE = "one number by 0.3 sd"
    MISSING = "one feature's missing cells from 2 % to 12 %"
    RATE = "one flag from 2 % to 6 %"
    BROAD = "eight numbers in fourteen features by 0.3 sd"


_SIZES = {Shift.SMALL: 0.15, Shift.MODERATE: 0.3, Shift.BROAD: 0.3}
_MOVED = {Shift.SMALL: 1, Shift.MODERATE: 1, Shift.BROAD: 8}


@dataclass(frozen=True, slots=True)
class Source:
    """Where one feature's values come from: `moved` in standard deviations, `missing` and `flagged` (of a flag) as shares."""

    shape: Shape
    moved: float = 0.0
    missing: float = 0.0
    flagged: float = FLAGGED

    @property
    def is_number(self) -> bool:
        """Whether the values may move."""
        return self.shape not in {Shape.FLAG, Shape.PLAN}


Sources = Mapping[str, Source]


def sources(count: int, shift: Shift = Shift.NONE) -> Sources:
    """The sources of `count` features, as they are before the shift."""
    shapes = [_ORDER[i % len(_ORDER)] for i in range(count)]
    flagged = RARE if shift is Shift.RATE else FLAGGED
    return {
        f"f{i:02}": Source(shape, missing=MISSING if shape is Shape.SKEWED else 0.0, flagged=flagged)
        for i, shape in enumerate(shapes)
    }


def features(where: Sources) -> tuple[Feature, ...]:
    """As ratchet.yaml would name them."""
    return tuple(Feature(name, _DTYPES.get(source.shape, DType.FLOAT)) for name, source in where.items())


def shifted(where: Sources, shift: Shift, rng: np.random.Generator) -> Sources:
    """The current month's sources: a shift befalls features by chance among those that it can befall."""
    after = dict(where)
    if shift is Shift.MISSING:
        name = str(rng.choice([name for name, source in where.items() if source.missing]))
        after[name] = replace(after[name], missing=MORE_MISSING)
    elif shift is Shift.RATE:
        name = str(rng.choice([name for name, source in where.items() if source.shape is Shape.FLAG]))
        after[name] = replace(after[name], flagged=TRIPLED)
    elif shift is not Shift.NONE:
        numbers = [name for name, source in where.items() if source.is_number]
        for name in rng.choice(numbers, _MOVED[shift], replace=False):
            after[str(name)] = replace(after[str(name)], moved=_SIZES[shift])
    return after


def month(rng: np.random.Generator, rows: int, where: Sources) -> Columns:
    """`rows` independent rows, features independent of each other."""
    return {name: _column(rng, rows, source) for name, source in where.items()}


def _column(rng: np.random.Generator, rows: int, source: Source) -> NDArray[np.float64] | NDArray[np.object_]:
    if source.shape is Shape.PLAN:
        return rng.choice(PLANS, rows, p=SHARES_OF_PLANS)
    values = _numbers(rng, rows, source)
    if source.missing:
        values[rng.random(rows) < source.missing] = np.nan
    return values


def _numbers(rng: np.random.Generator, rows: int, source: Source) -> NDArray[np.float64]:
    match source.shape:
        case Shape.NORMAL:
            return rng.standard_normal(rows) + source.moved
        case Shape.SKEWED:
            return rng.gamma(2.0, 10.0, rows) + source.moved * 10.0 * math.sqrt(2.0)
        case Shape.FLAG:
            return (rng.random(rows) < source.flagged).astype(np.float64)
        case _:
            mean = 2.0 if source.shape is Shape.RARE_EVENTS else 30.0
            return rng.poisson(mean + source.moved * math.sqrt(mean), rows).astype(np.float64)

"""How finely a column is counted: on the finest grid on which it has at most 2,048 bins, and never coarser than 12 bits.

A column whose values lie close together (coordinates of a town, seconds since 1970, ids around a billion, small snapshots of
anything) gets bins as fine as its spread asks for; a column that fills the coarsest grid is counted on that, as every column
was before. The grid is a function of the set of values alone: grids lie within one another, so the number of bins only grows
with more values and with finer grids. The grid of a union is therefore never finer than that of a part, and what the parts were
counted on holds all that it takes: merging stays exact, associative and commutative to the bit, whatever the partitions.

Edges at the data's own quantiles would follow the spread too, but two partitions would have different ones. The price of this
way: a column of which a part alone fills the coarsest grid (a wide tail beside the seconds since 1970) is counted on that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ratchet.drift import bins
from ratchet.drift.bins import COARSEST, FINEST, Floats, Ints
from ratchet.drift.tally import Tally

MOST_BINS = 2_048  # of a grid that is finer than the coarsest
_TABLE_BITS = 13  # a first table of 2**13 cells at most: more bins would have to be made coarser again
_DIVIDED = 1 << 14  # cells of a table that stays in the processor's cache
_SAMPLE = 1_024  # values that tell whether a column has few


def _none() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Bins on the grid of `bits`: keys, strictly increasing, and counts, none of them 0; both int64 of shape (k,)."""

    keys: Ints = field(default_factory=_none)
    counts: Ints = field(default_factory=_none)
    bits: int = FINEST

    def on(self, bits: int) -> Counted:
        """The same rows on a grid that is as fine or coarser."""
        if bits == self.bits:
            return self
        keys = _coarser(self.keys, self.bits - bits)
        starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
        return Counted(keys[starts], np.add.reduceat(self.counts, starts) if len(starts) else self.counts, bits)

    def merge(self, other: Counted) -> Counted:
        """All rows of both."""
        one, two = together(self, other)
        return _fitted(Counted(*bins.merge(one.keys, one.counts, two.keys, two.counts), one.bits))


def together(one: Counted, other: Counted) -> tuple[Counted, Counted]:
    """Both on the coarser grid of the two."""
    bits = min(one.bits, other.bits)
    return one.on(bits), other.on(bits)


def count(values: Floats, low: float, high: float) -> Counted:
    """Count values on the grid that they ask for; NaN is left out.

    Most columns are counted once. Where that gives few bins, whole numbers are seen at a glance, and of few values no two share a
    bin; otherwise the bins are divided until they are many. Where that cannot be (values around the smallest float, of both
    signs), the values are sorted, which takes ten times as long.

    Args:
        values: float64 of shape (n,), contiguous, none of them infinite, at least one a number.
        low: the smallest of them.
        high: the largest.
    """
    tally = Tally.of(values, _room(bins.key_of(high) - bins.key_of(low)))
    found = _counted(tally)
    while len(found.keys) <= MOST_BINS and found.bits < FINEST:
        if tally.whole:
            return Counted(found.keys << FINEST - found.bits, found.counts)
        finer = tally.single() if tally.seems_single(_SAMPLE) else None
        finer = finer or tally.divided(_DIVIDED)
        if finer is None:
            finer = Tally.of(values, FINEST)
        tally, found = finer, _counted(finer)
    return _fitted(found)


def _counted(tally: Tally) -> Counted:
    return Counted(*tally.counted(), tally.bits)


def _room(span: int) -> int:
    """The finest grid on which a table over `span`, which is in bins of the finest grid, is small."""
    return max(COARSEST, FINEST - max(0, span.bit_length() - _TABLE_BITS))


def _fitted(found: Counted) -> Counted:
    """On the finest grid, up to the one that it is on, that has at most MOST_BINS bins, or on the coarsest."""
    if len(found.keys) <= MOST_BINS or found.bits == COARSEST:
        return found
    changes = np.bincount(bins.changes(found.keys), minlength=found.bits + 1)
    bins_without = 1 + changes.sum() - np.cumsum(changes)  # this many bins where so many bits are dropped
    dropped = int(np.argmax(bins_without <= MOST_BINS))
    return found.on(max(COARSEST, found.bits - dropped))


def _coarser(keys: Ints, by: int) -> Ints:
    """Keys with `by` bits less; zero has the values next to it on either side."""
    magnitude = np.abs(keys) >> by
    return np.where(keys < 0, -magnitude, magnitude)

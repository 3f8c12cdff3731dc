"""How finely a column is counted: on the finest grid on which it has at most 2,048 bins, and never coarser than 12 bits.

A column whose values lie close together (coordinates of a town, seconds since 1970, ids around a billion, small snapshots of
anything) gets bins as fine as its spread asks for; a column that fills the coarsest grid is counted on that, as every column was
before. The grid is a function of the set of values alone: grids lie within one another, so the number of bins only grows with more
values and with finer grids. The grid of a union is therefore never finer than that of a part, and what the parts were counted on holds
all that it takes: merging stays exact, associative and commutative to the bit, whatever the partitions.

Edges at the data's own quantiles would follow the spread too, but two partitions would have different ones. The price of this way: a
column of which a part alone fills the coarsest grid (a wide tail beside the seconds since 1970) is counted on that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ratchet.drift import bins
from ratchet.drift.bins import COARSEST, FINEST, Floats, Ints

MOST_BINS = 2_048  # of a grid that is finer than the coarsest
_TABLE_BITS = 15  # a table of 2**15 cells stays in the processor's cache


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

    Args:
        values: float64 of shape (n,), none of them infinite, at least one a number.
        low: the smallest of them.
        high: the largest.
    """
    bits = _first_grid(low, high)
    keys, counts = bins.count(values, bits)
    if len(keys) <= MOST_BINS and bits < FINEST:
        keys, counts = _on_the_finest(values, bits, keys, counts)
        bits = FINEST
    return _fitted(Counted(keys, counts, bits))


def _first_grid(low: float, high: float) -> int:
    """The finest grid on which a table from the lowest to the highest bin is small."""
    span = bins.key_of(high) - bins.key_of(low)
    return min(FINEST, max(COARSEST, FINEST + _TABLE_BITS - span.bit_length()))


def _on_the_finest(values: Floats, bits: int, keys: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Bins on the finest grid, of values that have few on the grid of `bits`.

    Sorting is left to columns where a bin does hold several values: mostly there are few different ones in all, and whole numbers
    are seen at a glance.
    """
    present = values[~np.isnan(values)] + 0.0  # makes one zero of -0.0 and 0.0
    dropped = FINEST - bits
    below = np.int64((1 << dropped) - 1)
    if not int(np.bitwise_or.reduce(present.view(np.int64))) & int(below):
        return keys << dropped, counts
    single = bins.only_values(present, bits)
    if single is not None:
        return single, counts
    return bins.count(present, FINEST)


def _fitted(found: Counted) -> Counted:
    """On the finest grid, up to the one that it is on, that has at most MOST_BINS bins, or on the coarsest."""
    if len(found.keys) <= MOST_BINS or found.bits == COARSEST:
        return found
    fits, too_fine = COARSEST, found.bits
    while too_fine - fits > 1:
        middle = (fits + too_fine) // 2
        keys = _coarser(found.keys, found.bits - middle)
        if 1 + int(np.count_nonzero(keys[1:] != keys[:-1])) <= MOST_BINS:
            fits = middle
        else:
            too_fine = middle
    return found.on(fits)


def _coarser(keys: Ints, by: int) -> Ints:
    """Keys with `by` bits less; zero has the values next to it on either side."""
    magnitude = np.abs(keys) >> by
    return np.where(keys < 0, -magnitude, magnitude)

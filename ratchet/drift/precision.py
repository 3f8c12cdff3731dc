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
        values: float64 of shape (n,), contiguous, none of them infinite, at least one a number.
        low: the smallest of them.
        high: the largest.
    """
    bits = _room(bins.key_of(high) - bins.key_of(low), FINEST)
    found = Counted(*bins.count(values, bits), bits)
    if len(found.keys) <= MOST_BINS and bits < FINEST:
        found = _finer(values, found)
    return _fitted(found)


def _room(span: int, bits: int) -> int:
    """The finest grid on which a table over `span`, which is in bins of the grid of `bits`, is small."""
    return min(FINEST, max(COARSEST, bits + _TABLE_BITS - span.bit_length()))


def _finer(values: Floats, found: Counted) -> Counted:
    """Count again what has few bins on the grid where a table was small.

    Whole numbers are seen at a glance. Zeros far from the rest leave room for a finer table. Of few values in all no two share a
    bin. What then is left (a bulk, and few values far away on either side) is sorted, which takes ten times as long.
    """
    present = values if int(found.counts.sum()) == len(values) else values[~np.isnan(values)]
    dropped = FINEST - found.bits
    if not int(np.bitwise_or.reduce(present.view(np.int64))) & ((1 << dropped) - 1):
        return Counted(found.keys << dropped, found.counts, FINEST)
    away = found.keys[found.keys != 0]
    one_sign = len(away) and (away[0] > 0 or away[-1] < 0)
    bits = _room(int(away[-1] - away[0]), found.bits) if one_sign else found.bits
    if bits > found.bits:
        again = Counted(*bins.count(present, bits), bits)
        if len(again.keys) > MOST_BINS:
            return again
    single = bins.only_values(present, found.bits)
    if single is not None:
        return Counted(single, found.counts, FINEST)
    return Counted(*bins.count(present, FINEST), FINEST)


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

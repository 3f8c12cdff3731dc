"""Values counted on a grid by a table. Each value's cell is kept: bins that turn out too few are divided, not counted anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ratchet.drift.bins import COARSEST, FINEST, MAGNITUDE, Floats, Ints, apply_sign, close_gap, fits, open_gap, span_of

_MINUS_ZERO = np.int64(-(2**63))


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """n values in k bins of the grid of `bits`.

    `patterns` are their bits and `cells` their places in a table of `size` cells, both of shape (n,); a missing value counts as a
    zero until `counted` takes it off. `occupied` are the cells that hold something, increasing, with their `keys` and `counts`, all
    of shape (k,); keys increase too, but for the parts of a divided bin below zero.
    """

    patterns: Ints
    missing: int
    cells: Ints
    size: int
    occupied: Ints
    keys: Ints
    counts: Ints
    bits: int

    @classmethod
    def of(cls, values: Floats, bits: int) -> Self:
        """Count n > 0 values, contiguous, none of them infinite; NaN is a missing one.

        A value costs some passes over an array that stays in the processor's cache, and one addition to a table. Nothing is masked
        out or sorted, and both signs share one table.
        """
        empty = np.isnan(values)
        missing = int(np.count_nonzero(empty))
        patterns = (np.where(empty, 0.0, values) if missing else values).view(np.int64)
        cells = patterns & MAGNITUDE
        cells >>= FINEST - bits
        gap = close_gap(cells)
        least = patterns.min()
        if least < 0:
            apply_sign(cells, patterns >> 63)
        if least == _MINUS_ZERO:
            patterns = np.where(patterns == _MINUS_ZERO, 0, patterns)
        lowest, size = span_of(cells)
        if not fits(size, len(cells)):
            distinct, cells, counts = np.unique(cells, return_inverse=True, return_counts=True)
            keys = open_gap(distinct, gap)
            return cls(patterns, missing, cells, len(keys), np.arange(len(keys)), keys, counts.astype(np.int64), bits)
        cells -= lowest
        table = np.bincount(cells)
        occupied = np.flatnonzero(table)
        return cls(patterns, missing, cells, size, occupied, open_gap(occupied + lowest, gap), table[occupied], bits)

    def counted(self) -> tuple[Ints, Ints]:
        """Keys, strictly increasing and ordered as the values are (negative below zero), and their counts (all positive)."""
        keys, counts = self.keys, self.counts
        if self.missing:
            counts = counts - self.missing * (keys == 0)
            keys, counts = keys[counts > 0], counts[counts > 0]
        if len(keys) and keys[0] < 0:
            order = np.argsort(keys)
            keys, counts = keys[order], counts[order]
        return keys, counts

    @property
    def whole(self) -> bool:
        """Whether every value lies at its bin's edge next to zero: no finer grid tells more of them apart."""
        return not int(np.bitwise_or.reduce(self.patterns)) & ((1 << FINEST - self.bits) - 1)

    def divided(self, most: int) -> Self | None:
        """Each bin in two, or four, or as many as a table of `most` cells allows: bins may lie far apart.

        None where zero's bin holds other values too, which lie on either side.
        """
        more = min(FINEST - self.bits, max(1, (most // len(self.keys)).bit_length() - 1))
        firsts = np.zeros(self.size, dtype=np.int64)
        firsts[self.occupied] = np.arange(len(self.keys)) << more
        cells = firsts[self.cells]
        cells |= (self.patterns >> (FINEST - self.bits - more)) & ((1 << more) - 1)
        size = len(self.keys) << more
        table = np.bincount(cells, minlength=size)
        if table.reshape(len(self.keys), -1)[self.keys == 0, 1:].any():
            return None
        occupied = np.flatnonzero(table)
        above, parts = self.keys[occupied >> more], occupied & ((1 << more) - 1)
        keys = np.where(above < 0, -((-above << more) | parts), (above << more) | parts)
        return type(self)(self.patterns, self.missing, cells, size, occupied, keys, table[occupied], self.bits + more)

    def single(self) -> Self | None:
        """The same on the finest grid if no two different values share a bin; None where some do."""
        table = np.zeros(self.size, dtype=np.int64)
        table[self.cells] = self.patterns  # of several values, one stays
        if not (table[self.cells] == self.patterns).all():
            return None
        kept = table[self.occupied]
        keys = kept & MAGNITUDE
        apply_sign(keys, kept >> 63)
        return type(self)(self.patterns, self.missing, self.cells, self.size, self.occupied, keys, self.counts, FINEST)

    def seems_single(self, sample: int) -> bool:
        """Whether no two different values of the first `sample` share a bin, as where the values are few."""
        cells, patterns = self.cells[:sample], self.patterns[:sample]
        order = np.lexsort((patterns, cells))
        cells, patterns = cells[order], patterns[order]
        return not ((cells[1:] == cells[:-1]) & (patterns[1:] != patterns[:-1])).any()


def count(values: Floats, bits: int = COARSEST) -> tuple[Ints, Ints]:
    """Count values by bin of the grid of `bits`; NaN is left out.

    Args:
        values: float64 of shape (n,), none of them infinite.
        bits: of the mantissa.

    Returns:
        Keys and counts as of `Tally.counted`.
    """
    if not len(values):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return Tally.of(np.ascontiguousarray(values, dtype=np.float64), bits).counted()

"""The universal grids on which numbers are counted: functions of the value alone, one within the other.

A bin is a float64 cut down to sign, exponent and the first bits of its mantissa, 12 on the coarsest grid and all 52 on the
finest. No edge depends on data, so partitions and snapshots share their bins and merging is the addition of integers. On the
coarsest grid a bin is at most 1/4096 of its value wide, and integers up to 8,192 have bins of their own; on the finest every
value has. Which grid a column is counted on is precision.py's to say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

COARSEST, FINEST = 12, 52  # bits of the mantissa
MAGNITUDE = np.int64(2**63 - 1)  # all bits but the sign

# Bincount needs a table over the span of keys, sorting does not: beyond this many table cells a row (an octave has 4,096 keys)
# sorting is the faster one, and the table is never out of proportion to the data.
_CELLS_PER_ROW = 8
_CELLS_FREE = 1 << 17


def last_key(bits: int) -> int:
    """The bin of the largest finite float64."""
    return (0x7FF << bits) - 1


def values_of(keys: Ints, bits: int = COARSEST) -> Floats:
    """The value that stands for each bin: its edge next to zero, which is the value itself where the bin holds one integer."""
    return np.copysign((np.abs(keys) << (FINEST - bits)).view(np.float64), keys)


def key_of(value: float) -> int:
    """The bin of a finite value on the finest grid."""
    key = int(np.float64(abs(value)).view(np.int64))
    return -key if value < 0 else key


def changes(keys: Ints) -> Ints:
    """How many bits each of k keys must lose to share a bin with the next, shape (k - 1,); keys are strictly increasing."""
    magnitude = np.abs(keys)
    one, other = magnitude[:-1], magnitude[1:]
    differ = np.where((keys[:-1] ^ keys[1:]) < 0, one | other, one ^ other)
    differ &= ~(differ >> 1)  # the same highest bit, and no rounding up to the next as a float
    lengths: Ints = np.frexp(differ.astype(np.float64))[1].astype(np.int64)
    return lengths


def merge(keys: Ints, counts: Ints, other_keys: Ints, other_counts: Ints) -> tuple[Ints, Ints]:
    """Add two counts, each with strictly increasing keys. Integers only, so the order of merging cannot show in the result."""
    together = np.concatenate([keys, other_keys])
    if not len(together):
        return keys, counts
    cells = np.abs(together)
    gap = close_gap(cells)
    apply_sign(cells, together >> 63)
    lowest, span = span_of(cells)
    if not fits(span, len(cells)):
        order = np.argsort(together, kind="stable")
        merged = together[order]
        starts = np.flatnonzero(np.concatenate(([True], merged[1:] != merged[:-1])))
        return merged[starts], np.add.reduceat(np.concatenate([counts, other_counts])[order], starts)
    cells -= lowest
    table = np.zeros(span, dtype=np.int64)
    table[cells[: len(keys)]] = counts
    table[cells[len(keys) :]] += other_counts
    offsets = np.flatnonzero(table)
    return open_gap(offsets + lowest, gap), table[offsets]


def close_gap(magnitude: Ints) -> int:
    """Move magnitudes, in place, down to zero's neighbourhood: 0 stays 0 and the smallest other becomes 1. Returns by how much.

    Zero's bin is four million below that of 1, and a table over both would be mostly empty.
    """
    gap = int((magnitude - 1).view(np.uint64).min())  # zero turns into the largest number of all
    if gap > MAGNITUDE:
        return 0
    magnitude -= gap
    np.maximum(magnitude, 0, out=magnitude)
    return gap


def open_gap(cells: Ints, gap: int) -> Ints:
    """The inverse of `close_gap` on signed cells."""
    keys: Ints = cells + gap * np.sign(cells)
    return keys


def apply_sign(magnitude: Ints, sign: Ints) -> None:
    """Negate in place where `sign` is -1; elsewhere it is 0."""
    magnitude ^= sign
    magnitude -= sign


def span_of(cells: Ints) -> tuple[int, int]:
    """The lowest cell, and the length of a table from it to the highest."""
    lowest = int(cells.min())
    return lowest, int(cells.max()) - lowest + 1


def fits(span: int, rows: int) -> bool:
    """Whether a table of `span` cells is in proportion to so many rows."""
    return span <= _CELLS_FREE + _CELLS_PER_ROW * rows

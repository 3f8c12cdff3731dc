"""The universal grid on which numbers are counted: a function of the value alone.

A bin is a float64 cut down to sign, exponent and the first 12 bits of its mantissa. No edge depends on data, so partitions and
snapshots always share their bins and merging is the addition of integers. A bin is at most 1/4096 of its value wide; integers up to
8,192 have bins of their own. The price: a column whose spread is below 1/4096 of its values (seconds since 1970, say) looks
constant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MANTISSA_BITS = 12
_SHIFT = 52 - MANTISSA_BITS
_MAGNITUDE = np.int64(2**63 - 1)  # all bits but the sign
LAST_KEY = (0x7FF << MANTISSA_BITS) - 1  # the bin of the largest finite float64

# Bincount needs a table over the span of keys, sorting does not: beyond this many table cells a row (an octave has 4,096 keys)
# sorting is the faster one, and the table is never out of proportion to the data.
_CELLS_PER_ROW = 8
_CELLS_FREE = 1 << 17


def count(values: Floats) -> tuple[Ints, Ints]:
    """Count finite values by bin.

    Args:
        values: finite float64 of shape (n,).

    Returns:
        Keys, strictly increasing and ordered as the values are (negative below zero), and their counts (all positive).
    """
    magnitude = (np.ascontiguousarray(values, dtype=np.float64).view(np.int64) & _MAGNITUDE) >> _SHIFT
    keys = np.where(values < 0, -magnitude, magnitude)
    below, below_counts = _tally(-keys[keys < 0])
    above, above_counts = _tally(keys[keys > 0])
    zeros = len(keys) - int(below_counts.sum()) - int(above_counts.sum())
    middle = np.zeros(1 if zeros else 0, dtype=np.int64)
    return np.concatenate([-below[::-1], middle, above]), np.concatenate([below_counts[::-1], middle + zeros, above_counts])


def values_of(keys: Ints) -> Floats:
    """The value that stands for each bin: its edge next to zero, which is the value itself where the bin holds one integer."""
    return np.copysign((np.abs(keys) << _SHIFT).view(np.float64), keys)


def merge(keys: Ints, counts: Ints, other_keys: Ints, other_counts: Ints) -> tuple[Ints, Ints]:
    """Add two counts, each with strictly increasing keys. Integers only, so the order of merging cannot show in the result."""
    merged, where = np.unique(np.concatenate([keys, other_keys]), return_inverse=True)
    total = np.zeros(len(merged), dtype=np.int64)
    np.add.at(total, where, np.concatenate([counts, other_counts]))
    return merged, total


def _tally(magnitude: Ints) -> tuple[Ints, Ints]:
    """Distinct keys, increasing, with their counts."""
    if not len(magnitude):
        return magnitude, magnitude
    lowest = magnitude.min()
    if magnitude.max() - lowest > _CELLS_FREE + _CELLS_PER_ROW * len(magnitude):
        keys, counts = np.unique(magnitude, return_counts=True)
        return keys, counts.astype(np.int64)
    table = np.bincount(magnitude - lowest)
    offsets = np.flatnonzero(table)
    return (offsets + lowest).astype(np.int64), table[offsets].astype(np.int64)

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
_MAGNITUDE = np.int64(2**63 - 1)  # all bits but the sign

# Bincount needs a table over the span of keys, sorting does not: beyond this many table cells a row (an octave has 4,096 keys)
# sorting is the faster one, and the table is never out of proportion to the data.
_CELLS_PER_ROW = 8
_CELLS_FREE = 1 << 17


def last_key(bits: int) -> int:
    """The bin of the largest finite float64."""
    return (0x7FF << bits) - 1


def count(values: Floats, bits: int = COARSEST) -> tuple[Ints, Ints]:
    """Count values by bin; NaN is left out.

    A value costs some passes over an array that stays in the processor's cache, and one addition to a table. Nothing is masked out
    or sorted: a missing value is counted as a zero and taken off again, and both signs share one table.

    Args:
        values: float64 of shape (n,), none of them infinite.
        bits: of the mantissa.

    Returns:
        Keys, strictly increasing and ordered as the values are (negative below zero), and their counts (all positive).
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    if not len(values):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    empty = np.isnan(values)
    missing = int(np.count_nonzero(empty))
    patterns = (np.where(empty, 0.0, values) if missing else values).view(np.int64)
    cells = patterns & _MAGNITUDE
    cells >>= FINEST - bits
    gap = _close_gap(cells)
    if patterns.min() < 0:
        _apply_sign(cells, patterns >> 63)
    distinct, counts = _tally(cells)
    if missing:
        zero = int(np.searchsorted(distinct, 0))
        counts[zero] -= missing
        if not counts[zero]:
            distinct, counts = np.delete(distinct, zero), np.delete(counts, zero)
    return _open_gap(distinct, gap), counts


def values_of(keys: Ints, bits: int = COARSEST) -> Floats:
    """The value that stands for each bin: its edge next to zero, which is the value itself where the bin holds one integer."""
    return np.copysign((np.abs(keys) << (FINEST - bits)).view(np.float64), keys)


def key_of(value: float) -> int:
    """The bin of a finite value on the finest grid."""
    key = int(np.float64(abs(value)).view(np.int64))
    return -key if value < 0 else key


def only_values(values: Floats, bits: int) -> Ints | None:
    """The finest keys of values of which no two different ones share a bin of the grid of `bits`; None where some do.

    Args:
        values: float64 of shape (n,), n > 0, finite, no NaN.
        bits: of the mantissa.
    """
    patterns = (values + 0.0).view(np.int64)  # + 0.0 makes one zero of -0.0 and 0.0
    cells = patterns & _MAGNITUDE
    cells >>= FINEST - bits
    _close_gap(cells)
    if patterns.min() < 0:
        _apply_sign(cells, patterns >> 63)
    lowest, span = _span(cells)
    if not _fits(span, len(cells)):
        return None
    cells -= lowest
    table = np.zeros(span, dtype=np.int64)
    table[cells] = patterns  # of several values, one stays
    if not (table[cells] == patterns).all():
        return None
    found = np.zeros(span, dtype=np.bool_)
    found[cells] = True
    kept = table[found]
    keys = kept & _MAGNITUDE
    _apply_sign(keys, kept >> 63)
    return keys


def merge(keys: Ints, counts: Ints, other_keys: Ints, other_counts: Ints) -> tuple[Ints, Ints]:
    """Add two counts, each with strictly increasing keys. Integers only, so the order of merging cannot show in the result."""
    together = np.concatenate([keys, other_keys])
    if not len(together):
        return keys, counts
    cells = np.abs(together)
    gap = _close_gap(cells)
    _apply_sign(cells, together >> 63)
    lowest, span = _span(cells)
    if not _fits(span, len(cells)):
        merged, where = np.unique(together, return_inverse=True)
        total = np.zeros(len(merged), dtype=np.int64)
        np.add.at(total, where, np.concatenate([counts, other_counts]))
        return merged, total
    cells -= lowest
    table = np.zeros(span, dtype=np.int64)
    table[cells[: len(keys)]] = counts
    table[cells[len(keys) :]] += other_counts
    offsets = np.flatnonzero(table)
    return _open_gap(offsets + lowest, gap), table[offsets]


def _close_gap(magnitude: Ints) -> int:
    """Move magnitudes, in place, down to zero's neighbourhood: 0 stays 0 and the smallest other becomes 1. Returns by how much.

    Zero's bin is four million below that of 1, and a table over both would be mostly empty.
    """
    gap = int((magnitude - 1).view(np.uint64).min())  # zero turns into the largest number of all
    if gap > _MAGNITUDE:
        return 0
    magnitude -= gap
    np.maximum(magnitude, 0, out=magnitude)
    return gap


def _open_gap(cells: Ints, gap: int) -> Ints:
    """The inverse of `_close_gap` on signed cells."""
    keys: Ints = cells + gap * np.sign(cells)
    return keys


def _apply_sign(magnitude: Ints, sign: Ints) -> None:
    """Negate in place where `sign` is -1; elsewhere it is 0."""
    magnitude ^= sign
    magnitude -= sign


def _span(cells: Ints) -> tuple[int, int]:
    """The lowest cell, and the length of a table from it to the highest."""
    lowest = int(cells.min())
    return lowest, int(cells.max()) - lowest + 1


def _fits(span: int, rows: int) -> bool:
    return span <= _CELLS_FREE + _CELLS_PER_ROW * rows


def _tally(cells: Ints) -> tuple[Ints, Ints]:
    """Distinct cells, increasing, with their counts. May change `cells`."""
    lowest, span = _span(cells)
    if not _fits(span, len(cells)):
        distinct, counts = np.unique(cells, return_counts=True)
        return distinct, counts.astype(np.int64)
    cells -= lowest
    table = np.bincount(cells)
    offsets = np.flatnonzero(table)
    return (offsets + lowest).astype(np.int64), table[offsets].astype(np.int64)

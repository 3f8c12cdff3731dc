"""Rows that are on both sides of the holdout's border: the same features and the same label under another entity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Labels
from ratchet.core.schema import Columns

_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio (Knuth), to spread one column's bits before the next
_SHIFT = np.uint64(29)


def copied(columns: Columns, labels: Labels, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows are held out and have an exact copy among the others, shape (n,).

    Rows are told apart by 64 bits of their values, so that a count over millions takes no comparison of each with each; one pair of
    different rows in 10^19 is taken for a copy. Texts are looked at for those rows alone whose numbers agree.

    Args:
        columns: n rows of every feature.
        labels: n labels.
        held: which of the rows are held out.
    """
    numbers = [values for values in columns.values() if values.dtype != object]
    texts = [values for values in columns.values() if values.dtype == object]
    digest = _mixed(np.zeros(len(labels), np.uint64), _bits(labels.astype(np.float64)))
    for values in numbers:
        digest = _mixed(digest, _bits(values))
    on_both = np.intersect1d(digest[held], digest[~held])
    rows = np.flatnonzero(np.isin(digest, on_both))
    digest, inside = digest[rows], held[rows]
    for values in texts:
        digest = _mixed(digest, _codes(values[rows]))
    found = np.zeros(len(labels), np.bool_)
    found[rows] = inside & np.isin(digest, digest[~inside])
    return found


def _bits(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """The numbers' bits: all NaN are one missing value, and -0.0 is 0.0."""
    plain = np.where(np.isnan(values), np.nan, values + 0.0)
    return np.ascontiguousarray(plain, np.float64).view(np.uint64)


def _codes(values: NDArray[np.object_]) -> NDArray[np.uint64]:
    known: dict[str | None, int] = {}
    return np.fromiter((known.setdefault(value, len(known)) for value in values.tolist()), np.uint64, len(values))


def _mixed(digest: NDArray[np.uint64], part: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection of the part for each digest, so that only what differs in several columns can meet (after Vigna's splitmix64)."""
    mixed = (digest ^ part) * _ODD
    mixed = (mixed ^ (mixed >> _SHIFT)) * _ODD
    return mixed ^ (mixed >> _SHIFT)

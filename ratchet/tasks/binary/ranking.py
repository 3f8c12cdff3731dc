"""Scores in order, once a model: whatever is asked of all rows or of some after that takes a few passes over whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Scores

Labels = NDArray[np.int8]  # 0 or 1
Positions = NDArray[np.int64]
Counts = NDArray[np.signedinteger[Any]]
Bools = NDArray[np.bool_]

_BITS = 63  # of a key that sorts as a whole number
_SHORT = 2**30  # twice a count below it fits four bytes
_FEW = 16  # groups that are found one by one sooner than by sorting the rows by group


def increasing(scores: Scores) -> tuple[Positions, Scores]:
    """The rows of n scores by increasing score, and the scores in that order.

    Numbers of at least 0 are sorted as whole numbers with the row in the lower bits, for which numpy has vector instructions where
    it has none for positions: four times as fast. The bits of the score that do not fit beside the row hardly ever decide; where
    they do, the nearly sorted order is sorted again.
    """
    values = np.add(scores, 0.0, dtype=np.float64)  # a zero below zero has other bits
    width = len(values).bit_length()
    if not len(values) or not values.min() >= 0:  # NaN is none
        rows = np.argsort(values)
        return rows, values[rows]
    bits = values.view(np.int64)
    least = int(bits.min())
    keys = bits - least
    keys >>= max(0, (int(bits.max()) - least).bit_length() + width - _BITS)
    keys <<= width
    keys |= np.arange(len(keys))
    keys.sort()
    keys &= (1 << width) - 1
    ordered = values[keys]
    if (ordered[1:] < ordered[:-1]).any():
        again = np.argsort(ordered, kind="stable")
        return keys[again], ordered[again]
    return keys, ordered


def members(groups: Counts, count: int) -> list[Positions]:
    """Where each of `count` groups stands among n rows, in order. A number that is none of 0 to count - 1 is no group's."""
    if count <= _FEW:
        return [np.flatnonzero(groups == group) for group in range(count)]
    ends = np.cumsum(np.bincount(groups + 1, minlength=count + 1))  # first those of no group, which have -1
    return np.split(np.argsort(groups, kind="stable"), ends)[1:-1]


def beaten(ones: Bools, runs: Counts | None) -> Counts:
    """Twice the count of the other class's rows below each of s rows, ties counting half: whole numbers, so that sums are exact.

    Args:
        ones: which rows are positive, in increasing order of their scores.
        runs: a number for each, equal where the scores are; None where no two are.
    """
    size = len(ones)
    kind: type[np.signedinteger[Any]] = np.int32 if size < _SHORT else np.int64
    below: Counts = np.cumsum(ones, dtype=kind)
    if runs is None:
        place: Counts = np.arange(1, size + 1, dtype=kind)
        return 2 * np.where(ones, place - below, below)
    starts = np.flatnonzero(np.concatenate(([True], runs[1:] != runs[:-1])))
    lengths = np.diff(starts, append=size)
    up_to = below[starts + lengths - 1]
    before = np.concatenate(([0], up_to[:-1]))
    here = up_to - before
    losses, wins = 2 * (starts - before) + lengths - here, 2 * before + here
    return np.where(ones, np.repeat(losses, lengths), np.repeat(wins, lengths))


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A model's n rows in increasing order of score, each array of shape (n,).

    `runs` numbers the different scores, None where all are different; `ones` says which rows are positive, `beaten` what each
    beats.
    """

    rows: Positions
    runs: Counts | None
    ones: Bools
    beaten: Counts

    @classmethod
    def of(cls, labels: Labels, scores: Scores) -> Self:
        """Of n labels and scores."""
        rows, ordered = increasing(scores)
        above = ordered[1:] != ordered[:-1]
        runs = None if above.all() else np.concatenate(([0], np.cumsum(above)))
        ones = (labels == 1)[rows]
        return cls(rows, runs, ones, beaten(ones, runs))

    def within(self, places: list[Positions]) -> Counts:
        """What each row beats within its group, in this model's order; 0 for rows of no group. `places` as `members` gives them."""
        found = np.zeros_like(self.beaten)
        for at in places:
            found[at] = beaten(self.ones[at], None if self.runs is None else self.runs[at])
        return found

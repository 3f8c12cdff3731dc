"""Whether a column knows the label: a copy of it, or what was written down after it was known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_RARE = 20  # rows of the rarer label below which an AUC near 1 may be luck
_PER_VALUE = 20  # rows a value, below which few rows of it may have one label by luck
_LUCK = 1e-9  # chance of a pattern, if label and column had nothing to do with each other
_ODD = 1e-3  # chance below which a pattern is worth a question
_BY_FILLING = 0.95  # AUC of whether a cell is filled
_NEARLY = 0.98  # AUC of one column alone
_TWO = 2


@dataclass(frozen=True, slots=True)
class Hint:
    """Why a column seems to know the label, and the chance of that if it did not."""

    why: str
    chance: float = 0.0

    @property
    def sure(self) -> bool:
        """Whether luck is out of the question; else somebody has to be asked."""
        return self.chance < _LUCK

    def again(self, other: Hint | None) -> Hint:
        """Seen in one snapshot more: the chance is that of both."""
        return self if other is None else Hint(self.why, self.chance * other.chance)


def knows(values: pd.Series, labels: NDArray[np.int8]) -> Hint | None:
    """Why the column would be left out; None where it may be a feature.

    Args:
        values: one column of the labelled rows, numbers or objects, missing where empty.
        labels: 0 or 1, of the same rows.
    """
    there = values.notna().to_numpy()
    many = _rarer(labels) >= _RARE
    if filled := _filled(there, labels, many=many):
        return filled
    own = labels[there]
    return _told_apart(values[there], own, many=many) if 0 < own.sum() < len(own) else None


def _told_apart(values: pd.Series, labels: NDArray[np.int8], *, many: bool) -> Hint | None:
    """Of cells that are filled: whether a value has one label alone, or numbers of one label lie beyond those of the other."""
    codes, found = pd.factorize(values)
    hits, rows = np.bincount(codes, labels, len(found)), np.bincount(codes, minlength=len(found))
    repeated = len(labels) >= _PER_VALUE * len(found)
    splits = _ways(len(labels), int(labels.sum()))
    if ((hits == 0) | (hits == rows)).all():
        if len(found) == _TWO:
            return Hint("a copy of the label", _chance(_TWO * math.log(2) - splits))
        if repeated:  # at most 2 ** values of the ways to spread the labels are alike
            return _odd(f"each of its {len(found):,} values has one label alone", len(found) * math.log(2) - splits)
    number = pd.api.types.is_numeric_dtype(values.dtype)
    if not number and not repeated:
        return None
    auc = _auc(values.to_numpy(dtype=np.float64) if number else (hits / rows)[codes], labels)
    if auc >= 1.0:
        return _odd("it tells the labels apart without an error", math.log(2) - splits)
    return Hint(f"alone it tells the labels apart with an AUC of {auc:.3f}") if many and auc >= _NEARLY else None


def _filled(there: NDArray[np.bool_], labels: NDArray[np.int8], *, many: bool) -> Hint | None:
    """Whether cells are filled for one label alone, more than luck would have it."""
    own, ones = labels[there], int(labels.sum())
    if there.all() or not len(own):
        return None
    for label, rows in ((1, ones), (0, len(labels) - ones)):
        if (own == label).all():
            # of all the ways to fill as many cells, those that fill this label's alone
            chance = _ways(rows, len(own)) - _ways(len(labels), len(own))
            if len(own) == rows:
                return Hint(f"it is filled only where the label is {label}, and in all of those", _chance(chance))
            if hint := _odd(f"it is filled only where the label is {label}", chance):
                return hint
    auc = _auc(there.astype(np.float64), labels)
    return Hint(f"whether it is filled tells the labels apart with an AUC of {auc:.3f}") if many and auc >= _BY_FILLING else None


def _odd(why: str, logarithm: float) -> Hint | None:
    """A hint, unless luck explains it."""
    return Hint(why, _chance(logarithm)) if _chance(logarithm) < _ODD else None


def _ways(rows: int, chosen: int) -> float:
    """The logarithm of how many ways there are to choose some of the rows."""
    return math.lgamma(rows + 1) - math.lgamma(chosen + 1) - math.lgamma(rows - chosen + 1)


def _chance(logarithm: float) -> float:
    return math.exp(min(0.0, logarithm))


def _rarer(labels: NDArray[np.int8]) -> int:
    ones = int(labels.sum())
    return min(ones, len(labels) - ones)


def _auc(score: NDArray[np.float64], labels: NDArray[np.int8]) -> float:
    """Of the better direction, ties counted half (Mann and Whitney)."""
    ranks = pd.Series(score).rank().to_numpy()
    ones = int(labels.sum())
    area = (ranks[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(labels) - ones))
    return float(max(area, 1 - area))

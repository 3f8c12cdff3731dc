"""Whether a column knows the label: a copy of it, or what was written down after it was known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_RARE = 20  # rows of the rarer label below which a perfect split may be luck
_PER_VALUE = 20  # rows a value, below which few rows of it may have one label by luck
_LUCK = 1e-9  # chance of a pattern, if label and column had nothing to do with each other
_BY_FILLING = 0.95  # AUC of whether a cell is filled
_NEARLY = 0.98  # AUC of one column alone


def knows(values: pd.Series, labels: NDArray[np.int8]) -> str:
    """Why the column is left out; empty where it may be a feature.

    Args:
        values: one column of the labelled rows, numbers or objects, missing where empty.
        labels: 0 or 1, of the same rows.
    """
    positives = int(labels.sum())
    there = values.notna().to_numpy()
    if min(positives, len(labels) - positives) < _RARE:
        return ""
    if filled := _filled(there, labels):
        return filled
    own = labels[there]
    return _told_apart(values[there], own) if 0 < own.sum() < len(own) else ""


def _told_apart(values: pd.Series, labels: NDArray[np.int8]) -> str:
    """Of cells that are filled: whether a value has one label alone, or numbers of one label lie beyond those of the other."""
    codes, found = pd.factorize(values)
    hits, rows = np.bincount(codes, labels, len(found)), np.bincount(codes, minlength=len(found))
    repeated = len(labels) >= _PER_VALUE * len(found)
    if repeated and ((hits == 0) | (hits == rows)).all():
        return "a copy of the label" if len(found) == 2 else f"each of its {len(found):,} values has one label alone"  # noqa: PLR2004
    number = pd.api.types.is_numeric_dtype(values.dtype)
    if not number and not repeated:
        return ""
    auc = _auc(values.to_numpy(dtype=np.float64) if number else (hits / rows)[codes], labels)
    if auc >= 1.0:
        return "it tells the labels apart without an error"
    return f"alone it tells the labels apart with an AUC of {auc:.3f}" if auc >= _NEARLY else ""


def _filled(there: NDArray[np.bool_], labels: NDArray[np.int8]) -> str:
    """Whether cells are filled for one label alone, more than luck would have it."""
    own, rate = labels[there], labels.mean()
    if there.all() or len(own) < _RARE:
        return ""
    for label, share in ((1, rate), (0, 1 - rate)):
        if (own == label).all() and len(own) * math.log(share) < math.log(_LUCK):
            return f"it is filled only where the label is {label}"
    auc = _auc(there.astype(np.float64), labels)
    return f"whether it is filled tells the labels apart with an AUC of {auc:.3f}" if auc >= _BY_FILLING else ""


def _auc(score: NDArray[np.float64], labels: NDArray[np.int8]) -> float:
    """Of the better direction, ties counted half (Mann and Whitney)."""
    ranks = pd.Series(score).rank().to_numpy()
    ones = int(labels.sum())
    area = (ranks[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(labels) - ones))
    return float(max(area, 1 - area))

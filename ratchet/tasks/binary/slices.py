"""The comparison within groups: a candidate that is better on the whole may not be worse for one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Scores
from ratchet.core.measurement import SliceComparison
from ratchet.tasks.binary.auc import Labels, Ranked, compare

POSITIVE = "positive"  # what a row of label 1 is called where rows are counted
_SHORT = 2**15


def compare_slices(
    slices: Mapping[str, NDArray[Any]],
    labels: Labels,
    candidate: Scores | Ranked,
    champion: Scores | Ranked,
    *,
    confidence: float,
    min_rows: int,
    min_per_class: int,
) -> list[SliceComparison]:
    """Compare two models within each value of each slice.

    Args:
        slices: name -> n group values (text, None for missing).
        labels: n labels, 0 or 1.
        candidate: n probabilities.
        champion: n probabilities.
        confidence: of all intervals together; each is widened for the number of groups (Bonferroni).
        min_rows: smaller groups are listed without figures.
        min_per_class: groups with fewer positives or negatives likewise.
    """
    first, second = (scores if isinstance(scores, Ranked) else Ranked.of(scores) for scores in (candidate, champion))
    ones = labels == 1
    groups: list[tuple[str, str, int, int, Ranked, Ranked]] = []
    for name, values in slices.items():
        names, codes = _groups(values)
        rows = np.bincount(codes, minlength=len(names))
        parts = zip(names, rows.tolist(), np.bincount(codes[ones], minlength=len(names)).tolist(), strict=True)
        split = zip(first.split(codes, rows), second.split(codes, rows), strict=True)
        groups.extend((name, *part, *both) for part, both in zip(parts, split, strict=True))
    enough = [rows >= min_rows and min(ones, rows - ones) >= min_per_class for _, _, rows, ones, _, _ in groups]
    each = 1 - (1 - confidence) / max(1, sum(enough))
    return [
        SliceComparison(name, value, rows, {POSITIVE: ones}, compare(labels, a, b, each) if ok else None)
        for (name, value, rows, ones, a, b), ok in zip(groups, enough, strict=True)
    ]


def _groups(values: NDArray[Any]) -> tuple[list[str], NDArray[np.signedinteger[Any]]]:
    """The values as text, sorted, and each row's position among them."""
    cells = values.tolist()
    texts = {value: "(missing)" if value is None else str(value) for value in set(cells)}
    names = sorted(set(texts.values()))
    at = {name: position for position, name in enumerate(names)}
    kind = np.int16 if len(names) < _SHORT else np.int64  # numpy sorts two bytes by radix
    return names, np.fromiter(map({value: at[text] for value, text in texts.items()}.__getitem__, cells), kind, len(cells))

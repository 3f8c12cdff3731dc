"""The comparison within groups: a candidate that is better on the whole may not be worse for one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.auc import Interval, Labels, Paired, Ranked, Scores, compare
from ratchet.core.decision import Reason, Verdict, number

_SHORT = 2**15


@dataclass(frozen=True, slots=True)
class SliceComparison:
    """One group: `contract_type = One year`. `paired` is None when the group is too small to tell."""

    name: str
    value: str
    rows: int
    positives: int
    paired: Paired | None

    @property
    def label(self) -> str:
        """How reasons and reports name the group."""
        return f"{self.name} = {self.value}"


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
        SliceComparison(name, value, rows, ones, compare(labels, a, b, each) if ok else None)
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


def no_worse(group: str, delta: Interval, margin: float) -> Reason:
    """FAIL when the candidate is worse for the group beyond the margin and beyond doubt.

    That is the promotion rule mirrored: the loss exceeds the margin and the whole interval lies below zero. Non-inferiority proper
    (an interval wholly above -margin) would refuse almost every candidate over groups of some hundred rows.
    """
    bound = number(-margin)
    if delta.value >= -margin:
        return Reason(Verdict.PASS, f"{group}: delta {number(delta.value)} >= {bound}")
    worse = f"{group}: delta {number(delta.value)} < {bound}"
    if delta.high < 0:
        return Reason(Verdict.FAIL, f"{worse} and its upper end {number(delta.high)} < 0")
    return Reason(Verdict.PASS, f"{worse}, but not beyond doubt: upper end {number(delta.high)} >= 0")

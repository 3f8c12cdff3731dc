"""The comparison within groups: a candidate that is better on the whole may not be worse for one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Clusters, Scores
from ratchet.core.measurement import SliceComparison
from ratchet.tasks.binary.auc import Labels, Positions, Ranked, compare
from ratchet.tasks.binary.calibration import Calibration

POSITIVE = "positive"  # what a row of label 1 is called where rows are counted
_SHORT = 2**15


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one group: where they stand, in order, and ranked by each model."""

    name: str
    value: str
    rows: int
    ones: int
    at: Positions
    candidate: Ranked
    champion: Ranked
    among: str = ""

    def enough(self, min_rows: int, min_per_class: int) -> bool:
        return self.rows >= min_rows and min(self.ones, self.rows - self.ones) >= min_per_class


def compare_slices(
    slices: Mapping[str, NDArray[Any]],
    labels: Labels,
    candidate: Scores | Ranked,
    champion: Scores | Ranked,
    *,
    confidence: float,
    min_rows: int,
    min_per_class: int,
    clusters: Clusters | None = None,
    calibration: Calibration | None = None,
) -> list[SliceComparison]:
    """Compare two models within each value of each slice.

    Groups that are too small are listed without figures. Those of one slice are judged together, as one group more, when together
    they are large enough: a loss that many small groups share must not hide in their number.

    Args:
        slices: name -> n group values (text, None for missing).
        labels: n labels, 0 or 1.
        candidate: n probabilities.
        champion: n probabilities.
        confidence: of all intervals of one kind together; each is widened for the number of groups (Bonferroni).
        min_rows: smaller groups are not judged alone.
        min_per_class: groups with fewer positives or negatives likewise.
        clusters: n numbers, where rows hang together.
        calibration: what is asked of the probabilities, within each group too.
    """
    first, second = (scores if isinstance(scores, Ranked) else Ranked.of(scores) for scores in (candidate, champion))
    parts = [
        part
        for name, values in slices.items()
        for part in _parts(name, values, labels == 1, first, second, min_rows=min_rows, min_per_class=min_per_class)
    ]
    judged = [part.enough(min_rows, min_per_class) for part in parts]
    each = 1 - (1 - confidence) / max(1, sum(judged))
    return [
        SliceComparison(
            part.name,
            part.value,
            part.rows,
            {POSITIVE: part.ones},
            compare(labels, part.candidate, part.champion, each, clusters) if ok else None,
            part.among,
            calibration.limits(each, part.at) if ok and calibration else (),
        )
        for part, ok in zip(parts, judged, strict=True)
    ]


def _parts(
    name: str,
    values: NDArray[Any],
    ones: NDArray[np.bool_],
    first: Ranked,
    second: Ranked,
    *,
    min_rows: int,
    min_per_class: int,
) -> list[_Part]:
    """A slice's groups by value, and last the small ones together, where they are several and together large enough."""
    names, codes = _groups(values)
    rows, positive = (np.bincount(part, minlength=len(names)) for part in (codes, codes[ones]))
    split = zip(first.split(codes, rows), second.split(codes, rows), strict=True)
    places = np.split(np.argsort(codes, kind="stable"), np.cumsum(rows)[:-1])  # each group's in order: read as they lie in memory
    counts = zip(names, rows.tolist(), positive.tolist(), places, split, strict=True)
    parts = [_Part(name, value, size, count, at, *both) for value, size, count, at, both in counts]
    small = np.array([not part.enough(min_rows, min_per_class) for part in parts], dtype=np.bool_)
    if small.sum() <= 1:
        return parts
    together = f"other ({int(small.sum())} small groups)"
    kept = [small[codes[ranked.rows]] for ranked in (first, second)]
    pool = _Part(
        name,
        together,
        int(rows[small].sum()),
        int(positive[small].sum()),
        np.flatnonzero(small[codes]),
        Ranked(first.rows[kept[0]], first.scores[kept[0]]),
        Ranked(second.rows[kept[1]], second.scores[kept[1]]),
    )
    if not pool.enough(min_rows, min_per_class):
        return parts
    return [replace(part, among=together) if tiny else part for part, tiny in zip(parts, small.tolist(), strict=True)] + [pool]


def _groups(values: NDArray[Any]) -> tuple[list[str], NDArray[np.signedinteger[Any]]]:
    """The values as text, sorted, and each row's position among them."""
    cells = values.tolist()
    texts = {value: "(missing)" if value is None else str(value) for value in set(cells)}
    names = sorted(set(texts.values()))
    at = {name: position for position, name in enumerate(names)}
    kind = np.int16 if len(names) < _SHORT else np.int64  # numpy sorts two bytes by radix
    return names, np.fromiter(map({value: at[text] for value, text in texts.items()}.__getitem__, cells), kind, len(cells))

"""The comparison within groups: a candidate that is better on the whole may not be worse for one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Clusters
from ratchet.core.measurement import SliceComparison
from ratchet.tasks.binary.auc import Pair
from ratchet.tasks.binary.calibration import Calibration
from ratchet.tasks.binary.ranking import Counts, Labels, members

POSITIVE = "positive"  # what a row of label 1 is called where rows are counted
_NONE = -1  # the group of a row that is in none


@dataclass(frozen=True, slots=True)
class _Part:
    """One group: how many rows it has, how many of them are positive, and among which others it is judged if it is small."""

    value: str
    rows: int
    ones: int
    large: bool
    among: str = ""


@dataclass(frozen=True, slots=True)
class _Slice:
    """A slice's groups, and of each row the position of its group among the large ones, -1 where it is in none of them."""

    name: str
    parts: list[_Part]
    groups: Counts

    @property
    def large(self) -> int:
        return sum(part.large for part in self.parts)


def compare_slices(
    slices: Mapping[str, NDArray[Any]],
    labels: Labels,
    pair: Pair,
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
        pair: both models' ranked scores.
        confidence: of all intervals of one kind together; each is widened for the number of groups (Bonferroni).
        min_rows: smaller groups are not judged alone.
        min_per_class: groups with fewer positives or negatives likewise.
        clusters: n numbers, where rows hang together.
        calibration: what is asked of the probabilities, within each group too.
    """
    ones = labels == 1
    found = [_slice(name, values, ones, min_rows=min_rows, min_per_class=min_per_class) for name, values in slices.items()]
    each = 1 - (1 - confidence) / max(1, sum(item.large for item in found))
    return [group for item in found for group in _compared(item, pair, each, clusters, calibration)]


def _compared(
    item: _Slice, pair: Pair, confidence: float, clusters: Clusters | None, calibration: Calibration | None
) -> Iterator[SliceComparison]:
    pairs = pair.within(item.groups, item.large, confidence, clusters)
    places = iter(members(item.groups, item.large) if calibration else ())  # in order: read as they lie in memory
    for part in item.parts:
        paired = next(pairs) if part.large else None
        limits = calibration.limits(confidence, next(places)) if calibration and part.large else ()
        yield SliceComparison(item.name, part.value, part.rows, {POSITIVE: part.ones}, paired, part.among, limits)


def _slice(name: str, values: NDArray[Any], ones: NDArray[np.bool_], *, min_rows: int, min_per_class: int) -> _Slice:
    """A slice's groups by value, and last the small ones together, where they are several and together large enough."""

    def part(value: str, rows: int, ones: int) -> _Part:
        return _Part(value, rows, ones, rows >= min_rows and min(ones, rows - ones) >= min_per_class)

    names, codes = _groups(values)
    rows, positive = (np.bincount(cells, minlength=len(names)) for cells in (codes, codes[ones]))
    parts = [part(*of) for of in zip(names, rows.tolist(), positive.tolist(), strict=True)]
    large = np.array([item.large for item in parts], dtype=np.bool_)
    number = np.where(large, np.cumsum(large) - 1, _NONE)  # of each group among the large ones
    small = int((~large).sum())
    pool = part(f"other ({small} small groups)", int(rows[~large].sum()), int(positive[~large].sum()))
    if small > 1 and pool.large:
        parts = [item if item.large else replace(item, among=pool.value) for item in parts] + [pool]
        number[~large] = large.sum()
    return _Slice(name, parts, number.astype(codes.dtype)[codes])


def _groups(values: NDArray[Any]) -> tuple[list[str], Counts]:
    """The values as text, sorted, and each row's position among them."""
    cells = values.tolist()
    texts = {value: "(missing)" if value is None else str(value) for value in set(cells)}
    names = sorted(set(texts.values()))
    at = {name: position for position, name in enumerate(names)}
    kind = np.min_scalar_type(-len(names) - 1)  # one or two bytes are looked up and sorted fastest
    return names, np.fromiter(map({value: at[text] for value, text in texts.items()}.__getitem__, cells), kind, len(cells))

"""How a version does on answers whose labels have come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ratchet.core.estimate import Clusters, Interval, Labels, Scores


@dataclass(frozen=True, slots=True)
class LabelledAnswers:
    """n answers with their labels: entities (text objects), labels and scores, and the numbers of what they hang together by."""

    entities: NDArray[Any]
    labels: Labels
    scores: Scores
    groups: Clusters | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """The live figure of the task's primary metric with its interval (NaN where it cannot be measured), and what it rests on.

    `counts` are the rows of each kind that the task counts by itself; `enough` says whether they are enough to act on.
    """

    figure: Interval
    rows: int
    enough: bool
    counts: Mapping[str, int] = field(default_factory=dict)

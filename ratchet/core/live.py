"""How a version does on answers whose labels have come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Interval, Labels, Scores
from ratchet.core.holdout import held_out


@dataclass(frozen=True, slots=True)
class LabelledAnswers:
    """n answers with their labels: entities (text objects), labels and scores."""

    entities: NDArray[Any]
    labels: Labels
    scores: Scores


@dataclass(frozen=True, slots=True)
class Live:
    """The live figure of the task's primary metric with its interval (NaN where it cannot be measured), and what it rests on.

    `counts` are the rows of each kind that the task counts by itself; `enough` says whether they are enough to act on.
    """

    figure: Interval
    rows: int
    enough: bool
    counts: Mapping[str, int] = field(default_factory=dict)


def on_holdout(answers: LabelledAnswers, salt: str, share: float) -> LabelledAnswers:
    """The answers about held-out entities.

    A version was trained on everybody else, and the same users come back: on their rows it looks better than it is, and the
    figure could not be compared with its figure on the holdout.
    """
    kept = np.flatnonzero(held_out(salt, share, answers.entities))
    return LabelledAnswers(answers.entities[kept], answers.labels[kept], answers.scores[kept])

"""How a version does on answers whose labels have come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.auc import Interval, Labels, Scores, auc_interval
from ratchet.core.holdout import held_out

MIN_RARER = 30  # labelled answers of each class below which a live AUC says nothing


@dataclass(frozen=True, slots=True)
class LabelledAnswers:
    """Answers with their labels: entities (n text objects), labels (n, 0 or 1), scores (n probabilities)."""

    entities: NDArray[Any]
    labels: Labels
    scores: Scores


@dataclass(frozen=True, slots=True)
class Live:
    """The live AUC with its interval (NaN while a class is missing), and what it was measured on."""

    auc: Interval
    rows: int
    positives: int

    @property
    def rarer(self) -> int:
        """Rows of the rarer class."""
        return min(self.positives, self.rows - self.positives)


def live_performance(answers: LabelledAnswers, salt: str, share: float, confidence: float) -> Live:
    """Measure on held-out entities only.

    A version was trained on everybody else, and the same users come back: on their rows it looks better than it is, and the
    figure could not be compared with its AUC on the holdout.
    """
    kept = np.flatnonzero(held_out(salt, share, answers.entities))
    labels, scores = answers.labels[kept], answers.scores[kept]
    return Live(auc_interval(labels, scores, confidence), len(labels), int(labels.sum()))

"""The live AUC, and when there are labels enough for it."""

from __future__ import annotations

from collections.abc import Mapping

from ratchet.core.live import LabelledAnswers, Live
from ratchet.tasks.binary.auc import auc_interval
from ratchet.tasks.binary.slices import POSITIVE

MIN_RARER = 30  # labelled answers of each class below which a live AUC says nothing


def live(answers: LabelledAnswers, confidence: float) -> Live:
    """Measure on answers about held-out entities."""
    rows, counts = len(answers.labels), {POSITIVE: int(answers.labels.sum())}
    return Live(auc_interval(answers.labels, answers.scores, confidence, answers.groups), rows, enough(rows, counts), counts)


def by_label(rows: int, counts: Mapping[str, int]) -> dict[str, int]:
    """The rows of each label; where no row of label 1 was counted there was none."""
    positives = counts.get(POSITIVE, 0)
    return {"1": positives, "0": rows - positives}


def enough(rows: int, counts: Mapping[str, int]) -> bool:
    """Whether there are enough of both classes."""
    return min(by_label(rows, counts).values()) >= MIN_RARER

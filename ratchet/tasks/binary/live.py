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
    return Live(auc_interval(answers.labels, answers.scores, confidence), rows, enough(rows, counts), counts)


def by_label(rows: int, counts: Mapping[str, int]) -> dict[str, int]:
    """The rows of each label."""
    return {"1": counts[POSITIVE], "0": rows - counts[POSITIVE]}


def enough(rows: int, counts: Mapping[str, int]) -> bool:
    """Whether there are enough of both classes."""
    return min(counts[POSITIVE], rows - counts[POSITIVE]) >= MIN_RARER

"""The live AUC, and the form in which the ledger keeps it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ratchet.core.live import LabelledAnswers, Live
from ratchet.tasks.binary.auc import auc_interval
from ratchet.tasks.binary.slices import POSITIVE

MIN_RARER = 30  # labelled answers of each class below which a live AUC says nothing


def live(answers: LabelledAnswers, confidence: float) -> Live:
    """Measure on answers about held-out entities."""
    rows, positives = len(answers.labels), int(answers.labels.sum())
    figure = auc_interval(answers.labels, answers.scores, confidence)
    return Live(figure, rows, _enough(rows, positives), {POSITIVE: positives})


def body(found: Live) -> dict[str, float | int | None]:
    """Rows, positives, and the AUC with its interval, None while a class is missing."""
    figures = {"auc": found.figure.value, "low": found.figure.low, "high": found.figure.high}
    rounded = {name: None if math.isnan(value) else round(value, 6) for name, value in figures.items()}
    return {"rows": found.rows, "positives": found.counts[POSITIVE], **rounded}


def by_label(record: Mapping[str, Any]) -> dict[str, int]:
    """The rows of each label that `body` tells of."""
    return {"1": record["positives"], "0": record["rows"] - record["positives"]}


def enough(record: Mapping[str, Any]) -> bool:
    """Whether there are enough of both classes."""
    return _enough(record["rows"], record["positives"])


def _enough(rows: int, positives: int) -> bool:
    return min(positives, rows - positives) >= MIN_RARER

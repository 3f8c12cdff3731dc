"""Holdouts with models whose true AUC and likeness are known: the binormal model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from statistics import NormalDist

import numpy as np

from ratchet.core.estimate import Labels, Scores
from ratchet.core.schema import Snapshot
from ratchet.steps.parts.holdout import Holdout

CHAMPION_AUC = 0.75
POSITIVES = 0.25  # StreamFlow's churn is 24 to 27 %

# StreamFlow's slices with the shares of its groups.
_SLICES = {
    "contract_type": (("Month-to-month", "One year", "Two year"), (0.55, 0.21, 0.24)),
    "user_is_senior": (("false", "true"), (0.84, 0.16)),
    "user_gender": (("Female", "Male"), (0.5, 0.5)),
}


def separation(auc: float) -> float:
    """By how many standard deviations the positives' scores lie above the negatives' for this AUC."""
    return math.sqrt(2) * NormalDist().inv_cdf(auc)


def draw(rng: np.random.Generator, rows: int, aucs: Sequence[float], correlation: float) -> tuple[Labels, list[Scores]]:
    """One holdout and each model's probabilities on it.

    A score is `separation * label + noise`, the noise standard normal and, between any two models, correlated within a class.
    The probability is the true one given that score, so every model is calibrated and differs in what it knows alone.

    Args:
        rng: the source of chance.
        rows: of the holdout, n.
        aucs: each model's true AUC.
        correlation: of two models' scores within a class, 0 to 1.

    Returns:
        n labels, and for each model n probabilities.
    """
    labels = (rng.random(rows) < POSITIVES).astype(np.int8)
    common = math.sqrt(correlation) * rng.standard_normal(rows)
    prior = math.log(POSITIVES / (1 - POSITIVES))
    models: list[Scores] = []
    for auc in aucs:
        a = separation(auc)
        score = a * labels + common + math.sqrt(1 - correlation) * rng.standard_normal(rows)
        models.append(1 / (1 + np.exp(-(prior + a * score - a**2 / 2))))
    return labels, models


def holdout(rng: np.random.Generator, labels: Labels) -> Holdout:
    """What the evaluation reads of a snapshot, with groups that have nothing to do with the models."""
    rows = len(labels)
    slices = {name: rng.choice(np.array(values, dtype=object), rows, p=shares) for name, (values, shares) in _SLICES.items()}
    return Holdout(Snapshot("simulated", date(2024, 1, 31), rows, rows, "simulated"), np.arange(rows), {}, labels, slices)

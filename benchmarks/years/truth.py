"""How good a linear model truly is in a month whose concept is known: no sample, hence no noise."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

FEATURES = 8
POSITIVES, BEST = 0.25, 0.85  # StreamFlow's share of labels, and the AUC of the model that knows the truth

_GRID = np.linspace(-5, 5, 121)
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(17)


def true_auc(model: Vector, concept: Vector, intercept: float, mean: Vector) -> float:
    """The AUC of `model` over features that are normal around `mean` with unit variance, labels logistic in `concept`.

    Only the model's score and the concept's matter, two normals; what the second adds beyond the first is integrated out.
    """
    length, size = float(np.linalg.norm(model)), float(np.linalg.norm(concept))
    together = 0.0 if length == 0 or size == 0 else float(model @ concept) / length / size
    aside = math.sqrt(max(0.0, 1 - together**2))
    logits = intercept + float(concept @ mean) + size * (together * _GRID[:, None] + aside * _NODES)
    chance = (1 / (1 + np.exp(-logits))) @ (_WEIGHTS / _WEIGHTS.sum())
    density = np.exp(-(_GRID**2) / 2)
    ones, zeros = density * chance, density * (1 - chance)
    ones, zeros = ones / ones.sum(), zeros / zeros.sum()
    return float(ones @ (np.cumsum(zeros) - zeros / 2))


@cache
def usual() -> tuple[float, float]:
    """The concept's length and the intercept at which a quarter of the rows is positive and the best AUC is 0.85."""
    low, high = 0.5, 5.0
    for _ in range(40):
        size = (low + high) / 2
        intercept = _intercept(size)
        unit = np.eye(FEATURES)[0]
        low, high = (size, high) if true_auc(unit, size * unit, intercept, np.zeros(FEATURES)) < BEST else (low, size)
    return size, intercept


def _intercept(size: float) -> float:
    low, high = -10.0, 5.0
    density = np.exp(-(_GRID**2) / 2) / np.exp(-(_GRID**2) / 2).sum()
    for _ in range(50):
        middle = (low + high) / 2
        share = float(density @ (1 / (1 + np.exp(-middle - size * _GRID))))
        low, high = (middle, high) if share < POSITIVES else (low, middle)
    return middle

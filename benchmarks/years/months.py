"""A history's months as a policy sees them: models of each window, and how any two compare on the held-out rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from benchmarks.years.truth import FEATURES, Vector, true_auc
from benchmarks.years.worlds import MONTHS, Month, World
from ratchet.core.evidence import Look, PairedLook

USERS, HELD_OUT = 7_000, 1_400
WINDOWS = (1, 2, 3, 4, 5, 6, 12)
_NEWTON_STEPS = 4
_RIDGE = 1e-3  # a trace, for columns that say the same

Model = tuple[int, int]  # the newest month that it was made of, and of how many


def as_of(month: int) -> date:
    """A date for a month."""
    return date(2021 + month // 12, month % 12 + 1, 28)


@dataclass(slots=True)
class History:
    """One draw of a world. Months count from 0; a model (m, w) is made of the w months up to m, or of those there are."""

    truth: list[Month]
    means: list[Vector]  # of the features as drawn, by month
    models: dict[Model, Vector]
    groups: NDArray[np.int64]
    held: list[tuple[NDArray[np.float64], NDArray[np.bool_]]]  # features and labels
    _placed: dict[tuple[Model, int], tuple[float, NDArray[np.float64]]] = field(default_factory=dict)
    _true: dict[tuple[Model, int], float] = field(default_factory=dict)

    def figure(self, model: Model, month: int) -> Look:
        """The model's AUC on the month's held-out rows."""
        value, errors = self._influence(model, month)
        return Look(as_of(month), value, self._se(errors), HELD_OUT)

    def paired(self, first: Model, second: Model, month: int) -> PairedLook:
        """By how much the first is the better there."""
        (one, of_one), (two, of_two) = self._influence(first, month), self._influence(second, month)
        return PairedLook(as_of(month), one - two, max(1e-6, self._se(of_one - of_two)), HELD_OUT)

    def true(self, model: Model, month: int) -> float:
        """Its AUC over all rows that there could be."""
        if (model, month) not in self._true:
            at = self.truth[month]
            self._true[model, month] = true_auc(self.models[model], at.concept, at.intercept, at.mean)
        return self._true[model, month]

    def _influence(self, model: Model, month: int) -> tuple[float, NDArray[np.float64]]:
        """AUC and what each row adds to its error (DeLong's placement values, centred and scaled)."""
        if (model, month) not in self._placed:
            rows, ones = self.held[month]
            self._placed[model, month] = influence(rows @ self.models[model], ones)
        return self._placed[model, month]

    def _se(self, errors: NDArray[np.float64]) -> float:
        return math.sqrt(float((np.bincount(self.groups, errors) ** 2).sum()))


def influence(scores: NDArray[np.float64], ones: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]]:
    """AUC of n scores without ties, and n values whose squares sum to its variance."""
    order = np.argsort(scores)
    sorted_ones = ones[order]
    positives, negatives = int(ones.sum()), int((~ones).sum())
    below = np.where(sorted_ones, np.cumsum(~sorted_ones) / negatives, 1 - np.cumsum(sorted_ones) / positives)
    value = float(below[sorted_ones].mean())
    errors = np.empty(len(ones))
    errors[order] = (below - value) / np.where(sorted_ones, positives, negatives)
    return value, errors


def draw(world: World, rng: np.random.Generator) -> History:
    """One history: its rows, and the models that its training rows make.

    A model of several months is their models weighed by their information, which for months alike is the pooled fit.
    """
    truth = world.months(rng)
    fits: list[tuple[NDArray[np.float64], Vector]] = []
    means, held = [], []
    rows = rng.standard_normal((USERS, FEATURES))
    for at in truth:
        fresh = rng.standard_normal((USERS, FEATURES))
        rows = world.stay * rows + math.sqrt(1 - world.stay**2) * fresh
        chance = rng.random(USERS)
        if world.group > 1:
            first = np.arange(USERS) // world.group * world.group
            rows, chance = math.sqrt(0.8) * fresh[first] + math.sqrt(0.2) * rng.standard_normal(rows.shape), _alike(rng, first)
        features = rows + at.mean
        probability = 1 / (1 + np.exp(-(features @ at.concept + at.intercept)))
        ones = chance < (1 - at.noise) * probability + at.noise * 0.5
        fits.append(fit(features[HELD_OUT:], ones[HELD_OUT:]))
        means.append(features.mean(axis=0))
        held.append((features[:HELD_OUT], ones[:HELD_OUT]))
    models = {
        (month, window): pooled(fits[max(0, month + 1 - window) : month + 1]) for month in range(MONTHS + 1) for window in WINDOWS
    }
    return History(truth, means, models, np.arange(HELD_OUT) // world.group, held)


def _alike(rng: np.random.Generator, first: NDArray[np.int64]) -> NDArray[np.float64]:
    """Uniform draws that are the same within a group in four cases of five."""
    own = rng.random(len(first))
    return np.where(rng.random(len(first)) < 0.8, own[first], own)


def fit(features: NDArray[np.float64], ones: NDArray[np.bool_]) -> tuple[NDArray[np.float64], Vector]:
    """Logistic regression by Newton's steps: information and weights, the intercept last."""
    rows = np.column_stack([features, np.ones(len(features))])
    weights = np.zeros(rows.shape[1])
    weights[-1] = math.log(ones.mean() / (1 - ones.mean()))
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-(rows @ weights)))
        information = (rows * (chance * (1 - chance))[:, None]).T @ rows + _RIDGE * np.eye(rows.shape[1])
        weights += np.linalg.solve(information, rows.T @ (ones - chance))
    return information, weights


def pooled(fits: list[tuple[NDArray[np.float64], Vector]]) -> Vector:
    """The weights of several months together, each weighed by its information; without the intercept, which ranks nothing."""
    total = np.sum([information for information, _ in fits], axis=0)
    return np.asarray(np.linalg.solve(total, np.sum([information @ weights for information, weights in fits], axis=0))[:-1])

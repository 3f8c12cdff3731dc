"""Worlds: what each month's concept is, where its features lie, and how its rows hang together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.years.truth import FEATURES, Vector, usual

MONTHS = 36
TURN_AT = 12  # the first month of the other concept, counted from 0, which chose the first champion


@dataclass(frozen=True, slots=True)
class Month:
    """The truth of one month: weights, intercept, the features' means, and the share of labels that are drawn by coin."""

    concept: Vector
    intercept: float
    mean: Vector
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class World:
    """A kind of history. `stay` is how entities' features correlate over months; `group` rows hang together."""

    name: str
    months: Callable[[np.random.Generator], list[Month]]
    stay: float = 0.0
    group: int = 1
    turn: int | None = None  # the month from which on the old champion is no good


def _base(rng: np.random.Generator) -> tuple[Vector, float]:
    size, intercept = usual()
    concept = rng.standard_normal(FEATURES)
    concept[-1] = 0.0  # a feature that does not matter
    return size * concept / np.linalg.norm(concept), intercept


def _each(rng: np.random.Generator, concept_of: Callable[[int, Vector], Vector]) -> list[Month]:
    concept, intercept = _base(rng)
    return [Month(concept_of(month, concept), intercept, np.zeros(FEATURES)) for month in range(MONTHS + 1)]


def _quiet(rng: np.random.Generator) -> list[Month]:
    return _each(rng, lambda _, concept: concept)


def _moved(where: Callable[[Vector], Vector]) -> Callable[[np.random.Generator], list[Month]]:
    def months(rng: np.random.Generator) -> list[Month]:
        found = _quiet(rng)
        moved = where(found[0].concept)
        return [item if month < TURN_AT else Month(item.concept, item.intercept, moved) for month, item in enumerate(found)]

    return months


def _aside(rng: np.random.Generator, concept: Vector) -> Vector:
    """A concept of the same length at a right angle."""
    other = rng.standard_normal(FEATURES)
    other -= (other @ concept) / (concept @ concept) * concept
    return np.asarray(other * np.linalg.norm(concept) / np.linalg.norm(other))


def _turned(share: float) -> Callable[[np.random.Generator], list[Month]]:
    def months(rng: np.random.Generator) -> list[Month]:
        found = _quiet(rng)
        angle, concept = share * math.pi / 2, found[0].concept
        turned = math.cos(angle) * concept + math.sin(angle) * _aside(rng, concept)
        return [item if month < TURN_AT else Month(turned, item.intercept, item.mean) for month, item in enumerate(found)]

    return months


def _walk(step: float) -> Callable[[np.random.Generator], list[Month]]:
    def months(rng: np.random.Generator) -> list[Month]:
        size, _ = usual()
        steps = np.cumsum(step * rng.standard_normal((MONTHS + 1, FEATURES)), axis=0)
        return _each(rng, lambda month, concept: size * (concept + steps[month]) / np.linalg.norm(concept + steps[month]))

    return months


def _shocks(sd: float) -> Callable[[np.random.Generator], list[Month]]:
    def months(rng: np.random.Generator) -> list[Month]:
        return _each(rng, lambda _, concept: concept + sd * rng.standard_normal(FEATURES))

    return months


def _december(size: float) -> Callable[[np.random.Generator], list[Month]]:
    def months(rng: np.random.Generator) -> list[Month]:
        found = _quiet(rng)
        extra = size * _aside(rng, found[0].concept) / np.linalg.norm(found[0].concept)
        return [
            Month(item.concept + extra, item.intercept, item.mean) if month % 12 == 11 else item for month, item in enumerate(found)
        ]

    return months


def _noisy(share: float) -> Callable[[np.random.Generator], list[Month]]:
    def months(rng: np.random.Generator) -> list[Month]:
        found = _quiet(rng)
        return [
            item if month < TURN_AT else Month(item.concept, item.intercept, item.mean, share) for month, item in enumerate(found)
        ]

    return months


def _irrelevant(_: Vector) -> Vector:
    return np.asarray(0.5 * np.eye(FEATURES)[-1])


def _covariates(concept: Vector) -> Vector:
    return np.asarray(0.5 * concept / np.linalg.norm(concept))


WORLDS = (
    World("quiet", _quiet),
    World("irrelevant drift", _moved(_irrelevant)),
    World("covariate shift", _moved(_covariates)),
    World("step, a right angle", _turned(1.0), turn=TURN_AT),
    World("step, a quarter", _turned(0.25), turn=TURN_AT),
    World("random walk", _walk(0.12)),
    World("month shocks 0.5", _shocks(0.5)),
    World("month shocks 1.0", _shocks(1.0)),
    World("December", _december(0.92)),
    World("label noise", _noisy(0.2)),
    World("returning entities", _quiet, stay=0.81),
    World("groups of 3", _quiet, group=3),
)

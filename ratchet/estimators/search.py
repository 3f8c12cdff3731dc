"""A small grid, searched by cross-validation inside the training entities, and the best of it fitted on all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, ParameterGrid, StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline

from ratchet.core.errors import DataError, ProjectError
from ratchet.core.objective import Objective
from ratchet.core.schema import Columns, Feature
from ratchet.estimators.catalogue import ESTIMATORS, estimator
from ratchet.estimators.estimator import Grid
from ratchet.estimators.frames import frame
from ratchet.estimators.plain.encoding import numbers_of
from ratchet.estimators.threads import threads_for

_FOLDS = {  # by whether they are stratified, and whether rows of one entity stay together
    (True, True): StratifiedGroupKFold,
    (True, False): StratifiedKFold,
    (False, True): GroupKFold,
    (False, False): KFold,
}
_LEAST_KNOWN = 0.001
_LARGEST = 1e100  # a variance is made of squares


@dataclass(frozen=True, slots=True)
class Try:
    """One point of the grid with its cross-validated score."""

    model: str
    params: Mapping[str, Any]
    cv_mean: float
    cv_std: float


@dataclass(frozen=True, slots=True)
class Trained:
    """The winner, fitted on all rows, and everything that was tried, in order."""

    pipeline: Pipeline
    model: str
    params: Mapping[str, Any]
    cv_mean: float
    cv_std: float
    tries: tuple[Try, ...]


def train(
    features: Sequence[Feature],
    columns: Columns,
    labels: NDArray[Any],
    entities: NDArray[Any] | None = None,
    *,
    objective: Objective,
    grid: Grid,
    folds: int,
    seed: int,
) -> Trained:
    """Search the grid and fit the winner.

    The highest mean score wins; of equals the first, in the catalogue's order. One point after the other: on many rows
    HistGradientBoosting's own threads use the cores. The same input and seed give the same model.

    Args:
        features: the model's inputs.
        columns: n training rows.
        labels: shape (n,).
        entities: shape (n,); the rows of one entity (over a window of snapshots) stay in one fold. None: every row is its own.
        objective: what the search aims at.
        grid: parameters to try, by estimator; one that is None or absent is left out.
        folds: of the cross-validation.
        seed: of the folds and of the estimators.

    Raises:
        DataError: nothing to train on (no rows, no values), labels that teach nothing, an absurdly large number.
        ProjectError: the grid names a parameter that the model does not have, or a value that it refuses.
    """
    points = list(_points(grid))
    labels = np.asarray(labels)
    _check(features, columns, labels, objective, folds)
    rows = frame(features, columns)
    grouped = entities is not None and len(set(entities)) < len(entities)
    kind = _FOLDS[objective.stratified, grouped]
    cutter = kind(folds, shuffle=True, random_state=seed)
    cuts = list(cutter.split(rows, labels, entities if grouped else None))
    usable = _usable(features, columns, [kept for kept, _ in cuts])
    with threads_for(len(rows)):
        return _search(points, usable, rows, labels, cuts, objective.scoring, seed)


def _search(
    points: Sequence[tuple[str, dict[str, Any]]],
    features: Sequence[Feature],
    rows: pd.DataFrame,
    labels: NDArray[Any],
    cuts: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    scoring: str,
    seed: int,
) -> Trained:
    tries = []
    best: tuple[Try, Pipeline] | None = None
    for model, params in points:
        pipeline = estimator(model).pipeline(features, params, seed)
        try:
            scores = cross_val_score(pipeline, rows, labels, scoring=scoring, cv=cuts, error_score="raise")
        except (
            ValueError
        ) as error:  # the data was checked above: what is left is a value, or a pair of values, that the model refuses
            message = f"training.{model} in ratchet.yaml cannot be fitted with {params}: {' '.join(str(error).split())}"
            raise ProjectError(message) from error
        tried = Try(model, params, float(np.mean(scores)), float(np.std(scores)))
        tries.append(tried)
        if best is None or tried.cv_mean > best[0].cv_mean:
            best = tried, pipeline
    if best is None:
        message = f"training in ratchet.yaml leaves nothing to try: name {' or '.join(ESTIMATORS)}"
        raise ProjectError(message)
    winner, pipeline = best
    return Trained(pipeline.fit(rows, labels), winner.model, winner.params, winner.cv_mean, winner.cv_std, tuple(tries))


def _usable(features: Sequence[Feature], columns: Columns, parts: Sequence[NDArray[np.intp]]) -> list[Feature]:
    """The features without those numbers that are missing (nearly) everywhere.

    HistGradientBoosting cannot bin a number that has no value in a fold, or in the 200,000 rows that it bins by (hence the share).
    """
    usable = []
    for feature in features:
        if feature.dtype.is_number:
            known = ~np.isnan(numbers_of(columns, feature.name))
            if known.mean() < _LEAST_KNOWN or not all(known[part].any() for part in parts):
                continue
        usable.append(feature)
    if not usable:
        raise DataError("every feature is missing in the training rows: check the snapshot's feature tables")
    return usable


def _points(grid: Grid) -> Iterator[tuple[str, dict[str, Any]]]:
    """The grid's points, the simpler model first. Raises ProjectError naming what cannot be tried."""
    for model in ESTIMATORS:
        values = grid.get(model)
        if values is None:
            continue
        allowed = estimator(model).parameters
        for name, choices in values.items():
            if name not in allowed:
                message = (
                    f"training.{model}.{name} in ratchet.yaml is no parameter to search: use one of {', '.join(sorted(allowed))}"
                )
                raise ProjectError(message)
            if not choices:
                message = f"training.{model}.{name} in ratchet.yaml is empty: give at least one value, or leave the line out"
                raise ProjectError(message)
        for point in ParameterGrid({name: list(choices) for name, choices in values.items()}):
            yield model, point


def _check(features: Sequence[Feature], columns: Columns, labels: NDArray[Any], objective: Objective, folds: int) -> None:
    if labels.size == 0:
        raise DataError("there is no labelled row to train on: bring labels for entities outside the holdout")
    objective.refuse(labels, folds)
    for feature in features:
        if feature.dtype.is_number and (wild := int((np.abs(numbers_of(columns, feature.name)) > _LARGEST).sum())):
            message = (
                f"feature {feature.name} is infinite or above {_LARGEST:g} in {wild} training rows: mend the data, give it a range"
            )
            raise DataError(message)

"""A small grid, searched by stratified cross-validation inside the training entities, and the best of it fitted on all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterGrid, StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ratchet.core.errors import DataError, ProjectError
from ratchet.core.schema import Columns, Feature
from ratchet.estimators.encoding import numbers_of
from ratchet.estimators.frames import frame
from ratchet.estimators.threads import threads_for

Grid = Mapping[str, Mapping[str, Sequence[Any]] | None]

MAX_CATEGORIES = 100  # of one feature; rarer ones are pooled, so that a column of a million distinct texts stays a few columns
_LEAST_KNOWN = 0.001
_LARGEST = 1e100  # a variance is made of squares
_OURS = frozenset(
    {"random_state", "categorical_features", "n_jobs", "verbose", "warm_start"}
)  # set here, or not the grid's business


@dataclass(frozen=True, slots=True)
class Try:
    """One point of the grid with its cross-validated AUC."""

    model: str
    params: Mapping[str, Any]
    cv_auc: float
    cv_std: float


@dataclass(frozen=True, slots=True)
class Trained:
    """The winner, fitted on all rows, and everything that was tried, in order."""

    pipeline: Pipeline
    model: str
    params: Mapping[str, Any]
    cv_auc: float
    cv_std: float
    tries: tuple[Try, ...]


def train(
    features: Sequence[Feature],
    columns: Columns,
    labels: NDArray[np.int8],
    entities: NDArray[Any] | None = None,
    *,
    grid: Grid,
    folds: int,
    seed: int,
) -> Trained:
    """Search the grid and fit the winner.

    The highest mean AUC wins; of equals the first, and logistic regression is tried first. One point after the other:
    on many rows HistGradientBoosting's own threads use the cores. The same input and seed give the same model.

    Args:
        features: the model's inputs.
        columns: n training rows.
        labels: 0 or 1, shape (n,).
        entities: shape (n,); the rows of one entity (over a window of snapshots) stay in one fold. None: every row is its own.
        grid: parameters to try for `logistic_regression` and `hist_gradient_boosting`; a model that is None or absent is left out.
        folds: of the cross-validation.
        seed: of the folds and of HistGradientBoosting's binning.

    Raises:
        DataError: nothing to train on (no rows, no values), one class, fewer rows of a class than folds, an absurdly large number.
        ProjectError: the grid names a parameter that the model does not have, or a value that it refuses.
    """
    points = list(_points(grid))
    labels = np.asarray(labels)
    _check(features, columns, labels, folds)
    rows = frame(features, columns)
    grouped = entities is not None and len(set(entities)) < len(entities)
    cutter = (StratifiedGroupKFold if grouped else StratifiedKFold)(folds, shuffle=True, random_state=seed)
    cuts = list(cutter.split(rows, labels, entities if grouped else None))
    usable = _usable(features, columns, [kept for kept, _ in cuts])
    with threads_for(len(rows)):
        return _search(points, usable, rows, labels, cuts, seed)


def _search(
    points: Sequence[tuple[str, dict[str, Any]]],
    features: Sequence[Feature],
    rows: pd.DataFrame,
    labels: NDArray[np.int8],
    cuts: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    seed: int,
) -> Trained:
    tries = []
    best: tuple[Try, Pipeline] | None = None
    for model, params in points:
        pipeline = make_pipeline(model, features, params, seed)
        try:
            aucs = cross_val_score(pipeline, rows, labels, scoring="roc_auc", cv=cuts, error_score="raise")
        except (
            ValueError
        ) as error:  # the data was checked above: what is left is a value, or a pair of values, that the model refuses
            message = f"training.{model} in ratchet.yaml cannot be fitted with {params}: {' '.join(str(error).split())}"
            raise ProjectError(message) from error
        tried = Try(model, params, float(np.mean(aucs)), float(np.std(aucs)))
        tries.append(tried)
        if best is None or tried.cv_auc > best[0].cv_auc:
            best = tried, pipeline
    if best is None:
        raise ProjectError("training in ratchet.yaml leaves nothing to try: name logistic_regression or hist_gradient_boosting")
    winner, pipeline = best
    return Trained(pipeline.fit(rows, labels), winner.model, winner.params, winner.cv_auc, winner.cv_std, tuple(tries))


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


def make_pipeline(model: str, features: Sequence[Feature], params: Mapping[str, Any], seed: int) -> Pipeline:
    """The unfitted pipeline: columns, then estimator.

    Logistic regression gets medians for missing numbers, indicators of where they were, and standard scores; HistGradientBoosting
    gets the numbers as they are, because its splits send NaN to the better side. Categories are one-hot for both, so that the
    row scorer needs no categorical splits; one that was not seen in training switches no column on.
    """
    numbers = [feature.name for feature in features if feature.dtype.is_number]
    categories = [feature.name for feature in features if not feature.dtype.is_number]
    prepared: Any = "passthrough"
    if model == "logistic_regression":
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        prepared = Pipeline([("impute", imputer), ("scale", StandardScaler())])
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False)
    parts = [("numbers", prepared, numbers), ("categories", encoder, categories)]
    return Pipeline(
        [("columns", ColumnTransformer([part for part in parts if part[2]])), ("estimator", _estimator(model, seed, params))]
    )


def _estimator(model: str, seed: int, params: Mapping[str, Any]) -> Any:
    if model == "logistic_regression":
        return LogisticRegression(**{"max_iter": 5000, "random_state": seed, **params})
    return HistGradientBoostingClassifier(**{"early_stopping": False, "random_state": seed, "categorical_features": None, **params})


def _points(grid: Grid) -> Iterator[tuple[str, dict[str, Any]]]:
    """The grid's points, the simpler model first. Raises ProjectError naming what cannot be tried."""
    for model in ("logistic_regression", "hist_gradient_boosting"):
        values = grid.get(model)
        if values is None:
            continue
        allowed = set(_estimator(model, 0, {}).get_params()) - _OURS
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


def _check(features: Sequence[Feature], columns: Columns, labels: NDArray[np.int8], folds: int) -> None:
    if labels.size == 0:
        raise DataError("there is no labelled row to train on: bring labels for entities outside the holdout")
    if not np.isin(labels, (0, 1)).all():
        raise DataError("a label is neither 0 nor 1: training needs a binary label")
    positive = int(labels.sum())
    for name, count in (("label 1", positive), ("label 0", labels.size - positive)):
        if count == 0:
            message = f"none of the {labels.size} training rows has {name}: training needs both classes"
            raise DataError(message)
        if count < folds:
            message = f"only {count} of the {labels.size} training rows have {name}, fewer than the {folds} folds of training.folds"
            raise DataError(message)
    for feature in features:
        if feature.dtype.is_number and (wild := int((np.abs(numbers_of(columns, feature.name)) > _LARGEST).sum())):
            message = (
                f"feature {feature.name} is infinite or above {_LARGEST:g} in {wild} training rows: mend the data, give it a range"
            )
            raise DataError(message)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ratchet.core.errors import DataError, ProjectError
from ratchet.core.schema import Columns
from ratchet.estimators.catalogue import estimator
from ratchet.estimators.estimator import Grid
from ratchet.estimators.plain.scoring import score
from ratchet.estimators.search import Trained, train
from ratchet.project.file import Training
from ratchet.tasks.binary.task import BINARY
from tests.support.churn import FEATURES, churn

SMALL: Grid = {"logistic_regression": {"C": [0.1, 1.0]}, "hist_gradient_boosting": {"max_iter": [10], "max_leaf_nodes": [4, 7]}}
LINEAR: Grid = {"logistic_regression": {"C": [1.0]}}


def trained(columns: Columns, labels: NDArray[Any], grid: Grid = SMALL, folds: int = 3) -> Trained:
    return train(FEATURES, columns, labels, objective=BINARY.objective, grid=grid, folds=folds, seed=7)


def test_the_winner_ranks_rows_that_it_has_not_seen() -> None:
    result = trained(*churn(1500, seed=1))
    columns, labels = churn(1500, seed=2)
    auc = roc_auc_score(labels, score(result.pipeline, FEATURES, columns))
    assert auc > 0.8
    assert abs(auc - result.cv_mean) < 0.05


def test_the_winner_is_the_best_of_all_tries() -> None:
    result = trained(*churn(600, seed=1))
    assert [(t.model, dict(t.params)) for t in result.tries] == [
        ("logistic_regression", {"C": 0.1}),
        ("logistic_regression", {"C": 1.0}),
        ("hist_gradient_boosting", {"max_iter": 10, "max_leaf_nodes": 4}),
        ("hist_gradient_boosting", {"max_iter": 10, "max_leaf_nodes": 7}),
    ]
    best = max(result.tries, key=lambda t: t.cv_mean)
    assert (result.model, result.params, result.cv_mean, result.cv_std) == (best.model, best.params, best.cv_mean, best.cv_std)


def test_of_equal_tries_the_first_wins() -> None:
    columns, labels = churn(300, seed=1)
    result = trained(columns, labels, {"logistic_regression": {"C": [1.0], "max_iter": [400, 500]}})
    assert result.tries[0].cv_mean == result.tries[1].cv_mean
    assert result.params == {"C": 1.0, "max_iter": 400}


def test_the_same_seed_gives_the_same_bits() -> None:
    columns, labels = churn(600, seed=1)
    first, second = trained(columns, labels), trained(columns, labels)
    assert first.tries == second.tries
    assert score(first.pipeline, FEATURES, columns).tobytes() == score(second.pipeline, FEATURES, columns).tobytes()


def test_the_default_grid_trains_without_a_warning() -> None:
    default = Training()
    columns, labels = churn(400, seed=1)
    aim, folds = BINARY.objective, default.folds
    assert len(train(FEATURES, columns, labels, objective=aim, grid=default.grids, folds=folds, seed=default.seed).tries) >= 2


@pytest.mark.parametrize("grid", [LINEAR, {"hist_gradient_boosting": {"max_iter": [5]}}])
def test_columns_that_are_missing_everywhere_are_no_obstacle(grid: Grid) -> None:
    columns, labels = churn(200, seed=1)
    columns["tv"] = np.where(np.arange(200) == 17, 1.0, np.nan)  # known in one row, so in no row of some fold's training part
    result = trained(columns, labels, grid)
    assert result.cv_mean > 0.7
    estimator(result.model).scorer(result.pipeline, FEATURES, columns)


def test_a_month_of_nulls_is_refused() -> None:
    columns, labels = churn(200, seed=1)
    numbers = [feature for feature in FEATURES if feature.dtype.is_number]
    empty: Columns = {feature.name: np.full(200, np.nan) for feature in numbers}
    with pytest.raises(DataError, match="every feature is missing"):
        train(numbers, empty, labels, objective=BINARY.objective, grid=SMALL, folds=3, seed=7)
    empty = {name: np.full(200, None, dtype=object) if name in {"net", "city"} else np.full(200, np.nan) for name in columns}
    assert trained(empty, labels).cv_mean == 0.5


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([], "no labelled row to train on"),
        ([0] * 10, "none of the 10 training rows has label 1"),
        ([1] * 10, "none of the 10 training rows has label 0"),
        ([0] * 8 + [1] * 2, "only 2 of the 10 training rows have label 1, fewer than the 3 folds"),
        ([0, 1] * 4 + [2, 1], "neither 0 nor 1"),
    ],
)
def test_labels_that_teach_nothing_are_refused(labels: list[int], sentence: str) -> None:
    columns, _ = churn(len(labels), seed=1)
    with pytest.raises(DataError, match=sentence):
        trained(columns, np.array(labels, dtype=np.int8))


def test_an_absurd_number_is_refused_by_feature_and_count() -> None:
    columns, labels = churn(100, seed=1)
    columns["fee"][[3, 5]] = np.inf, -1e200
    with pytest.raises(DataError, match=r"feature fee is infinite or above 1e\+100 in 2 training rows"):
        trained(columns, labels)


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        (
            {"logistic_regression": {"depth": [3]}},
            r"training\.logistic_regression\.depth in ratchet\.yaml is no parameter to search",
        ),
        ({"hist_gradient_boosting": {"categorical_features": [None]}}, r"training\.hist_gradient_boosting\.categorical_features"),
        ({"logistic_regression": {"C": []}}, r"training\.logistic_regression\.C in ratchet\.yaml is empty"),
        (
            {"logistic_regression": {"C": [-1.0]}},
            r"^training\.logistic_regression in ratchet\.yaml cannot be fitted with {'C': -1\.0}: [^\n]*'C'[^\n]*$",
        ),
        ({"hist_gradient_boosting": {"max_iter": ["many"]}}, r"training\.hist_gradient_boosting .* 'max_iter'"),
        (
            {"logistic_regression": {"solver": ["lbfgs"], "dual": [True]}},
            r"^training\.logistic_regression in ratchet\.yaml cannot be fitted with {'dual': True, 'solver': 'lbfgs'}: [^\n]*$",
        ),
        ({"logistic_regression": None}, "leaves nothing to try"),
    ],
)
def test_a_grid_that_cannot_be_searched_is_named(grid: Grid, sentence: str) -> None:
    with pytest.raises(ProjectError, match=sentence):
        trained(*churn(100, seed=1), grid=grid)


def test_an_entitys_rows_of_several_months_never_stand_on_both_sides_of_a_fold() -> None:
    columns, _ = churn(200, seed=5)
    noise = np.random.default_rng(99).integers(0, 2, 200).astype(np.int8)
    thrice = {name: np.tile(values, 3) for name, values in columns.items()}
    months = np.tile(np.array([f"u{index}" for index in range(200)], dtype=object), 3)
    grid: Grid = {"hist_gradient_boosting": {"max_iter": [30], "min_samples_leaf": [2]}}
    known = train(FEATURES, thrice, np.tile(noise, 3), objective=BINARY.objective, grid=grid, folds=3, seed=1)
    apart = train(FEATURES, thrice, np.tile(noise, 3), months, objective=BINARY.objective, grid=grid, folds=3, seed=1)
    assert known.cv_mean > 0.9  # the same row with the same label is in the training part
    assert 0.35 < apart.cv_mean < 0.65


class Accuracy:
    scoring = "accuracy"
    stratified = False

    def refuse(self, labels: NDArray[Any], folds: int) -> None:
        """Any labels will do."""


@pytest.mark.parametrize("months", [1, 2])
def test_another_tasks_objective_is_searched_for_in_folds_that_are_not_stratified(months: int) -> None:
    columns, labels = churn(300, seed=1)
    entities = np.array([f"u{index // months}" for index in range(300)], dtype=object)
    found = train(FEATURES, columns, labels, entities, objective=Accuracy(), grid=LINEAR, folds=3, seed=7)
    assert 0.6 < found.cv_mean < 1

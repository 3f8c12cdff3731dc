"""The least that a loop of the same work does: read the month, search and fit by cross-validation, score the held-out rows twice.

Arguments: project file, folder of the month before (the champion's), folder of the month. Prints a JSON document of seconds.
pandas and scikit-learn as a tutorial has them, on the features, grid and folds of ratchet.yaml: no validation, no drift, no record,
no rollout.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import ParameterGrid, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ratchet.project.file import Project, load_project


def read(project: Project, month: Path) -> pd.DataFrame:
    """All tables of a month, joined on the entity; bools as numbers."""
    tables = [pd.read_parquet(month / f"{name}.parquet") for name in project.tables]
    frame = tables[0]
    for table in tables[1:]:
        frame = frame.merge(table, on=project.entity)
    for feature in project.inputs:
        if feature.dtype.is_number:
            frame[feature.name] = frame[feature.name].astype("float64")
    frame[project.label.name] = frame[project.label.name].astype("int8")
    return frame


def model(project: Project, estimator: Any) -> Pipeline:
    """The features' columns, then the estimator."""
    numbers = [feature.name for feature in project.inputs if feature.dtype.is_number]
    categories = [feature.name for feature in project.inputs if not feature.dtype.is_number]
    steps: Any = "passthrough"
    if isinstance(estimator, LogisticRegression):
        steps = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("numbers", steps, numbers), ("categories", encoder, categories)])
    return make_pipeline(columns, estimator)


def search(project: Project, rows: pd.DataFrame, labels: pd.Series[int]) -> Pipeline:
    """The best of the grid by cross-validation, fitted on all rows."""
    wanted = project.training
    points = [
        *(model(project, LogisticRegression(max_iter=5000, **point)) for point in ParameterGrid(wanted.logistic_regression or [])),
        *(
            model(project, HistGradientBoostingClassifier(early_stopping=False, **point))
            for point in ParameterGrid(wanted.hist_gradient_boosting or [])
        ),
    ]
    scores = [cross_val_score(point, rows, labels, scoring="roc_auc", cv=wanted.folds).mean() for point in points]
    return points[scores.index(max(scores))].fit(rows, labels)


def main() -> None:
    """Time reading, searching and scoring."""
    project = load_project(Path(sys.argv[1]))
    before, month = map(Path, sys.argv[2:4])
    label, inputs = project.label.name, [feature.name for feature in project.inputs]
    first = read(project, before)
    champion = model(project, LogisticRegression(max_iter=5000)).fit(first[inputs], first[label])
    del first
    seconds, began = {}, perf_counter()
    frame = read(project, month)
    train, held = train_test_split(frame, test_size=project.holdout.share, random_state=0)
    seconds["read"] = perf_counter() - began
    began = perf_counter()
    candidate = search(project, train[inputs], train[label])
    seconds["fit"] = perf_counter() - began
    began = perf_counter()
    for fitted in (candidate, champion):
        roc_auc_score(held[label], fitted.predict_proba(held[inputs])[:, 1])
    seconds["score"] = perf_counter() - began
    sys.stdout.write(json.dumps(seconds) + "\n")


if __name__ == "__main__":
    main()

"""A fitted scikit-learn pipeline read into the scorer's plain numbers.

HistGradientBoosting keeps its trees in private attributes; scikit-learn is pinned, and `scoring.verify` compares every new scorer
with its pipeline before anybody uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ratchet.core.errors import ArtifactError
from ratchet.core.schema import Feature
from ratchet.estimators.encoding import CategoryInput, Inputs
from ratchet.estimators.plain.linear import Linear
from ratchet.estimators.plain.trees import Tree, Trees
from ratchet.private_names import boosted_trees


def extract(pipeline: Any, features: Sequence[Feature]) -> Linear | Trees:
    """The numbers of a pipeline fitted by estimators.training. Raises ArtifactError when it is another kind of pipeline."""
    if not isinstance(pipeline, Pipeline) or len(pipeline.steps) != 2:  # noqa: PLR2004 - columns, then estimator
        raise _unknown(pipeline)
    columns, estimator = (step for _, step in pipeline.steps)
    if not isinstance(columns, ColumnTransformer):
        raise _unknown(columns)
    if list(getattr(estimator, "classes_", ())) != [0, 1]:
        raise ArtifactError("the pipeline was not fitted on the labels 0 and 1, so no scorer can be made from it")
    parts = {name: (part, list(names)) for name, part, names in columns.transformers_ if name != "remainder"}
    preparation, numbers = parts.pop("numbers", (None, []))
    encoder, categories = parts.pop("categories", (None, []))
    if parts or list(columns.feature_names_in_) != [feature.name for feature in features]:
        raise ArtifactError("the pipeline's columns are not the project's features: train again after changing ratchet.yaml")
    if isinstance(estimator, LogisticRegression):
        return _linear(preparation, numbers, encoder, categories, estimator)
    if isinstance(estimator, HistGradientBoostingClassifier):
        if preparation is not None and getattr(preparation, "func", None) is not None:
            raise _unknown(preparation)
        return _trees(numbers, encoder, categories, estimator)
    raise _unknown(estimator)


def _unknown(part: Any) -> ArtifactError:
    return ArtifactError(
        f"no scorer can be made from a {type(part).__name__}: train with logistic_regression or hist_gradient_boosting"
    )


def _categories(encoder: Any, names: Sequence[str], start: int) -> tuple[tuple[CategoryInput, ...], int]:
    """The encoder's columns from `start` on, and the first column after them."""
    if not names:
        return (), start
    if not isinstance(encoder, OneHotEncoder) or encoder.drop is not None or encoder.handle_unknown == "error":
        raise _unknown(encoder)
    pooled_of = encoder.infrequent_categories_ if encoder.max_categories or encoder.min_frequency else [None] * len(names)
    inputs = []
    for name, known, pooled in zip(names, encoder.categories_, pooled_of, strict=True):
        rare = set() if pooled is None else set(pooled)
        own = [str(item) for item in known if item not in rare]
        pool = start + len(own) if rare else None
        inputs.append(CategoryInput(name=name, columns={item: start + k for k, item in enumerate(own)}, otherwise=pool))
        start += len(own) + bool(rare)
    return tuple(inputs), start


def _linear(preparation: Any, numbers: list[str], encoder: Any, categories: list[str], estimator: Any) -> Linear:
    medians: list[float] = []
    indicators: list[int] = []
    means: list[float] = []
    scales: list[float] = []
    if numbers:
        if not isinstance(preparation, Pipeline) or [type(step) for _, step in preparation.steps] != [
            SimpleImputer,
            StandardScaler,
        ]:
            raise _unknown(preparation)
        imputer, scaler = (step for _, step in preparation.steps)
        medians = imputer.statistics_.tolist()
        indicators = imputer.indicator_.features_.tolist() if imputer.add_indicator else []
        means, scales = scaler.mean_.tolist(), scaler.scale_.tolist()
    encoded, width = _categories(encoder, categories, len(means))
    return Linear(
        inputs=Inputs(numbers=tuple(numbers), categories=encoded, width=width),
        medians=tuple(medians),
        indicators=tuple(indicators),
        means=tuple(means),
        scales=tuple(scales),
        weights=tuple(estimator.coef_[0].tolist()),
        intercept=float(estimator.intercept_[0]),
    )


def _trees(numbers: list[str], encoder: Any, categories: list[str], estimator: Any) -> Trees:
    encoded, width = _categories(encoder, categories, len(numbers))
    baseline, trees = boosted_trees(estimator)
    inputs = Inputs(numbers=tuple(numbers), categories=encoded, width=width)
    return Trees(inputs=inputs, baseline=baseline, trees=tuple(_tree(nodes) for nodes in trees))


def _tree(nodes: Any) -> Tree:
    """One tree's node table as the pre-order list of `Trees`."""
    order: list[float | tuple[int, float | None, bool]] = []
    waiting = [0]
    while waiting:
        node = nodes[waiting.pop()]
        if node["is_leaf"]:
            order.append(float(node["value"]))
            continue
        if node["is_categorical"]:
            raise ArtifactError(
                "the trees split on native categories, which the scorer does not know: leave categorical_features alone"
            )
        threshold = float(node["num_threshold"])
        order.append((int(node["feature_idx"]), None if threshold == float("inf") else threshold, bool(node["missing_go_to_left"])))
        waiting += [int(node["right"]), int(node["left"])]
    return tuple(order)

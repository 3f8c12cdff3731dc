"""The pipeline that every plain estimator stands in: columns, then estimator; and the scorer of a fitted one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from ratchet.core.schema import Columns, Feature
from ratchet.estimators.plain import scoring
from ratchet.estimators.plain.extraction import Parts, extract
from ratchet.estimators.plain.linear import Linear
from ratchet.estimators.plain.scorer import Scorer
from ratchet.estimators.plain.trees import Trees

MAX_CATEGORIES = 100  # of one feature; rarer ones are pooled, so that a column of a million distinct texts stays a few columns
# what the estimators set themselves, or what is not the grid's business
OURS = frozenset({"random_state", "categorical_features", "n_jobs", "verbose", "warm_start"})


class Kind(Protocol):
    """What one plain estimator adds."""

    def unfitted(self, params: Mapping[str, Any], seed: int) -> Any:
        """The scikit-learn estimator."""
        ...

    def preparation(self) -> Any:
        """What is done to numbers before it: a transformer, or `passthrough`."""
        ...

    def read(self, parts: Parts) -> Linear | Trees:
        """The plain numbers of a fitted pipeline of its kind. Raises ArtifactError when it is another."""
        ...


class PlainEstimator:
    """Implements `ratchet.estimators.estimator.Estimator` by a scorer of plain numbers."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    @property
    def parameters(self) -> frozenset[str]:
        """Those of the scikit-learn estimator that are not set here."""
        return frozenset(self._kind.unfitted({}, 0).get_params()) - OURS

    def pipeline(self, features: Sequence[Feature], params: Mapping[str, Any], seed: int) -> Pipeline:
        """The unfitted pipeline: columns, then estimator.

        Categories are one-hot, so that the row scorer needs no categorical splits; one that was not seen in training switches no
        column on.
        """
        numbers = [feature.name for feature in features if feature.dtype.is_number]
        categories = [feature.name for feature in features if not feature.dtype.is_number]
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False)
        parts = [("numbers", self._kind.preparation(), numbers), ("categories", encoder, categories)]
        columns = ColumnTransformer([part for part in parts if part[2]])
        return Pipeline([("columns", columns), ("estimator", self._kind.unfitted(params, seed))])

    def answers(self, pipeline: Any, rows: Any) -> NDArray[np.float64]:
        """A share for each class, shape (n, 2)."""
        return scoring.answers(pipeline, rows)

    def scorer(self, pipeline: Any, features: Sequence[Feature], columns: Columns) -> Scorer:
        """The scorer, compared with the pipeline bit by bit on some of the rows."""
        made = self.unproven(pipeline, features)
        scoring.verify(made, pipeline, features, columns)
        return made

    def unproven(self, pipeline: Any, features: Sequence[Feature]) -> Scorer:
        """The scorer of a fitted pipeline. Raises ArtifactError when it holds anything that the scorer would not reproduce."""
        return Scorer.of(extract(pipeline, features, self._kind.read), features)

"""The fast row scorer: a fitted pipeline as plain numbers in one JSON file.

Loading it runs no code (no pickle) and imports neither scikit-learn nor pandas; its answers are those of the pipeline, bit by bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ratchet.core.schema import Feature, FeatureValue, Scored
from ratchet.estimators.documents import SCORER, Input, Spec, parsed
from ratchet.estimators.plain.linear import Linear
from ratchet.estimators.plain.trees import Trees


class Document(Spec):
    """The content of scorer.json."""

    format: Literal[1] = 1
    features: tuple[Input, ...] = Field(min_length=1)
    model: Annotated[Linear | Trees, Field(discriminator="kind")]

    @model_validator(mode="after")
    def _inputs_are_features(self) -> Self:
        encoded = [*self.model.inputs.numbers, *(item.name for item in self.model.inputs.categories)]
        names = {item.name for item in self.features}
        if len(set(encoded)) < len(encoded) or not names.issuperset(encoded):
            message = "the model's inputs are not among the features"
            raise ValueError(message)
        return self


def expit(log_odds: float) -> float:
    """The logistic function, by the C library's exp as in SciPy (numpy's vectorised exp may differ in the last bit)."""
    try:
        return 1.0 / (1.0 + math.exp(-log_odds))
    except OverflowError:  # below -709.78, where the quotient is 1 / inf
        return 0.0


class Scorer:
    """Scores of one fitted model. Implements `ratchet.estimators.estimator.Scorer`."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._model = document.model.scorer()

    @classmethod
    def of(cls, model: Linear | Trees, features: Sequence[Feature]) -> Scorer:
        """The scorer of a model's plain numbers, whose inputs are among `features`."""
        return cls(Document(features=tuple(Input(name=feature.name, dtype=feature.dtype) for feature in features), model=model))

    @classmethod
    def load(cls, folder: Path) -> Scorer:
        """Read what `save` wrote. Raises ArtifactError when it is missing, cut off or malformed."""
        return parsed(folder / SCORER, lambda content: cls(Document.model_validate_json(content)))

    def save(self, folder: Path) -> None:
        """Write scorer.json into the folder; its decimal figures name the very same doubles."""
        (folder / SCORER).write_text(self._document.model_dump_json(), encoding="utf-8")

    @property
    def features(self) -> tuple[Feature, ...]:
        """The model's inputs, in order."""
        return tuple(Feature(item.name, item.dtype) for item in self._document.features)

    def row(self, features: Mapping[str, FeatureValue]) -> float:
        """The score of one row.

        Args:
            features: raw values by name (numbers, bools or text, as JSON has them); no key, None and NaN are a missing value.

        Raises:
            DataError: a value is not of its feature's type, or too large for the model.
        """
        return expit(self._model.row(features))

    def batch(self, columns: Scored) -> NDArray[np.float64]:
        """The scores of n rows, shape (n,): for each what `row` says. Raises DataError as `row` does."""
        return scores(self._model.batch(columns).tolist())

    def margins(self, columns: Scored) -> NDArray[np.float64]:
        """The log-odds of n rows, shape (n,), before the logistic function rounds them: what contributions add up to."""
        return self._model.batch(columns)


def scores(log_odds: Iterable[float]) -> NDArray[np.float64]:
    """`expit` of each."""
    return np.fromiter(map(expit, log_odds), dtype=np.float64)

"""The fast row scorer: a fitted pipeline as plain numbers in one JSON file.

Loading it runs no code (no pickle) and imports neither scikit-learn nor pandas; its answers are those of the pipeline, bit by bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from ratchet.core.errors import ArtifactError
from ratchet.core.schema import Columns, DType, Feature, FeatureValue
from ratchet.estimators.encoding import Spec
from ratchet.estimators.plain.linear import Linear, LinearScorer
from ratchet.estimators.plain.trees import Trees, TreeScorer

FILE = "scorer.json"
REMEDY = "register the version again, or roll back to another"
T = TypeVar("T")


class Input(Spec):
    """A feature, as scorer.json and schema.json name it."""

    name: str
    dtype: DType


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
    """Probabilities of one fitted model."""

    def __init__(self, document: Document) -> None:
        self._document = document
        model = document.model
        self._model = LinearScorer(model) if isinstance(model, Linear) else TreeScorer(model)

    @classmethod
    def build(cls, pipeline: Any, features: Sequence[Feature]) -> Scorer:
        """Make the scorer of a pipeline that `ratchet.estimators.training` fitted on `features`.

        Raises ArtifactError when the pipeline holds anything that the scorer would not reproduce.
        """
        from ratchet.estimators.plain.extraction import extract  # noqa: PLC0415 - imports scikit-learn (4 s), which loading and scoring do without

        inputs = tuple(Input(name=feature.name, dtype=feature.dtype) for feature in features)
        return cls(Document(features=inputs, model=extract(pipeline, features)))

    @classmethod
    def load(cls, folder: Path) -> Scorer:
        """Read what `save` wrote. Raises ArtifactError when it is missing, cut off or malformed."""
        return parsed(folder / FILE, lambda content: cls(Document.model_validate_json(content)))

    def save(self, folder: Path) -> None:
        """Write scorer.json into the folder; its decimal figures name the very same doubles."""
        (folder / FILE).write_text(self._document.model_dump_json(), encoding="utf-8")

    @property
    def features(self) -> tuple[Feature, ...]:
        """The model's inputs, in order."""
        return tuple(Feature(item.name, item.dtype) for item in self._document.features)

    def row(self, features: Mapping[str, FeatureValue]) -> float:
        """The probability of one row.

        Args:
            features: raw values by name (numbers, bools or text, as JSON has them); no key, None and NaN are a missing value.

        Raises:
            DataError: a value is not of its feature's type, or too large for the model.
        """
        return expit(self._model.row(features))

    def batch(self, columns: Columns) -> NDArray[np.float64]:
        """The probabilities of n rows, shape (n,): for each what `row` says. Raises DataError as `row` does."""
        return probabilities(self._model.batch(columns).tolist())

    def log_odds(self, columns: Columns) -> NDArray[np.float64]:
        """The log-odds of n rows, shape (n,), before the logistic function rounds them."""
        return self._model.batch(columns)


def probabilities(log_odds: Iterable[float]) -> NDArray[np.float64]:
    """`expit` of each."""
    return np.fromiter(map(expit, log_odds), dtype=np.float64)


def parsed(path: Path, parse: Callable[[bytes], T]) -> T:
    """Read a file of a bundle. Raises ArtifactError when it is missing or `parse` raises ValueError."""
    try:
        return parse(path.read_bytes())
    except FileNotFoundError as error:
        message = f"{path} is missing: {REMEDY}"
        raise ArtifactError(message) from error
    except (OSError, ValueError) as error:
        message = f"{path} cannot be used ({_why(error)}): {REMEDY}"
        raise ArtifactError(message) from error


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else first["msg"]
    return " ".join(str(error).split())

"""A fitted scikit-learn pipeline taken apart, for an estimator to read into the scorer's plain numbers.

`scoring.verify` compares every new scorer with its pipeline before anybody uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from ratchet.core.errors import ArtifactError
from ratchet.core.schema import Feature
from ratchet.estimators.plain.encoding import CategoryInput, Inputs
from ratchet.estimators.plain.linear import Linear
from ratchet.estimators.plain.trees import Trees


@dataclass(frozen=True, slots=True)
class Parts:
    """A fitted pipeline's steps: what prepares the numbers, what encodes the categories, and the estimator."""

    preparation: Any
    numbers: list[str]
    encoder: Any
    categories: list[str]
    estimator: Any

    def inputs(self, start: int) -> Inputs:
        """The encoded columns, the categories' from `start` on."""
        encoded, width = _categories(self.encoder, self.categories, start)
        return Inputs(numbers=tuple(self.numbers), categories=encoded, width=width)


Read = Callable[[Parts], Linear | Trees]
"""An estimator's own part: the plain numbers of a fitted pipeline of its kind. Raises ArtifactError."""


def extract(pipeline: Any, features: Sequence[Feature], read: Read) -> Linear | Trees:
    """The numbers of a pipeline that an estimator has made. Raises ArtifactError when it is another kind of pipeline."""
    if not isinstance(pipeline, Pipeline) or len(pipeline.steps) != 2:  # noqa: PLR2004 - columns, then estimator
        raise unknown(pipeline)
    columns, estimator = (step for _, step in pipeline.steps)
    if not isinstance(columns, ColumnTransformer):
        raise unknown(columns)
    if list(getattr(estimator, "classes_", ())) != [0, 1]:
        raise ArtifactError("the pipeline was not fitted on the labels 0 and 1, so no scorer can be made from it")
    parts = {name: (part, list(names)) for name, part, names in columns.transformers_ if name != "remainder"}
    preparation, numbers = parts.pop("numbers", (None, []))
    encoder, categories = parts.pop("categories", (None, []))
    if parts or list(columns.feature_names_in_) != [feature.name for feature in features]:
        raise ArtifactError("the pipeline's columns are not the project's features: train again after changing ratchet.yaml")
    return read(Parts(preparation, numbers, encoder, categories, estimator))


def unknown(part: Any) -> ArtifactError:
    """What is raised for a part of a pipeline that no scorer repeats."""
    return ArtifactError(f"no scorer can be made from a {type(part).__name__}: train with an estimator that the catalogue names")


def _categories(encoder: Any, names: Sequence[str], start: int) -> tuple[tuple[CategoryInput, ...], int]:
    """The encoder's columns from `start` on, and the first column after them."""
    if not names:
        return (), start
    if not isinstance(encoder, OneHotEncoder) or encoder.drop is not None or encoder.handle_unknown == "error":
        raise unknown(encoder)
    pooled_of = encoder.infrequent_categories_ if encoder.max_categories or encoder.min_frequency else [None] * len(names)
    inputs = []
    for name, known, pooled in zip(names, encoder.categories_, pooled_of, strict=True):
        rare = set() if pooled is None else set(pooled)
        own = [str(item) for item in known if item not in rare]
        pool = start + len(own) if rare else None
        inputs.append(CategoryInput(name=name, columns={item: start + k for k, item in enumerate(own)}, otherwise=pool))
        start += len(own) + bool(rare)
    return tuple(inputs), start

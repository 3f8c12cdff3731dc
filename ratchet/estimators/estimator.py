"""The ports of how a version is made and scored. The task says what is aimed at (`core.objective`), an estimator says by what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ratchet.core.schema import Columns, Feature, FeatureValue, Scored

Grid = Mapping[str, Mapping[str, Sequence[Any]] | None]  # estimator's name -> parameter -> values to try; None leaves it out


class Scorer(Protocol):
    """A fitted model as serving and comparisons use it: it imports neither scikit-learn nor pandas, and loading it runs no code."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """The model's inputs, in order."""
        ...

    def row(self, features: Mapping[str, FeatureValue]) -> float:
        """The score of one row of raw values. Raises DataError when a value does not fit its feature."""
        ...

    def batch(self, columns: Scored) -> NDArray[np.float64]:
        """The scores of n rows, shape (n,): for each what `row` says, bit by bit."""
        ...

    def margins(self, columns: Scored) -> NDArray[np.float64]:
        """The quantity of n rows, shape (n,), that an explanation's contributions add up to."""
        ...

    def save(self, folder: Path) -> None:
        """Write the scorer's file into a bundle's folder."""
        ...


class Estimator(Protocol):
    """A line of ratchet.yaml's `training`: one kind of model, whose fitted form a scorer repeats."""

    @property
    def parameters(self) -> frozenset[str]:
        """The names that a grid may list."""
        ...

    def pipeline(self, features: Sequence[Feature], params: Mapping[str, Any], seed: int) -> Any:
        """The unfitted scikit-learn pipeline from a frame of `features` to an answer."""
        ...

    def answers(self, pipeline: Any, rows: Any) -> Any:
        """What a fitted pipeline itself says of rows (a DataFrame of `frames.frame`), as other tools that load it see it."""
        ...

    def scorer(self, pipeline: Any, features: Sequence[Feature], columns: Columns) -> Scorer:
        """The scorer of a fitted pipeline, proven on some of these rows to repeat its answers. Raises ArtifactError."""
        ...

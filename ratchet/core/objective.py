"""What a search for a model aims at: a task gives it, the estimators' search takes it."""

from __future__ import annotations

from typing import Protocol

from ratchet.core.estimate import Labels


class Objective(Protocol):
    """A metric and the labels that it can be aimed at with."""

    @property
    def scoring(self) -> str:
        """scikit-learn's name of the metric that cross-validation measures; more is better."""
        ...

    @property
    def stratified(self) -> bool:
        """Whether each fold gets the same share of each label."""
        ...

    def refuse(self, labels: Labels, folds: int) -> None:
        """Raise DataError when these labels (n of them, one at least) teach nothing."""
        ...

"""What the search for a binary model aims at, and the labels that it can aim with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.errors import DataError


class RankObjective:
    """The AUC, in folds that each have the same share of both labels. Implements `ratchet.core.objective.Objective`."""

    scoring = "roc_auc"
    stratified = True

    def refuse(self, labels: NDArray[Any], folds: int) -> None:
        """Raise DataError unless the labels are 0 and 1, each at least once a fold."""
        if not np.isin(labels, (0, 1)).all():
            raise DataError("a label is neither 0 nor 1: training needs a binary label")
        positive = int(labels.sum())
        for name, count in (("label 1", positive), ("label 0", labels.size - positive)):
            if count == 0:
                message = f"none of the {labels.size} training rows has {name}: training needs both classes"
                raise DataError(message)
            if count < folds:
                message = (
                    f"only {count} of the {labels.size} training rows have {name}, fewer than the {folds} folds of training.folds"
                )
                raise DataError(message)

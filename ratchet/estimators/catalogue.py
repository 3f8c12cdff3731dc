"""The estimators that ratchet.yaml's `training` may name, and how a bundle's scorer is loaded.

A new one is a file and a line here. They stand as text because fitting imports scikit-learn (4 s), which checking a project file,
serving and comparing do without.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

from ratchet.core.errors import ProjectError
from ratchet.estimators.estimator import Estimator, Scorer
from ratchet.estimators.plain.scorer import Scorer as PlainScorer
from ratchet.project.file import Project

# the simpler first: of equal scores in the search the first wins
ESTIMATORS: Mapping[str, str] = {
    "logistic_regression": "ratchet.estimators.plain.logistic_regression:ESTIMATOR",
    "hist_gradient_boosting": "ratchet.estimators.plain.hist_gradient_boosting:ESTIMATOR",
}


def estimator(name: str) -> Estimator:
    """The estimator of that name, which is one of ESTIMATORS."""
    module, _, attribute = ESTIMATORS[name].partition(":")
    return cast("Estimator", getattr(import_module(module), attribute))


def refuse_unknown(project: Project) -> None:
    """Raise ProjectError when the project's `training` names an estimator that there is not."""
    unknown = [name for name in project.training.grids if name not in ESTIMATORS]
    if unknown:
        message = f"training.{unknown[0]} in ratchet.yaml is no estimator: use one of {', '.join(ESTIMATORS)}"
        raise ProjectError(message)


def load_scorer(folder: Path) -> Scorer:
    """The scorer in a bundle's folder. Raises ArtifactError when it is missing, cut off or malformed."""
    return PlainScorer.load(folder)

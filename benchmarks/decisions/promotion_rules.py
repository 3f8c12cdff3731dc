"""When a candidate takes over: the rules side by side.

TensorFlow Model Analysis does not install beside the rest, so what its metrics_validator.py does with a `GenericChangeThreshold` is
written down here: `change >= absolute and change / baseline >= relative`, with `change = candidate - baseline`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import mlflow
from mlflow.models import EvaluationResult, MetricThreshold
from mlflow.models.evaluation.validation import ModelValidationFailedException

from ratchet.core.estimate import Scores
from ratchet.core.gate import judge, should_promote
from ratchet.core.measurement import Measurement
from ratchet.core.policy import GatePolicy
from ratchet.steps.parts.holdout import Holdout, measure
from ratchet.tasks.binary.task import BINARY

OURS = "Ratchet"
LAB = "lab: should_promote(delta=0.01)"
MLFLOW = "MLflow: MetricThreshold(absolute=0.01, relative=0.01)"
TFX_ABSOLUTE = "TFX: absolute=0.01"
TFX_RELATIVE = "TFX: relative=0.01"
TFX_TUTORIAL = "TFX: absolute=-1e-10 (tutorial)"

Rule = Callable[[float, float], bool]

_POLICY = GatePolicy()


def tfx(candidate: float, baseline: float, *, absolute: float = -math.inf, relative: float = -math.inf) -> bool:
    """TFMA's change threshold for a metric of which more is better; a baseline of 0 has no relative change and fails."""
    change = candidate - baseline
    ratio = math.nan if math.isclose(baseline, 0.0) else change / baseline
    return change >= absolute and ratio >= relative


def mlflow_validates(candidate: float, baseline: float) -> bool:
    """MLflow's own validation, with the thresholds that its guide shows, at the lab's size."""
    logging.getLogger("mlflow.models.evaluation.validation").setLevel(logging.WARNING)  # it logs two lines a call
    threshold = MetricThreshold(min_absolute_change=0.01, min_relative_change=0.01, greater_is_better=True)
    results = [EvaluationResult(metrics={"roc_auc": auc}, artifacts={}) for auc in (candidate, baseline)]
    try:
        mlflow.validate_evaluation_results({"roc_auc": threshold}, *results)
    except ModelValidationFailedException:
        return False
    return True


PEERS: dict[str, Rule] = {
    LAB: should_promote,
    MLFLOW: mlflow_validates,
    TFX_ABSOLUTE: lambda candidate, baseline: tfx(candidate, baseline, absolute=0.01),
    TFX_RELATIVE: lambda candidate, baseline: tfx(candidate, baseline, relative=0.01),
    TFX_TUTORIAL: lambda candidate, baseline: tfx(candidate, baseline, absolute=-1e-10),
}


def measured(held: Holdout, candidate: Scores, champion: Scores, attempt: int) -> Measurement:
    """The product's measurement by its default policy."""
    return measure(BINARY, _POLICY, held, candidate, champion, [held.snapshot.as_of] * (attempt - 1))


def ours(measurement: Measurement) -> bool:
    """The product's gate by its default policy, all of its reasons."""
    return judge(measurement, _POLICY).passed

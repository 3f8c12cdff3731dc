"""The same question in memory: which of fourteen columns drifted, and by how much. Ours, and Evidently by its public API."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import DriftedColumnsCount
from evidently.presets import DataDriftPreset

from benchmarks.drift.data import FEATURES
from ratchet.core.policy import DriftPolicy
from ratchet.core.schema import Columns, DType
from ratchet.drift.profile import Profile, profile
from ratchet.drift.verdict import Drift, drift

NUMBERS = [feature.name for feature in FEATURES if feature.dtype in {DType.INT, DType.FLOAT}]
TEXTS = [feature.name for feature in FEATURES if feature.name not in NUMBERS]
_METHODS = {"num_method": "wasserstein", "cat_method": "jensenshannon", "num_threshold": 0.1, "cat_threshold": 0.1}


def ours(reference: Columns, current: Columns) -> Drift:
    """Profile both sides and judge: more than the product does, which keeps the reference's profile."""
    return against(profile(FEATURES, reference), current)


def against(reference: Profile, current: Columns) -> Drift:
    """What the product does each month: the reference is a stored profile."""
    return drift(reference, profile(FEATURES, current), DriftPolicy())


def evidently_preset(reference: pd.DataFrame, current: pd.DataFrame) -> dict[str, float]:
    """The preset that its documentation begins with; a figure for each column."""
    found = _run(DataDriftPreset(columns=NUMBERS + TEXTS, **_METHODS), reference, current)
    return {metric["config"]["column"]: metric["value"] for metric in found["metrics"] if "column" in metric["config"]}


def evidently_count(reference: pd.DataFrame, current: pd.DataFrame) -> float:
    """The least that answers the question: the number of drifted columns alone."""
    found = _run(DriftedColumnsCount(columns=NUMBERS + TEXTS, **_METHODS), reference, current)
    return float(found["metrics"][0]["value"]["count"])


def agree(found: Drift, figures: dict[str, float], drifted: float) -> float:
    """The largest difference between our effects and Evidently's. Raises AssertionError when they do not answer the same."""
    effects = {test.feature: test.effect for test in found.tests if test.test == "value"}
    assert effects.keys() == figures.keys()
    apart = max(abs((effects[name] or 0.0) - value) for name, value in figures.items())
    assert apart < 2e-3, f"our effects and Evidently's differ by {apart}"
    values_drifted = {test.feature for test in found.tests if test.test == "value" and test.drifted}
    assert len(values_drifted) == drifted == sum(value >= 0.1 for value in figures.values())
    return apart


def _run(metric: Any, reference: pd.DataFrame, current: pd.DataFrame) -> dict[str, Any]:
    types = DataDefinition(numerical_columns=NUMBERS, categorical_columns=TEXTS)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = Report([metric]).run(Dataset.from_pandas(current, types), Dataset.from_pandas(reference, types))
    found: dict[str, Any] = result.dict()
    return found

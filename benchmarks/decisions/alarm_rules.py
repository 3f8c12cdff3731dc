"""When a month counts as drifted: the product, and Evidently's preset read in two ways.

The whole preset takes a second or more a month, nearly all of it for tables and charts. The many draws therefore call the statistic
that the preset would choose for each column; `preset` runs all of it, and every benchmark run compares the two on some months.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests import get_stattest
from evidently.presets import DataDriftPreset

from ratchet.core.decision import Verdict
from ratchet.core.policy import DriftPolicy
from ratchet.core.schema import Columns, DType, Feature
from ratchet.drift.profile import profile
from ratchet.drift.verdict import drift

OURS = "Ratchet"
LAB = "lab: Evidently's preset, share >= 0.02"
EVIDENTLY = "Evidently's preset, share >= 0.5 (default)"
SHARES = {LAB: 0.02, EVIDENTLY: 0.5}

_POLICY = DriftPolicy()
_DRIFTED, _VALUE = "evidently:metric_v2:DriftedColumnsCount", "evidently:metric_v2:ValueDrift"


def ours(features: tuple[Feature, ...], reference: Columns, current: Columns) -> Verdict:
    """The product's verdict by its default policy: PASS is an alarm, UNKNOWN says that the rows are too few."""
    return drift(profile(features, reference), profile(features, current), _POLICY).decision.verdict


def is_number(feature: Feature) -> bool:
    """How the features are declared to Evidently: a bool is a category."""
    return feature.dtype in {DType.INT, DType.FLOAT}


def statistics(features: tuple[Feature, ...], reference: Columns, current: Columns) -> dict[str, tuple[float, bool]]:
    """Evidently's figure and verdict for each column, by the test and threshold that it chooses itself."""
    found: dict[str, tuple[float, bool]] = {}
    for feature in features:
        before, after = (pd.Series(side[feature.name]).dropna() for side in (reference, current))
        kind = "num" if is_number(feature) else "cat"
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "ks_2samp: Exact calculation unsuccessful")  # SciPy then uses the asymptotic one
            result = get_stattest(before, after, kind, None)(before, after, kind, None)
        found[feature.name] = (float(result.drift_score), bool(result.drifted))
    return found


def drifted_share(columns: Mapping[str, tuple[float, bool]]) -> float:
    """The share of columns that drifted."""
    return sum(drifted for _, drifted in columns.values()) / len(columns)


def preset(features: tuple[Feature, ...], reference: Columns, current: Columns) -> tuple[dict[str, float], float]:
    """Evidently's whole preset: each column's figure, and the share of drifted columns."""
    types = DataDefinition(
        numerical_columns=[item.name for item in features if is_number(item)],
        categorical_columns=[item.name for item in features if not is_number(item)],
    )
    after, before = (Dataset.from_pandas(pd.DataFrame(side), types) for side in (current, reference))
    with np.errstate(invalid="ignore", divide="ignore"):
        metrics = json.loads(Report([DataDriftPreset()]).run(after, before).json())["metrics"]
    figures = {item["config"]["column"]: float(item["value"]) for item in metrics if item["config"]["type"] == _VALUE}
    (share,) = (float(item["value"]["share"]) for item in metrics if item["config"]["type"] == _DRIFTED)
    return figures, share

"""How many rows have no value, of any type: as of a category with two values."""

from __future__ import annotations

import numpy as np

from ratchet.drift.histogram import FeatureProfile
from ratchet.drift.tests.category import MEASURE, TITLE, compare_counts
from ratchet.drift.tests.port import Comparison, DriftTest


def _compare(reference: FeatureProfile, current: FeatureProfile) -> Comparison | None:
    if not (reference.missing or current.missing):
        return None
    before, after = (np.array([item.missing, item.present], dtype=np.int64) for item in (reference, current))
    return compare_counts(before, after)


TEST = DriftTest("missing", MEASURE, TITLE, lambda policy: policy.category_effect, _compare)

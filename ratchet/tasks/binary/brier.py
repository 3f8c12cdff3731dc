"""The Brier score: how true the probabilities are (Brier, Monthly Weather Review 1950)."""

from __future__ import annotations

import math

import numpy as np

from ratchet.core.estimate import Scores
from ratchet.tasks.binary.ranking import Labels


def brier(labels: Labels, scores: Scores) -> float:
    """Mean squared difference of probability and label, 0 (best) to 1; NaN without a row."""
    return float(np.mean((scores - labels) ** 2)) if len(labels) else math.nan

"""The shape of an answer: a prediction of 0 or 1, and the probability of 1 that it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ratchet.core.estimate import Scores
from ratchet.core.schema import Columns

_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}


@dataclass(frozen=True, slots=True)
class ProbabilityAnswers:
    """Implements `ratchet.tasks.task.Answers`. From a probability of `threshold` on the prediction is 1."""

    threshold: float

    def of(self, score: float) -> dict[str, Any]:
        """`prediction` and `probability`."""
        return {"prediction": int(score >= self.threshold), "probability": score}

    def columns(self, scores: Scores) -> Columns:
        """`probability`, then `prediction` (int64)."""
        return {"probability": scores, "prediction": (scores >= self.threshold).astype(np.int64)}

    def explained(self, score: float, typical: float) -> dict[str, Any]:
        """The row's probability, and the typical row's."""
        return {"probability": score, "typical_probability": typical}

    @property
    def schema(self) -> dict[str, dict[str, Any]]:
        """OpenAPI schemas of what `of` gives."""
        prediction = {"enum": [0, 1], "description": f"1 from a probability of {self.threshold:g} on"}
        return {"prediction": prediction, "probability": _PROBABILITY}

    @property
    def explanation_schema(self) -> dict[str, dict[str, Any]]:
        """OpenAPI schemas of what `explained` gives."""
        return {"probability": _PROBABILITY, "typical_probability": _PROBABILITY}


def score_in(answer: Mapping[str, Any]) -> float:
    """The probability in an answer of /predict. Raises KeyError, TypeError or ValueError when it has none."""
    value = answer["probability"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"probability is {value!r}"
        raise TypeError(message)
    return float(value)

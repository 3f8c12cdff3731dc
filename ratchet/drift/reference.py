"""What a version remembers of the snapshot it was trained on: features, its own predictions, labels (the bundle's profile)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ratchet.core.errors import ArtifactError
from ratchet.core.schema import DType, Feature
from ratchet.core.trained_keys import TrainedKeys
from ratchet.drift.profile import Profile

PREDICTION = (Feature("prediction", DType.FLOAT),)


@dataclass(frozen=True, slots=True)
class Reference:
    """`features` is the profile of the whole snapshot, `predictions` that of the version's answers for the held-out entities.

    `labels` counts the snapshot's rows by label; empty where they were not counted. `influence` is each feature's share of the
    variance of the version's score (ratchet.estimators.influence); empty where it was not measured, as in the releases before
    this one. `trained` are the keys of the training rows; None where nobody wrote them down, likewise.
    """

    features: Profile
    predictions: Profile
    labels: Mapping[str, int] = field(default_factory=dict)
    influence: Mapping[str, float] = field(default_factory=dict)
    trained: TrainedKeys | None = None

    def to_json(self) -> str:
        """One JSON document."""
        parts = {"features": self.features.to_json(), "predictions": self.predictions.to_json()}
        trained = {} if self.trained is None else {"trained": self.trained.document()}
        return json.dumps({**parts, "labels": dict(self.labels), "influence": dict(self.influence), **trained})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse. Raises ArtifactError when the text is malformed."""
        try:
            parts = json.loads(text)
            return cls(
                Profile.from_json(parts["features"]),
                Profile.from_json(parts["predictions"]),
                _labels(parts),
                {str(name): float(share) for name, share in parts.get("influence", {}).items()},
                _trained(parts),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            message = f"the version's reference profile cannot be read ({error}): restore its files, or train a new version"
            raise ArtifactError(message) from error


def trained_keys(text: str) -> TrainedKeys | None:
    """The keys of the training rows from a reference's document, without reading the rest. Raises ArtifactError when malformed."""
    try:
        return _trained(json.loads(text))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"the keys that the version was trained on cannot be read ({error}): restore its files, or train a new version"
        raise ArtifactError(message) from error


def _trained(parts: Mapping[str, Any]) -> TrainedKeys | None:
    return TrainedKeys.read(parts["trained"]) if "trained" in parts else None


def _labels(parts: Mapping[str, Any]) -> dict[str, int]:
    """Rows by label. The releases before this one kept all rows, and those of the one label that was positive."""
    if "labels" in parts:
        return {str(label): int(rows) for label, rows in parts["labels"].items()}
    rows, positives = int(parts["label_rows"]), int(parts["label_positives"])
    return {"0": rows - positives, "1": positives}

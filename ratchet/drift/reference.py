"""What a version remembers of the snapshot it was trained on: features, its own predictions, labels (the bundle's profile)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

from ratchet.core.errors import ArtifactError
from ratchet.core.schema import DType, Feature
from ratchet.drift.profile import Profile

PREDICTION = (Feature("prediction", DType.FLOAT),)


@dataclass(frozen=True, slots=True)
class Reference:
    """`features` is the profile of the whole snapshot, `predictions` that of the version's answers for the held-out entities."""

    features: Profile
    predictions: Profile
    label_rows: int
    label_positives: int

    def to_json(self) -> str:
        """One JSON document."""
        parts = {"features": self.features.to_json(), "predictions": self.predictions.to_json()}
        return json.dumps({**parts, "label_rows": self.label_rows, "label_positives": self.label_positives})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse. Raises ArtifactError when the text is malformed."""
        try:
            parts = json.loads(text)
            return cls(
                Profile.from_json(parts["features"]),
                Profile.from_json(parts["predictions"]),
                int(parts["label_rows"]),
                int(parts["label_positives"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            message = f"the version's reference profile cannot be read ({error}): restore its files, or train a new version"
            raise ArtifactError(message) from error

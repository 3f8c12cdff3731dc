"""The body of a question to /predict, where we are who asks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.core.schema import DType, Feature, FeatureValue


def body(key: str, entity: str, features: Mapping[str, FeatureValue] | None, posted: Sequence[Feature]) -> dict[str, Any]:
    """What /predict is sent: the entity, and those of its features that a question brings, as JSON has their types.

    Args:
        key: the entity key's name.
        entity: whom to ask for.
        features: of the entity, numbers and bools as floats.
        posted: which of them are sent; none where they are looked up.
    """
    if not posted or features is None:
        return {key: entity}
    return {key: entity, "features": {feature.name: _as_json(feature, features.get(feature.name)) for feature in posted}}


def _as_json(feature: Feature, value: FeatureValue) -> FeatureValue | bool:
    if value is None or isinstance(value, str) or math.isnan(value):
        return value if isinstance(value, str) else None
    if feature.dtype is DType.BOOL:
        return bool(value)
    return int(value) if feature.dtype is DType.INT else value

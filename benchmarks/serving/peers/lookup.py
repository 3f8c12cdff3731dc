"""The Feast look-up of all peers: its public API, on the product's own definitions and SQLite online store."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import pandas as pd
from feast import FeatureStore, RepoConfig


@cache
def _opened() -> tuple[FeatureStore, Any]:
    model = os.environ["BENCH_MODEL"]
    config = RepoConfig(
        project=model,
        provider="local",
        registry={"path": os.environ["BENCH_FEAST_REGISTRY"], "cache_ttl_seconds": 0},  # 0: read once
        online_store={"type": "sqlite", "path": os.environ["BENCH_FEAST_ONLINE"]},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    return store, store.get_feature_service(model)


def look_up(user_id: str) -> dict[str, Any]:
    """The features of one user by name."""
    store, service = _opened()
    found = store.get_online_features(features=service, entity_rows=[{"user_id": user_id}]).to_dict()
    return {name: values[0] for name, values in found.items() if name != "user_id"}


def frame(features: dict[str, Any]) -> pd.DataFrame:
    """One row with the column types that the model's signature asks for: text, and float64 with NaN for None."""
    row = pd.DataFrame([features])
    numbers = [name for name, value in features.items() if not isinstance(value, str)]
    return row.astype(dict.fromkeys(numbers, "float64"))


def warm() -> str:
    """Open the store by a first look-up; a user that is there."""
    user = os.environ["BENCH_ENTITY"]
    look_up(user)
    return user

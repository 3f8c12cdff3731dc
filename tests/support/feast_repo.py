"""A Feast repository of somebody else's, made by Feast's own API: two feature views, a service, SQLite online."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from ratchet.clients.lean_imports import feast_importable

with feast_importable():
    import feast.metrics  # noqa: F401 - as in the adapters
    from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
    from feast.types import Bool, Float32, Int64, String

YAML = """\
project: theirs
provider: local
registry: data/registry.db
online_store: {type: sqlite, path: data/online.db}
entity_key_serialization_version: 3
"""
PERSON = {"months": Int64, "plan": String}
USAGE = {"hours": Float32, "devices": Int64, "promo": Bool}


@dataclass
class FeastRepo:
    """A repository below a folder.

    Args:
        folder: made anew.
        key: the join key.
        integers: whether the join key is an integer.
        views: features by view.
        ttl: days after which a row is none any more, by view.
    """

    folder: Path
    key: str = "member"
    integers: bool = False
    views: dict[str, dict[str, Any]] = field(default_factory=lambda: {"person": PERSON, "usage": USAGE})
    ttl: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "feature_store.yaml").write_text(YAML, encoding="utf-8")

    def put(self, day: date, rows: pd.DataFrame) -> None:
        """Append the rows of a day (join key and features) to the offline sources."""
        for view, features in self.views.items():
            path = self.folder / "data" / f"{view}.parquet"
            part = rows[[self.key, *features]].assign(event_timestamp=pd.Timestamp(day, tz="UTC"))
            kinds = {name: _PANDAS[dtype] for name, dtype in features.items()}
            part = part.astype({**kinds, self.key: "int64" if self.integers else "object"})
            parts = [pd.read_parquet(path), part] if path.exists() else [part]
            pd.concat(parts, ignore_index=True).to_parquet(path, index=False)

    def apply(self, service: str = "churn") -> None:
        """As `feast apply`: register entity, views and the feature service."""
        kind = ValueType.INT64 if self.integers else ValueType.STRING
        entity = Entity(name="person_of_theirs", join_keys=[self.key], value_type=kind)
        views = [self._view(name, entity) for name in self.views]
        with_sources = [entity, *views, FeatureService(name=service, features=views)]
        FeatureStore(repo_path=str(self.folder)).apply(with_sources)

    def _view(self, name: str, entity: Any) -> Any:
        source = FileSource(name=f"{name}_source", path=f"data/{name}.parquet", timestamp_field="event_timestamp")
        fields = [Field(name=feature, dtype=dtype) for feature, dtype in self.views[name].items()]
        return FeatureView(name=name, entities=[entity], schema=fields, source=source, ttl=timedelta(days=self.ttl.get(name, 0)))

    def materialize(self) -> None:
        """As `feast materialize`: fill the online store with the newest rows."""
        store = FeatureStore(repo_path=str(self.folder))
        store.materialize(datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


_PANDAS = {Int64: "Int64", Float32: "float64", Bool: "boolean", String: "object"}

"""What serving is built of in tests: a registry of folders, features in a JSON file, the real request log."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from ratchet.core.errors import NoSuchVersion, Unavailable
from ratchet.core.schema import DType, Feature, FeatureValue, GoldenRow, ModelVersion, StoredRow
from ratchet.estimators import bundle as bundles
from ratchet.estimators.bundle import Bundle
from ratchet.estimators.documents import Input
from ratchet.estimators.plain.encoding import CategoryInput, Inputs
from ratchet.estimators.plain.linear import Linear
from ratchet.estimators.plain.scorer import Document, Scorer
from ratchet.project.file import Project
from ratchet.requests.sql import SqlRequestLog
from ratchet.settings import Settings

FEATURES = (Feature("visits", DType.INT), Feature("plan", DType.CATEGORY))
ROWS: dict[str, dict[str, FeatureValue]] = {
    "anna": {"visits": 3.0, "plan": "basic"},
    "ben": {"visits": None, "plan": "gold"},
    "42": {"visits": 9.0, "plan": None},
}
PROJECT = Project.model_validate(
    {
        "model": "shop_churn",
        "entity": "customer",
        "tables": ["facts", "labels"],
        "label": {"column": "left", "table": "labels"},
        "features": [
            {"name": "visits", "table": "facts", "dtype": "int", "nullable": True},
            {"name": "plan", "table": "facts", "dtype": "category", "nullable": True},
        ],
        "holdout": {"salt": "s"},
        "serving": {"max_batch": 5},
    }
)


def linear_bundle(intercept: float) -> Bundle:
    """A logistic regression over FEATURES with its golden rows."""
    scorer = Scorer(
        Document(
            features=tuple(Input(name=f.name, dtype=f.dtype) for f in FEATURES),
            model=Linear(
                inputs=Inputs(
                    numbers=("visits",),
                    categories=(CategoryInput(name="plan", columns={"basic": 1, "gold": 2}, otherwise=None),),
                    width=3,
                ),
                medians=(4.0,),
                indicators=(),
                means=(4.0,),
                scales=(2.0,),
                weights=(0.7, -0.4, 0.9),
                intercept=intercept,
            ),
        )
    )
    golden = tuple(GoldenRow(name, row, scorer.row(row)) for name, row in ROWS.items())
    return Bundle("shop_churn", scorer, golden, "{}", {"visits": 4.0, "plan": "basic"})


def spoilt(bundle: Bundle) -> Bundle:
    """The same with a golden row that the scorer does not repeat."""
    first, *rest = bundle.golden
    return replace(bundle, golden=(replace(first, score=first.score + 1e-6), *rest))


class FolderRegistry:
    """Versions are folders `<root>/<number>`; one with a file `unavailable` in it cannot be reached."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, number: int, bundle: Bundle, digest: str = "digest") -> None:
        bundles.write(self.root / str(number), bundle)
        (self.root / f"{number}.digest").write_text(digest, encoding="utf-8")

    def version(self, number: int) -> ModelVersion:
        folder = self.root / str(number)
        if (folder / "unavailable").exists():
            message = "the registry cannot be reached"
            raise Unavailable(message)
        if not folder.is_dir():
            message = f"there is no version {number}"
            raise NoSuchVersion(message)
        told = self.root / f"{number}.digest"
        digest = told.read_text(encoding="utf-8") if told.exists() else "digest"
        return ModelVersion(number, "run", digest, datetime(2024, 2, 29, tzinfo=UTC), None)

    def bundle(self, version: ModelVersion) -> Path:
        return self.root / str(version.number)


class JsonFeatures:
    """Rows in a JSON file, read anew each time; no file means that the store is down."""

    as_of: date | None = date(2024, 2, 29)

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, rows: dict[str, dict[str, FeatureValue]]) -> None:
        self.path.write_text(json.dumps(rows), encoding="utf-8")

    def online(self, entities: Sequence[str]) -> list[StoredRow | None]:
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            message = f"the feature store {self.path.name} cannot be reached"
            raise Unavailable(message) from error
        return [StoredRow(rows[entity], self.as_of) if entity in rows else None for entity in entities]


class FakeWiring:
    """What `ratchet.wiring.Wiring` is to production."""

    looks_up_in_a_file = True

    def __init__(self, home: Path) -> None:
        self.project = PROJECT
        self.settings = Settings(home=home)
        self.registry = self.published = FolderRegistry(home / "versions")
        self.features = JsonFeatures(home / "features.json")
        self.requests = SqlRequestLog(f"sqlite:///{home / 'requests.db'}", "churn")

    @classmethod
    def load(cls) -> FakeWiring:
        return cls(Path(os.environ["RATCHET_HOME"]))

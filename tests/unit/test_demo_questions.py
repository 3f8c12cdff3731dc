"""What the demo's client asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.apps.demo.questions import questions
from ratchet.core.errors import DataError
from ratchet.project.file import Project
from ratchet.settings import Settings
from ratchet.sources.folder import TableSource
from ratchet.wiring import Wiring
from tests.support.shop import SHOP, put, tables


def wired(tmp_path: Path, kept: str) -> Wiring:
    project = Project.model_validate({**SHOP.model_dump(mode="json", by_alias=True), "feature_store": kept})
    wiring = Wiring(Settings(home=tmp_path / "home"), project)
    put(tmp_path / "raw" / "may", tables())
    raw = TableSource(tmp_path / "raw", project).read("may")
    wiring.store.write(raw.snapshot, raw.features, raw.labels)
    return wiring


def test_where_features_are_kept_entities_are_named(tmp_path: Path) -> None:
    assert questions(wired(tmp_path, "feast"), "may")[:2] == [{"customer": "C001"}, {"customer": "C002"}]


def test_where_none_are_kept_their_features_are_brought(tmp_path: Path) -> None:
    first = questions(wired(tmp_path, "none"), "may")[0]
    features = {"age": 20, "vip": True, "plan": "Basic", "visits": None, "spend": -2.25, "opted": True}
    assert first == {"customer": "C001", "features": features}


def test_a_snapshot_that_was_not_ingested_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="june"):
        questions(wired(tmp_path, "none"), "june")

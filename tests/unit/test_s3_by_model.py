"""Two models in one bucket: each below its name, and what release 0.1 left there is taken by the one that it belongs to."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from ratchet.core.schema import Snapshot
from ratchet.ledger.sql import SqlLedger
from ratchet.project.file import Project
from ratchet.settings import Settings
from ratchet.wiring import Wiring
from tests.support.s3_objects import FakeS3
from tests.support.shop import SHOP

BUCKET = "s3://ratchet/state"
FEATURES = pd.DataFrame({"customer": ["a", "b"], "age": [1.0, 2.0]})


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    made = FakeS3()
    monkeypatch.setattr("ratchet.clients.s3.boto3.session.Session", made)
    return made


def wired(home: Path, model: str, monkeypatch: pytest.MonkeyPatch, *, owns: bool) -> Wiring:
    """A model's wiring on the bucket, in a home of its own; `owns` says whether the records of release 0.1 are its."""
    project = Project.model_validate(
        {
            **SHOP.model_dump(mode="json", exclude_unset=True),
            "model": model,
            "entity": "customer",
            "tables": ["people", "labels"],
            "label": {"column": "left", "table": "labels"},
            "features": [{"name": "age", "table": "people", "dtype": "float"}],
            "slices": [],
        }
    )
    at = home / model
    settings = Settings(home=at, snapshots_url=f"{BUCKET}/snapshots", reports_url=f"{BUCKET}/reports")
    wiring = Wiring(settings, project)
    ledger = SqlLedger(f"sqlite:///{at / 'ledger.db'}", "tester", model)
    monkeypatch.setattr(ledger, "owns_unnamed", lambda: owns)
    wiring.__dict__["ledger"] = ledger
    return wiring


def snapshot(month: int, text: str) -> Snapshot:
    return Snapshot(f"m{month}", date(2024, month, 1), 2, 0, text * 32)


def names(wiring: Wiring) -> list[str]:
    return [found.name for found in wiring.store.snapshots()]


def test_each_models_snapshots_and_reports_lie_below_its_name(s3: FakeS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (wired(tmp_path, model, monkeypatch, owns=False) for model in ("churn", "upsell"))
    one.store.write(snapshot(1, "ab"), FEATURES, None)
    two.store.write(snapshot(1, "cd"), FEATURES.assign(age=[3.0, 4.0]), None)
    one.reports.save("gate-1.html", "churn's")
    two.reports.save("gate-1.html", "upsell's")
    assert {key.rpartition("/")[0].partition("/as_of")[0] for key in s3.objects} == {
        f"state/{what}/{model}" for what in ("snapshots", "reports") for model in ("churn", "upsell")
    }
    assert one.store.columns(one.store.get("m1"), ["age"])["age"].tolist() == [1.0, 2.0]
    assert two.store.columns(two.store.get("m1"), ["age"])["age"].tolist() == [3.0, 4.0]
    assert (one.reports.load("gate-1.html"), two.reports.load("gate-1.html")) == ("churn's", "upsell's")
    assert one.reports.load("gate-2.html") is None


def test_what_release_0_1_left_on_s3_is_its_models_and_stays_where_it_is(
    s3: FakeS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = wired(tmp_path / "older", "older", monkeypatch, owns=False)
    older.store.write(snapshot(1, "ab"), FEATURES, None)
    older.reports.save("gate-1.html", "as it was")
    s3.objects = {key.replace("/older/", "/"): content for key, content in s3.objects.items()}  # that release named no model
    before = dict(s3.objects)
    mine, other = wired(tmp_path, "churn", monkeypatch, owns=True), wired(tmp_path, "upsell", monkeypatch, owns=False)
    assert (names(other), other.reports.load("gate-1.html")) == ([], None)
    assert (names(mine), mine.reports.load("gate-1.html")) == (["m1"], "as it was")
    mine.store.write(snapshot(2, "cd"), FEATURES, None)
    mine.reports.save("gate-1.html", "anew")
    other.store.write(snapshot(3, "ef"), FEATURES, None)
    assert (names(mine), names(other)) == (["m1", "m2"], ["m3"])
    assert mine.reports.load("gate-1.html") == "anew"
    assert {key: s3.objects[key] for key in before} == before, "nothing of it was moved or changed"

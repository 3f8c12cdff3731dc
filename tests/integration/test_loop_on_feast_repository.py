"""The loop on a Feast repository that exists: tables bring entities, labels and slices, Feast brings the features."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from ratchet.core.errors import DataError, Misconfigured
from ratchet.steps import ingest
from ratchet.wiring import Wiring
from tests.support.club import Club, files
from tests.support.feast_repo import FeastRepo

TEXT = """\
model: club_churn
entity: member
snapshots: {month_000: 2024-01-31, month_001: 2024-02-29, month_002: 2024-03-31}
tables: [people, outcome]
label: {column: gone, table: outcome}
features:
  - {name: months, dtype: int, range: [0, 600]}
  - {name: plan, dtype: category, categories: [Basic, Plus, Pro]}
  - {name: hours, dtype: float, range: [0, 744]}
  - {name: devices, dtype: int, range: [0, 100]}
  - {name: promo, dtype: bool, nullable: true, max_null_share: 0.5}
slices:
  - {name: senior, table: people, dtype: bool}
holdout: {salt: club, share: 0.25}
training: {folds: 2, logistic_regression: {C: [1.0]}, hist_gradient_boosting: null}
serving: {golden_rows: 5}
feature_store: {repository: theirs, service: churn, key: client}
"""
MONTHS = {"month_000": date(2024, 1, 31), "month_001": date(2024, 2, 29)}


@dataclass
class World:
    """A club whose features are in a repository of somebody else's, of which each month is put in by hand."""

    club: Club
    repo: FeastRepo
    generated: Path

    def come(self, month: str, *, labels: bool = True, change: Any = lambda rows: rows) -> None:
        """The month's tables, and its features at Feast, first passed through `change`."""
        tables = {name: pd.read_csv(self.generated / month / f"{name}.csv") for name in ("people", "usage", "outcome")}
        features = tables["people"].merge(tables["usage"], on="member").rename(columns={"member": "client"})
        self.repo.put(MONTHS[month], change(features))
        self.repo.apply()
        self.repo.materialize()
        self.tables(month, tables, labels=labels)

    def tables(self, month: str, tables: dict[str, pd.DataFrame] | None = None, *, labels: bool = True) -> None:
        content = tables or {name: pd.read_csv(self.generated / month / f"{name}.csv") for name in ("people", "outcome")}
        folder = self.club.raw / month
        folder.mkdir(parents=True, exist_ok=True)
        content["people"][["member", "senior"]].to_csv(folder / "people.csv", index=False)
        if labels:
            content["outcome"].to_csv(folder / "outcome.csv", index=False)

    def ingest(self, month: str, *, anew: bool = False) -> None:
        wiring: Wiring = self.club.wiring
        source, stores = wiring.source(self.club.raw, anew=anew), (wiring.store, wiring.features, wiring.journal)
        ingest.run(source, *stores, month, project=wiring.project, replace=anew, say=lambda _: None)

    def stored(self, month: str, name: str) -> Any:
        store = self.club.wiring.store
        return store.columns(store.get(month), [name])[name]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    club = Club(tmp_path_factory.mktemp("generated"))
    for month in MONTHS:
        assert club.ratchet("data", "generate", str(club.raw), "--snapshot", month, "--users", "800").code == 0
    return club.raw


@pytest.fixture
def world(tmp_path: Path, generated: Path) -> World:
    return World(Club(tmp_path, text=TEXT), FeastRepo(tmp_path / "theirs", key="client"), generated)


def test_entities_and_labels_come_in_and_a_prediction_goes_out(world: World) -> None:
    world.come("month_000")
    before = files(world.repo.folder)
    checked = world.club.ratchet("data", "check", str(world.club.raw), "month_000")
    assert (checked.code, checked.out.strip()) == (0, "month_000: fine")
    with world.club.serving():
        done = world.club.process("run", "--data", str(world.club.raw), "--snapshot", "month_000")
        assert done.code == 0, done.err + done.out
        world.club.wait_for_server()
        who = world.stored("month_000", "member")[0]
        answer = httpx.post(f"http://127.0.0.1:{world.club.port}/predict", json={"member": who}, timeout=30, trust_env=False)
        stranger = httpx.post(f"http://127.0.0.1:{world.club.port}/predict", json={"member": "nobody"}, timeout=30, trust_env=False)
    assert answer.status_code == 200, answer.text
    used = answer.json()["features_used"]
    assert used["hours"] == world.stored("month_000", "hours")[0], "what is served is what was trained on"
    assert stranger.status_code == 404
    assert files(world.repo.folder) == before, "the repository is read, and stays as it is"
    assert not (world.club.folder / "feast").exists()


def test_a_month_keeps_the_features_that_it_was_taken_in_with(world: World) -> None:
    world.come("month_000", labels=False)
    world.ingest("month_000")
    before = world.stored("month_000", "months")
    world.come("month_000", change=lambda rows: rows.assign(months=rows["months"] + 1))  # put right at Feast, and labels come
    world.ingest("month_000")
    assert world.club.wiring.store.get("month_000").labelled
    assert np.array_equal(world.stored("month_000", "months"), before)
    world.ingest("month_000", anew=True)
    assert not np.array_equal(world.stored("month_000", "months"), before)


def test_what_feast_has_is_held_against_the_project_like_a_table(world: World) -> None:
    def spoilt(rows: pd.DataFrame) -> pd.DataFrame:
        changed = rows.copy()
        changed.loc[0, "hours"], changed.loc[1:2, "plan"] = 9000.0, "Gold"
        return changed.drop(index=[3])  # and somebody of whom Feast has nothing

    world.come("month_000", change=spoilt)
    with pytest.raises(DataError, match=r"month_000: Feast's churn\.\w+: 1 value is null where the project allows none, as for"):
        world.ingest("month_000")
    assert world.club.wiring.store.snapshots() == []
    checked = world.club.ratchet("data", "check", str(world.club.raw), "month_000", "--json")
    assert checked.code == 2
    said = " ".join(checked.document["month_000"])
    assert "Feast's churn.hours: 1 value is outside 0 to 744" in said
    assert "Feast's churn.plan: 2 values are none of Basic, Plus, Pro" in said


def test_cells_that_the_project_tolerates_count_as_missing(world: World) -> None:
    tolerant = TEXT.replace("range: [0, 744]}", "range: [0, 744], nullable: true, on_unknown: missing}")
    world.club.project.write_text(tolerant, encoding="utf-8")
    world.come("month_000", change=lambda rows: rows.assign(hours=rows["hours"].where(rows.index != 5, 9000.0)))
    world.ingest("month_000")
    assert int(np.isnan(world.stored("month_000", "hours")).sum()) == 1


def test_a_service_that_does_not_fit_stops_ingest_before_anything_is_stored(world: World) -> None:
    world.club.project.write_text(TEXT.replace("slices:", "  - {name: age, dtype: int}\nslices:"), encoding="utf-8")
    world.come("month_000")
    with pytest.raises(Misconfigured, match="Feast's service churn lacks age"):
        world.ingest("month_000")
    ran = world.club.ratchet("data", "ingest", str(world.club.raw), "month_000")
    assert (ran.code, "lacks age" in ran.error) == (2, True)
    assert world.club.wiring.store.snapshots() == []


def test_a_repository_that_is_not_there_is_one_sentence(world: World) -> None:
    world.tables("month_000")
    world.club.project.write_text(TEXT.replace("theirs", "elsewhere"), encoding="utf-8")
    ran = world.club.ratchet("data", "ingest", str(world.club.raw), "month_000")
    assert ran.code == 2
    assert "elsewhere has no feature_store.yaml that can be read" in ran.error

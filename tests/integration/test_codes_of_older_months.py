"""Months that a release stored before codes had one spelling (`3.0` for `3`) go on as if they had been taken in today."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from ratchet.clients.content_hash import table_hash
from ratchet.core.errors import DataError
from ratchet.core.schema import Snapshot
from ratchet.drift.profile import profile
from ratchet.drift.reference import Reference
from ratchet.features.feast_features import FeastFeatures
from ratchet.project.file import Project
from ratchet.snapshots.layout import FEATURES, folder_name
from ratchet.snapshots.parquet import ParquetSnapshots
from ratchet.sources.checked_tables import RawSnapshot
from ratchet.sources.folder import TableSource
from ratchet.steps.parts.snapshot_drift import remembered
from tests.support.shop import ROWS, SHOP, Tables, put, tables, with_cell

OLD, NEW = date(2024, 5, 31), date(2024, 6, 30)
KEYS = [str(1000 + number) for number in range(ROWS)]


def project(*declared: str) -> Project:
    """The shop with plans that are codes, any where none are declared."""
    content = SHOP.model_dump(mode="json")
    (plan,) = (column for column in content["features"] if column["name"] == "plan")
    plan.update(categories=declared or None, nullable=True)
    return Project.model_validate(content)


def coded() -> Tables:
    """Tables whose customers, plans and cities are numbers."""
    content = tables()
    for table in content.values():
        table["customer"] = KEYS
    content["people"]["plan"] = [None if row == 5 else str(row % 3) for row in range(ROWS)]
    content["people"]["city"] = [str(row % 2) for row in range(ROWS)]
    return content


class Home:
    """Snapshots and features of the shop below one folder."""

    def __init__(self, root: Path, *declared: str) -> None:
        self.root, self.project = root, project(*declared)

    @property
    def store(self) -> ParquetSnapshots:
        columns, declared = [column.feature for column in self.project.columns], self.project.declared
        return ParquetSnapshots(self.root / "snapshots", SHOP.entity, SHOP.label.name, columns, declared)

    @property
    def features(self) -> FeastFeatures:
        inputs, declared = self.project.inputs, self.project.declared
        return FeastFeatures(self.root / "feast", self.root / "snapshots", "shop", SHOP.entity, inputs, declared=declared)

    def read(self, name: str, content: Tables | None = None) -> RawSnapshot:
        put(self.root / "raw" / name, content or coded())
        return TableSource(self.root / "raw", self.project).read(name)

    def add_old(self, *, keys: str = "{}", labelled: bool = True) -> Snapshot:
        """May as the release before stored it: codes with points, and the keys in that spelling."""
        raw = self.read("may")
        features = raw.features.copy()
        for name in ("plan", "city"):
            features[name] = [f"{value}.0" if value and "." not in value else value for value in features[name]]
        labels = raw.labels.copy() if labelled and raw.labels is not None else None
        for table in (features, labels):
            if table is not None:
                table["customer"] = [keys.format(key) for key in table["customer"]]
        snapshot = dataclasses.replace(
            raw.snapshot,
            features_hash=table_hash(features, "customer"),
            labels_hash="" if labels is None else table_hash(labels, "customer"),
            labelled_rows=0 if labels is None else len(labels),
        )
        assert self.store.write(snapshot, features, labels)
        return snapshot

    def add_new(self) -> Snapshot:
        raw = self.read("june")
        assert self.store.write(raw.snapshot, raw.features, raw.labels)
        return raw.snapshot


def spelled(values: object) -> set[str | None]:
    return {None if pd.isna(value) else value for value in pd.unique(pd.Series(values, dtype=object))}


def test_an_older_month_is_read_in_the_spelling_of_today(tmp_path: Path) -> None:
    home = Home(tmp_path)
    old, new = home.add_old(), home.add_new()
    names = ["plan", "city", "visits"]
    then, now = home.store.columns(old, names), home.store.columns(new, names)
    for name in names:
        assert pd.Series(then[name]).equals(pd.Series(now[name])), name
    part = home.store.columns(old, ["plan"], range(2, 7))["plan"]
    assert part.tolist() == then["plan"][2:7].tolist()


def test_a_training_set_of_both_has_one_spelling(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.add_old()
    home.add_new()
    sets = [
        home.features.training_set(day, home.store.columns(home.store.get("june"), ["customer"])["customer"]) for day in (OLD, NEW)
    ]
    assert [spelled(columns["plan"]) for columns in sets] == [{"0", "1", "2", None}] * 2


def test_what_an_older_month_loads_is_served_in_the_spelling_of_today(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.features.materialise(home.add_old())
    rows = home.features.online(KEYS[:3])
    assert [row and row["plan"] for row in rows] == ["0", "1", "2"]


def test_a_project_that_declares_its_codes_with_points_keeps_them(tmp_path: Path) -> None:
    home = Home(tmp_path, "0.0", "1.0", "2.0")
    old, new = home.add_old(), home.add_new()
    for snapshot in (old, new):
        assert spelled(home.store.columns(snapshot, ["plan"])["plan"]) == {"0.0", "1.0", "2.0", None}
    entities = home.store.columns(new, ["customer"])["customer"]
    assert spelled(home.features.training_set(NEW, entities)["plan"]) == {"0.0", "1.0", "2.0", None}


@pytest.mark.parametrize("keys", ["{}", "{}.0"])
def test_labels_of_an_older_month_still_come_late(tmp_path: Path, keys: str) -> None:
    home = Home(tmp_path)
    home.add_old(keys=keys, labelled=False)
    raw = home.read("may")
    assert home.store.write(raw.snapshot, raw.features, raw.labels)
    stored = home.store.get("may")
    assert stored == raw.snapshot, "the same content by the rule is the same snapshot"
    assert home.store.labels(stored)["entity"].tolist() == KEYS
    table = pq.read_table(tmp_path / "snapshots" / folder_name(OLD) / FEATURES).to_pandas()
    assert spelled(table["plan"]) == {"0", "1", "2", None}, "what the manifest's hash is of is what is stored"
    assert table["customer"].tolist() == KEYS
    assert not home.store.write(raw.snapshot, raw.features, raw.labels)


@pytest.mark.parametrize("keys", ["{}", "{}.0"])
def test_an_older_month_that_is_brought_again_is_the_same(tmp_path: Path, keys: str) -> None:
    home = Home(tmp_path)
    old = home.add_old(keys=keys)
    raw = home.read("may")
    assert not home.store.write(raw.snapshot, raw.features, raw.labels)
    assert home.store.get("may") == old


def test_other_features_of_an_older_month_are_still_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    old = home.add_old(labelled=False)
    raw = home.read("may", with_cell(coded(), "people", "plan", 0, "2"))
    with pytest.raises(DataError, match="holds other features"):
        home.store.write(raw.snapshot, raw.features, raw.labels)
    assert home.store.get("may") == old


def test_features_that_the_project_no_longer_has_are_still_other_features(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.add_old(labelled=False)
    content = home.project.model_dump(mode="json")
    content["features"] = [column for column in content["features"] if column["name"] != "spend"]
    home.project = Project.model_validate(content)
    raw = home.read("may")
    with pytest.raises(DataError, match="holds other features"):
        home.store.write(raw.snapshot, raw.features, raw.labels)


def test_what_an_older_version_remembers_is_compared_in_the_spelling_of_today(tmp_path: Path) -> None:
    home = Home(tmp_path)
    old, new = home.add_old(), home.add_new()
    names = [feature.name for feature in home.project.inputs]
    today = profile(home.project.inputs, home.store.columns(new, names))
    columns = home.store.columns(old, names)
    columns["plan"] = pd.Series(columns["plan"]).map(lambda value: None if value is None else f"{value}.0").to_numpy(dtype=object)
    before = Reference(profile(home.project.inputs, columns), profile((), {}))
    assert before.features.to_json() != today.to_json()
    assert remembered(home.project, before.to_json()).features.to_json() == today.to_json()


def test_counts_of_one_code_in_two_spellings_are_added(tmp_path: Path) -> None:
    home = Home(tmp_path)
    inputs = [feature for feature in home.project.inputs if feature.name == "plan"]
    mixed = profile(inputs, {"plan": pd.Series(["3", "3.0", "v1.0", None], dtype=object).to_numpy()})
    assert mixed.respelled({})["plan"].categories == {"3": 2, "v1.0": 1}
    assert mixed.respelled({"plan": ("3", "3.0")}) is mixed

"""A flat table whose label column is filled in later: labels come in once, and a month that did not change is not read again."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.core.errors import DataError
from ratchet.core.schema import Snapshot
from ratchet.project.file import Project
from ratchet.snapshots.parquet import ParquetSnapshots
from ratchet.sources.checked_tables import RawSnapshot
from ratchet.sources.folder import TableSource
from ratchet.steps import ingest
from tests.support.fake_stores import FakeStores

ROWS = 20
MONTHS = ["2024-01-31", "2024-02-29", "2024-03-31"]
PROJECT = Project.model_validate(
    {
        "model": "flat",
        "entity": {"name": "customer", "column": "Customer ID"},
        "tables": ["customers"],
        "label": {"column": "Left us?", "name": "left", "table": "customers", "positive": "Yes"},
        "features": [
            {"name": "age", "column": "Age (years)", "table": "customers", "dtype": "int"},
            {"name": "joined", "table": "customers", "dtype": "date"},
        ],
        "holdout": {"salt": "s"},
        "policy": {"data": {"min_rows": 5}},
    }
)


@dataclass
class Counting(TableSource):
    """Notes what is read."""

    folder: Path
    read_names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.folder, PROJECT)

    def read(self, name: str) -> RawSnapshot:
        self.read_names.append(name)
        return super().read(name)


class Online:
    """A feature store that keeps nothing."""

    def materialise(self, snapshot: Snapshot) -> None:
        """Nothing to load."""


def month(root: Path, name: str, known: int, **columns: Any) -> None:
    (root / name).mkdir(exist_ok=True)
    left = ["Yes" if row % 3 == 0 else "No" for row in range(known)] + [None] * (ROWS - known)
    facts = {"Customer ID": range(ROWS), "Age (years)": range(20, 20 + ROWS), "joined": "2023-05-01", "Left us?": left}
    pd.DataFrame({**facts, **columns}).to_csv(root / name / "customers.csv", index=False)


def test_labels_that_are_filled_in_later_come_in_with_the_next_run_and_unchanged_months_are_not_read_again(tmp_path: Path) -> None:
    source, journal = Counting(tmp_path / "data"), FakeStores().journal
    store = ParquetSnapshots(tmp_path / "store", "customer", "left", [column.feature for column in PROJECT.columns])
    (tmp_path / "data").mkdir()

    def run(name: str) -> list[str]:
        source.read_names.clear()
        ingest.take(source, store, Online(), journal, name, project=PROJECT, say=lambda _: None)  # type: ignore[arg-type]
        return list(source.read_names)

    month(tmp_path / "data", MONTHS[0], 0)
    assert run(MONTHS[0]) == [MONTHS[0]]
    month(tmp_path / "data", MONTHS[1], 0)
    assert run(MONTHS[1]) == [MONTHS[1]], "the first month's file is the one that was read without labels"
    month(tmp_path / "data", MONTHS[0], 8)
    month(tmp_path / "data", MONTHS[2], 0)
    assert run(MONTHS[2]) == [MONTHS[0], MONTHS[2]]
    assert [(item.rows, item.labelled_rows) for item in store.listed()] == [(ROWS, 8), (ROWS, 0), (ROWS, 0)]
    assert store.labels(store.get(MONTHS[0]))["label"].tolist() == [1, 0, 0, 1, 0, 0, 1, 0]
    month(tmp_path / "data", MONTHS[0], ROWS)
    assert run(MONTHS[2]) == [MONTHS[0], MONTHS[2]]
    assert run(MONTHS[2]) == [MONTHS[2]]
    assert [item.labelled_rows for item in store.listed()] == [ROWS, 0, 0]
    columns = store.columns(store.get(MONTHS[0]), ["joined", "age"])
    assert set(columns["joined"].tolist()) == {275.0}
    assert [item.hash for item in store.listed()][1] == source.read(MONTHS[1]).snapshot.hash


def test_a_flat_month_whose_features_changed_with_its_labels_is_left_out_by_name(tmp_path: Path) -> None:
    source, journal, said = Counting(tmp_path / "data"), FakeStores().journal, list[str]()
    store = ParquetSnapshots(tmp_path / "store", "customer", "left", [column.feature for column in PROJECT.columns])
    (tmp_path / "data").mkdir()
    month(tmp_path / "data", MONTHS[0], 0)
    ingest.take(source, store, Online(), journal, MONTHS[0], project=PROJECT)  # type: ignore[arg-type]
    month(tmp_path / "data", MONTHS[0], 8, joined="2023-06-01")
    month(tmp_path / "data", MONTHS[1], 0)
    ingest.take(source, store, Online(), journal, MONTHS[1], project=PROJECT, say=said.append)  # type: ignore[arg-type]
    assert any("2024-01-31 is left out: 2024-01-31 holds other features" in line for line in said)
    assert [item.labelled_rows for item in store.listed()] == [0, 0]
    with pytest.raises(DataError, match="--replace"):
        ingest.run(source, store, Online(), journal, MONTHS[0], project=PROJECT)  # type: ignore[arg-type]

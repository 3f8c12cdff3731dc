"""Rows that are scored go through the project's own `prepare`, as a snapshot does."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from sqlalchemy import create_engine

from ratchet.core.address import sqlite_url
from ratchet.core.errors import DataError, ProjectError
from ratchet.core.schema import Coded
from ratchet.project.file import Project, load_project
from ratchet.scores.port import Rows
from ratchet.sources.row_file import FileRows
from ratchet.sources.row_query import QueryRows
from tests.support.shop import SHOP, tables

DAY = date(2024, 5, 31)
NUMBER = itertools.count()  # a module that was imported stays imported
BODY = """
def prepare(tables, as_of):
    people = tables["people"]
    people["age"] = as_of.year - people["born"]
    return {**tables, "people": people}
"""
Make = Callable[..., Project]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A project of one flat table with a `prepare` of that text."""

    def made(body: str = BODY, *, flat: bool = True) -> Project:
        name = f"rows_code_{next(NUMBER)}"
        (tmp_path / f"{name}.py").write_text(body)
        facts = SHOP.model_dump(mode="json", by_alias=True) | {"prepare": f"{name}:prepare"}
        if flat:
            facts["features"] = [item for item in facts["features"] if item["table"] == "people"]
            facts |= {"tables": ["people"], "label": {"column": "left", "table": "people"}}
        (tmp_path / "ratchet.yaml").write_text(yaml.safe_dump(facts))
        return load_project(tmp_path / "ratchet.yaml")

    return made


def people(rows: int = 50) -> pd.DataFrame:
    content = tables(rows)["people"]
    return content.assign(born=[1970 + row % 30 for row in range(rows)]).drop(columns="age")


def ages(rows: Rows) -> list[Any]:
    (read,) = rows.batches(["age", "plan"], 0)
    batch = read()
    age, plan = batch.columns["age"], batch.columns["plan"]
    assert isinstance(plan, Coded)
    assert plan.texts().tolist()[:3] == ["Basic", "None", "Größe"]
    assert not isinstance(age, Coded)
    return list(age.tolist())


@pytest.mark.parametrize("form", ["csv", "parquet", "query"])
def test_a_feature_that_prepare_makes_is_made_when_rows_are_scored(make: Make, tmp_path: Path, form: str) -> None:
    project, path = make(), tmp_path / f"new.{form}"
    rows: Rows
    if form == "query":
        url = sqlite_url(str(tmp_path / "shop.db"))
        engine = create_engine(url)
        people().astype({"born": int, "vip": int}).to_sql("people", engine, index=False)
        engine.dispose()
        rows = QueryRows(url, "SELECT * FROM people", project, DAY, 60)
    else:
        people().to_csv(path, index=False) if form == "csv" else people().to_parquet(path, index=False)
        rows = FileRows(path, project, DAY)
    assert ages(rows) == [float(2024 - 1970 - row % 30) for row in range(50)]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("def prepare(tables):\n    return {'people': tables['people'][:7]}\n", "`prepare` makes 7 rows of 50"),
        ("def prepare(tables):\n    return tables['person']\n", r"raises KeyError: 'person' \(rows_code_\d+.py, line 2"),
        ("def prepare(tables):\n    return {}\n", "gives no such table"),
        ("def prepare(tables):\n    return tables\n", r"new.csv.age: the column is missing \(called age\)"),
    ],
)
def test_what_prepare_does_wrong_is_said(make: Make, tmp_path: Path, body: str, sentence: str) -> None:
    people().to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(DataError, match=sentence):
        ages(FileRows(tmp_path / "new.csv", make(body), DAY))


def test_a_prepare_of_several_tables_is_not_passed_over(make: Make, tmp_path: Path) -> None:
    people().to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(ProjectError, match="features of 2 tables, and rows of one file or query are one: ingest the tables"):
        ages(FileRows(tmp_path / "new.csv", make(flat=False), DAY))

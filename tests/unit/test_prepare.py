"""A user's own `prepare`: run over all columns before the check, known by its sources, and wrong in one sentence."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from ratchet.core.errors import DataError, ProjectError
from ratchet.project.file import Project, load_project
from ratchet.sources.folder import TableSource
from ratchet.sources.frames import to_frame
from ratchet.sources.raw_tables import read_table
from ratchet.sources.row_file import FileRows
from ratchet.sources.sql import SqlSource
from tests.support.shop import SHOP, put, put_parquet, tables

DAY = date(2024, 5, 31)
NUMBER = itertools.count()  # a module that was imported stays imported
BODY = """
from .helper import half

def prepare(tables, as_of):
    people, orders = tables["people"], tables["orders"]
    orders["spend"] = half(orders["gross"])
    people["age"] = as_of.year - people["born"]
    return {"people": people, "orders": orders, "outcome": tables["outcome"]}
"""
TWICE = """
import pandas as pd

def prepare(tables):
    return {**tables, "people": pd.concat([tables["people"], tables["people"]], axis=1)}
"""
EMPTY = """
def prepare(tables):
    tables["orders"]["spend"] = 1.0
    return {**tables, "people": tables["people"].assign(age=1).head(0)}
"""
Make = Callable[..., Project]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """The shop's project file with a `prepare` of that text beside it."""

    def made(body: str = BODY, reference: str = "{}.features:prepare", **facts: object) -> Project:
        package = tmp_path / f"shop_code_{next(NUMBER)}"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "helper.py").write_text("def half(values):\n    return values / 2\n")
        (package / "features.py").write_text(body)
        whole = SHOP.model_dump(mode="json", by_alias=True) | {"prepare": reference.format(package.name), **facts}
        (tmp_path / "ratchet.yaml").write_text(yaml.safe_dump(whole))
        return load_project(tmp_path / "ratchet.yaml")

    return made


def raw() -> dict[str, pd.DataFrame]:
    """The shop's tables, without the columns that `prepare` makes."""
    content = tables()
    people = content["people"].assign(born=2024 - content["people"]["age"]).drop(columns="age")
    orders = content["orders"].assign(gross=content["orders"]["spend"] * 2).drop(columns="spend")
    return {**content, "people": people, "orders": orders}


@pytest.mark.parametrize("write", [put, put_parquet])
def test_features_are_made_of_columns_that_the_project_does_not_name(
    tmp_path: Path, make: Make, write: Callable[..., Path]
) -> None:
    expected = TableSource(put(tmp_path / "plain" / "may", tables()).parent, SHOP).read("may").snapshot
    write(tmp_path / "raw" / "may", raw())
    source = TableSource(tmp_path / "raw", make())
    assert source.read("may").snapshot.features_hash == expected.features_hash
    assert source.check("may") == []


def test_features_are_made_of_a_database_alike(tmp_path: Path, make: Make) -> None:
    expected = TableSource(put(tmp_path / "plain" / "may", tables()).parent, SHOP).read("may").snapshot
    url = f"sqlite:///{tmp_path}/shop.db"
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for name, content in raw().items():
            content.convert_dtypes().assign(as_of=DAY).to_sql(name, connection, index=False)
    described = [{"name": name, "query": f"SELECT * FROM {name} WHERE as_of = :as_of"} for name in SHOP.tables]  # noqa: S608
    project = make(tables=described, snapshot_query="SELECT DISTINCT as_of FROM people")
    assert SqlSource(url, project, "x").read("2024-05-31").snapshot.features_hash == expected.features_hash


def test_the_project_is_another_one_when_the_sources_are(tmp_path: Path, make: Make) -> None:
    project = make()
    assert project.own_code is not None
    package = tmp_path / project.own_code.module.split(".")[0]
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.py").write_text("1")
    again = load_project(tmp_path / "ratchet.yaml")
    assert (again.hash, again.prepare_digest) == (project.hash, project.prepare_digest)
    (package / "helper.py").write_text("def half(values):\n    return values / 3\n")
    other = load_project(tmp_path / "ratchet.yaml")
    assert other.prepare_digest != project.prepare_digest
    assert other.hash != project.hash
    assert other.in_tables.own_code == other.own_code
    assert SHOP.prepare_digest == ""


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            "def prepare(tables):\n    return tables['people']['fee']\n",
            r"prepare: shop_code_\d+.features:prepare raises KeyError: 'fee' \(shop_code_\d+/features.py, line 2: return tables\[",
        ),
        ("import nowhere_at_all\n", r"raises ModuleNotFoundError: No module named 'nowhere_at_all' \(.*features.py, line 1"),
        ("def prepare(tables:\n", r"raises SyntaxError: '\(' was never closed .*\(features.py, line 1\)"),
        ("def prepare(tables):\n    raise SystemExit('no')\n", "raises SystemExit: no"),
        ("def other(tables):\n    return tables\n", "has no function prepare"),
        ("prepare = 3\n", "has no function prepare"),
        ("def prepare(tables):\n    return None\n", "gives NoneType, and not a dict of DataFrames by table"),
        ("def prepare(tables):\n    return {'people': 1}\n", "gives a dict of other things, and not a dict of DataFrames"),
        ("def prepare(tables):\n    return {'x': tables['people']}\n", "gives a table 'x', which `tables:` does not list"),
        ("def prepare(tables):\n    return {'people': tables['people']}\n", "orders: .*:prepare gives no such table"),
        ("def prepare(tables):\n    return tables\n", "people.age: the column is missing from people as prepared"),
        (
            "def prepare(tables):\n    tables['people']['age'] = [object()] * 12\n    return tables\n",
            "people.age: prepare gives cells of several kinds: Could not convert",
        ),
        (TWICE, "people.customer: prepare gives the column 2 times"),
        (
            "def prepare(tables):\n    return {**tables, 'people': tables['people'].set_index('customer', drop=False)}\n",
            "people: prepare gives an index that is a column, too: cannot insert customer, already exists",
        ),
        (EMPTY, "people: people as prepared has a header and no rows"),
    ],
)
def test_what_is_wrong_with_it_is_one_sentence(tmp_path: Path, make: Make, body: str, sentence: str) -> None:
    put(tmp_path / "raw" / "may", raw())
    with pytest.raises(DataError, match=sentence) as refused:
        TableSource(tmp_path / "raw", make(body)).read("may")
    assert "\n" not in str(refused.value)
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("plan", pa.array([["a"]] * 12)),
        ("customer", pa.array([["a"]] * 12)),
        ("customer", pa.array([b"\xff\xfe"] * 12, pa.large_binary())),
        ("plan", pa.array([{"a": 1}] * 12)),
    ],
)
def test_cells_that_no_frame_has_are_one_sentence(tmp_path: Path, make: Make, column: str, cells: pa.Array) -> None:
    folder = put_parquet(tmp_path / "raw" / "may", raw())
    content = pq.read_table(folder / "people.parquet")
    pq.write_table(content.set_column(content.column_names.index(column), column, cells), folder / "people.parquet")
    with pytest.raises(DataError, match=rf"people.{column}: cells of .* cannot be given to prepare: ") as refused:
        TableSource(tmp_path / "raw", make()).read("may")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("nowhere_at_all:prepare", "there is no module nowhere_at_all: it lies neither beside ratchet.yaml nor in an installed"),
        ("{}.absent:prepare", r"there is no module shop_code_\d+.absent in "),
        ("{}.features.deeper:prepare", r"there is no module shop_code_\d+.features.deeper in"),
        ("serving.features:prepare", "serving is .* too: give the package beside ratchet.yaml another name"),
        ("features", "prepare: String should match pattern"),
    ],
)
def test_a_module_that_is_not_there_or_hides_another_is_refused(tmp_path: Path, make: Make, reference: str, sentence: str) -> None:
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving" / "features.py").touch()
    with pytest.raises(ProjectError, match=sentence):
        make(reference=reference)


def test_it_is_not_run_when_a_table_could_not_be_read_and_prints_beside_the_answer(
    tmp_path: Path, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = put(tmp_path / "raw" / "may", tables())
    project = make("def prepare(tables):\n    print('ran')\n    return tables\n")
    assert TableSource(tmp_path / "raw", project).check("may") == []
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "ran\n")
    (folder / "people.csv").write_bytes(b"")
    assert [problem.table for problem in TableSource(tmp_path / "raw", project).check("may")] == ["people"]
    assert capsys.readouterr().err == ""


def test_cells_of_a_csv_are_numbers_where_all_are_and_codes_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id,n,x,code,flag,note,none,plan\n1,1,1.5,007,True,a,,1\n2,,2,010,false,,,2\n")
    names = ["id", "n", "x", "code", "flag", "note", "none", "plan"]
    frame = to_frame(read_table(path, "people", names), {"id", "plan"}, "people", written=True)
    kinds = {name: str(frame[name].dtype) for name in names}
    assert kinds == {
        "id": "object",
        "n": "Int64",
        "x": "float64",
        "code": "object",
        "flag": "boolean",
        "note": "object",
        "none": "float64",
        "plan": "object",
    }
    assert frame["code"].tolist() == ["007", "010"]
    assert frame["id"].tolist() == ["1", "2"]


def test_numbers_that_the_project_does_not_name_have_decimal_commas_too(tmp_path: Path, make: Make) -> None:
    folder = put(tmp_path / "raw" / "may", raw())
    raw()["orders"].to_csv(folder / "orders.csv", sep=";", decimal=",", index=False)
    expected = TableSource(put(tmp_path / "plain" / "may", tables()).parent, SHOP).read("may").snapshot
    assert TableSource(tmp_path / "raw", make()).read("may").snapshot.features_hash == expected.features_hash


ONE_TABLE = """
def prepare(tables, as_of):
    people = tables["people"]
    return {**tables, "people": people.assign(age=as_of.year - people["born"])}
"""


def ages_of(path: Path, project: Project) -> list[float]:
    batches = [read() for read in FileRows(path, project, DAY).batches([feature.name for feature in project.inputs], 0)]
    return [float(age) for batch in batches for age in np.asarray(batch.columns["age"])]


def test_rows_to_score_go_through_it_where_features_are_of_one_table(tmp_path: Path, make: Make) -> None:
    features = [column for column in SHOP.model_dump(mode="json")["features"] if column["table"] == "people"]
    people = raw()["people"].convert_dtypes()
    people.to_parquet(tmp_path / "rows.parquet")
    project = make(ONE_TABLE, features=features)
    assert ages_of(tmp_path / "rows.parquet", project) == [float(20 + row) for row in range(12)]
    people.to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(DataError, match=r"rows\.csv: .*: `prepare` needs a Parquet file, a query or an ingested snapshot"):
        ages_of(tmp_path / "rows.csv", project)
    with pytest.raises(DataError, match=r"makes features of several tables \(people, orders\): score an ingested snapshot"):
        ages_of(tmp_path / "rows.parquet", make(ONE_TABLE))
    shuffled = ONE_TABLE.replace('tables["people"]', 'tables["people"].iloc[::-1]')
    with pytest.raises(DataError, match="gives other rows of people than it got"):
        ages_of(tmp_path / "rows.parquet", make(shuffled, features=features))

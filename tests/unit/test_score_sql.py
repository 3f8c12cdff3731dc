"""Scores in a table, and rows out of a query: SQLite here, PostgreSQL where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import create_engine, text

from ratchet.core.address import sqlite_url
from ratchet.core.errors import DataError, Misconfigured, Unavailable, UserError
from ratchet.project.file import Project
from ratchet.scores import sql
from ratchet.scores.kept import KeptScores
from ratchet.scores.sql import ScoreTable
from ratchet.sources.row_file import FileRows
from ratchet.sources.row_query import QueryRows
from tests.support.addresses import POSTGRES, fresh_database, only
from tests.support.fakes import Killed
from tests.support.loop import PROJECT, Loop, first_champion
from tests.support.scoring import row_by_row, scored, small, stored

DAY = date(2024, 2, 1)


@pytest.fixture
def loop() -> Loop:
    return first_champion()


@pytest.fixture(params=["sqlite", *only(POSTGRES, "postgres")])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(str(tmp_path / "shop.db"))
        return
    with fresh_database() as address:
        yield address


def target(url: str, folder: Path, table: str = "churn_scores", model: str = "churn") -> KeptScores:
    return KeptScores(folder / "parts", ScoreTable(url, table, model, "id"))


def rows_of(url: str, query: str = "SELECT * FROM churn_scores ORDER BY as_of, model_version, id") -> list[tuple[Any, ...]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return found


def put(url: str, frame: pd.DataFrame, table: str = "customers") -> None:
    engine = create_engine(url)
    frame.to_sql(table, engine, index=False)
    engine.dispose()


def customers(loop: Loop, rows: int = 1200) -> pd.DataFrame:
    columns = loop.store.stored[max(loop.store.stored)][1]
    return pd.DataFrame({name: columns[name][:rows] for name in ("id", "a", "b", "c")})


def test_scores_are_rows_of_a_table_that_is_made(loop: Loop, tmp_path: Path, url: str) -> None:
    snapshot = loop.arrive(2)
    with small():
        found = scored(loop, stored(loop, snapshot), target(url, tmp_path))
    rows = rows_of(url, "SELECT id, probability, prediction, model_version, as_of FROM churn_scores")
    assert {row[0]: row[1] for row in rows} == row_by_row(loop, snapshot, 1)
    assert {(row[3], str(row[4])) for row in rows} == {(1, "2024-02-01")}
    assert len(rows) == found.rows
    assert not (tmp_path / "parts").exists()


def test_a_second_run_replaces_its_rows_and_keeps_those_of_other_versions_and_dates(loop: Loop, tmp_path: Path, url: str) -> None:
    first, second = loop.arrive(2), loop.arrive(3)
    with small():
        for snapshot in (first, second, first):
            scored(loop, stored(loop, snapshot), target(url, tmp_path))
    counts = rows_of(url, "SELECT as_of, model_version, count(*) FROM churn_scores GROUP BY as_of, model_version ORDER BY as_of")
    assert [(str(day), version, count) for day, version, count in counts] == [
        ("2024-02-01", 1, first.rows),
        ("2024-03-01", 1, second.rows),
    ]


def test_the_scores_of_two_models_stand_side_by_side(loop: Loop, tmp_path: Path, url: str) -> None:
    snapshot = loop.arrive(2)
    with small():
        for model in ("churn", "upsell", "churn"):
            found = scored(loop, stored(loop, snapshot), target(url, tmp_path, model=model))
    assert rows_of(url, "SELECT model, count(*), count(DISTINCT id) FROM churn_scores GROUP BY model ORDER BY model") == [
        ("churn", found.rows, found.rows),
        ("upsell", found.rows, found.rows),
    ]


def test_two_files_of_one_day_stand_side_by_side_and_each_replaces_its_own_entities(loop: Loop, tmp_path: Path, url: str) -> None:
    loop.arrive(2)
    frame = customers(loop, 900)
    for name, rows in (("north", frame[:600]), ("south", frame[600:]), ("overlap", frame[500:700].assign(a=99.0))):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    with small():
        for name in ("north", "south", "south"):
            scored(loop, FileRows(tmp_path / f"{name}.csv", PROJECT, DAY), target(url, tmp_path))
        before = dict(rows_of(url, "SELECT id, probability FROM churn_scores"))
        assert rows_of(url, "SELECT count(*), count(DISTINCT id) FROM churn_scores") == [(900, 900)]
        scored(loop, FileRows(tmp_path / "overlap.csv", PROJECT, DAY), target(url, tmp_path))
    after = dict(rows_of(url, "SELECT id, probability FROM churn_scores"))
    assert rows_of(url, "SELECT count(*) FROM churn_scores") == [(900,)]
    again = set(frame["id"][500:700])
    assert {entity for entity in before if after[entity] != before[entity]} == again


def test_a_table_without_a_model_s_name_is_not_written(loop: Loop, tmp_path: Path, url: str) -> None:
    put(
        url,
        pd.DataFrame({"id": ["x"], "probability": [0.5], "prediction": [1], "model_version": [1], "as_of": [DAY]}),
        "churn_scores",
    )
    with pytest.raises(Misconfigured, match=r"the table churn_scores at .* has no column model: name one that has them"):
        scored(loop, stored(loop, loop.arrive(2)), target(url, tmp_path))
    assert rows_of(url, "SELECT id FROM churn_scores") == [("x",)]


@pytest.mark.parametrize("at", [1, 3, 5])  # while the keys are brought, at the first rows, at later ones
def test_a_kill_in_the_middle_of_the_insert_leaves_the_rows_that_were_there(
    loop: Loop, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    snapshot = loop.arrive(2)
    with small():
        scored(loop, stored(loop, snapshot), target(url, tmp_path))
        before, calls, insert = rows_of(url), list[int](), sql.insert

        def dies(*arguments: Any) -> None:
            calls.append(1)
            if len(calls) == at:
                raise Killed
            insert(*arguments)

        with monkeypatch.context() as patched:
            patched.setattr(sql, "insert", dies)
            with pytest.raises(Killed):
                scored(loop, stored(loop, snapshot), target(url, tmp_path))
        assert rows_of(url) == before
        found = scored(loop, stored(loop, snapshot), target(url, tmp_path))
    assert found.taken_up == found.rows
    assert rows_of(url) == before


def test_a_table_of_somebody_else_s_is_not_written(loop: Loop, tmp_path: Path, url: str) -> None:
    put(url, pd.DataFrame({"id": ["x"], "probability": [0.5]}), "churn_scores")
    with pytest.raises(Misconfigured, match="has no column as_of, model, model_version, prediction: name one that has them"):
        scored(loop, stored(loop, loop.arrive(2)), target(url, tmp_path))
    assert rows_of(url, "SELECT * FROM churn_scores") == [("x", 0.5)]


@pytest.mark.parametrize("name", ["", "a b", "t;drop table x", "a.b.c", '"t"', "x" * 80])
def test_a_table_s_name_is_plain(name: str) -> None:
    with pytest.raises(UserError, match=r"behind # stands the table's name"):
        ScoreTable("sqlite:///x.db", name, "churn", "id")


def test_an_entity_that_is_called_as_the_table_s_column_is_refused_before_any_work() -> None:
    with pytest.raises(UserError, match="the entity is called model, as is the table's column for the model's name"):
        ScoreTable("sqlite:///x.db", "t", "churn", "model")


def test_a_database_that_is_away_or_refuses_is_said_first_and_without_its_password(loop: Loop, tmp_path: Path) -> None:
    nobody = "postgresql+psycopg://me:hunter2secret@127.0.0.1:9/shop"
    with pytest.raises(Unavailable, match=r"the database for the scores at 127\.0\.0\.1:9/shop cannot be used") as away:
        scored(loop, stored(loop, loop.arrive(2)), target(nobody, tmp_path))
    assert "hunter2secret" not in str(away.value)
    with pytest.raises(Misconfigured):
        scored(loop, stored(loop, loop.arrive(2)), target("oracle+none://x", tmp_path))
    assert "hunter2secret" not in target(nobody, tmp_path).place


@pytest.mark.parametrize("query", ["SELECT * FROM customers", "SELECT * FROM customers WHERE '2024-02-01' = :as_of"])
def test_a_query_is_scored_as_the_snapshot_of_the_same_rows(loop: Loop, tmp_path: Path, url: str, query: str) -> None:
    snapshot = loop.arrive(2)
    put(url, customers(loop))
    with small():
        found = scored(loop, QueryRows(url, query, PROJECT, DAY, 60), target(url, tmp_path))
    assert found.rows == 1200
    expected = row_by_row(loop, snapshot, 1)
    assert {row[0]: row[1] for row in rows_of(url, "SELECT id, probability FROM churn_scores")} == {
        entity: expected[entity] for entity in customers(loop)["id"]
    }


@pytest.mark.parametrize(
    ("query", "error", "sentence"),
    [
        ("SELECT id, a, b FROM customers", DataError, r"--query.c: the column is missing \(called c\)"),
        ("SELECT * FROM customers WHERE 1 = 0", DataError, "has no rows: there is nothing to score"),
        ("SELECT * FROM customers UNION ALL SELECT * FROM customers", DataError, "1,200 keys are there more than once, as id 'u0'"),
        ("SELECT * FROM nobody", DataError, "--query: its query is refused: .*nobody"),
        ("SELEC", UserError, "--query is no query: it begins with SELECT or WITH"),
        ("SELECT 1; SELECT 2", UserError, "--query is refused: more than one statement"),
        ("INSERT INTO customers SELECT * FROM customers", UserError, "--query is no query"),
        ("SELECT * FROM customers WHERE id = :who", UserError, "--query asks for :who"),
        ("SELECT id, 'x' AS a, b, c FROM customers", DataError, "--query.a: 1,200 values are not float"),
    ],
)
def test_a_query_that_cannot_be_scored_says_why(
    loop: Loop, tmp_path: Path, url: str, query: str, error: type[Exception], sentence: str
) -> None:
    loop.arrive(2)
    put(url, customers(loop))
    with pytest.raises(error, match=sentence):
        scored(loop, QueryRows(url, query, PROJECT, DAY, 60), target(url, tmp_path))


def test_a_query_cannot_write(loop: Loop, tmp_path: Path, url: str) -> None:
    loop.arrive(2)
    put(url, customers(loop))
    writes = "WITH gone AS (DELETE FROM customers RETURNING *) SELECT * FROM gone"
    with pytest.raises(DataError, match="--query: its query is refused: "):
        scored(loop, QueryRows(url, writes, PROJECT, DAY, 60), target(url, tmp_path))
    assert rows_of(url, "SELECT count(*) FROM customers") == [(1200,)]


def test_an_older_project_s_numbers_of_a_database_are_taken(loop: Loop, tmp_path: Path, url: str) -> None:
    """Keys that are integers, numbers with a null among them, a code that is a number."""
    facts = PROJECT.model_dump(mode="json")
    loop.arrive(2)
    frame = customers(loop, 10).assign(id=range(10), c=["x"] * 10)
    put(url, frame)
    found = scored(
        loop, QueryRows(url, "SELECT * FROM customers", Project.model_validate(facts), DAY, 60), target(url, tmp_path, "numbers")
    )
    assert found.rows == 10
    assert sorted(row[0] for row in rows_of(url, "SELECT id FROM numbers")) == [str(number) for number in range(10)]

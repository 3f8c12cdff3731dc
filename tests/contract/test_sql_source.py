"""A database as the place of raw snapshots: the same snapshot as from files, of one moment, and read only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from ratchet.core.errors import DataError, Misconfigured, ProjectError, RatchetError, Unavailable, UserError
from ratchet.project.file import Project
from ratchet.sources import sql_reading, sql_rows
from ratchet.sources.folder import TableSource
from ratchet.sources.sql import SqlSource
from ratchet.sources.sql_reading import Reader
from ratchet.sources.sql_rows import to_arrow
from tests.support.addresses import POSTGRES, fresh_database, only
from tests.support.shop import SHOP, put, tables

DAY, NEXT = "2024-05-31", "2024-06-30"
QUERIES = {name: f"SELECT * FROM {name} WHERE as_of = :as_of" for name in SHOP.tables}  # noqa: S608 - names of the tests' own
DATES = "SELECT DISTINCT as_of FROM people"


def asking(**changes: str | None) -> Project:
    """The shop, with a query a table."""
    described = [{"name": name, "query": {**QUERIES, **changes}[name]} for name in SHOP.tables]
    facts = SHOP.model_dump(mode="json", by_alias=True) | {"tables": described}
    return Project.model_validate(facts | {"snapshot_query": changes.get("dates", DATES)})


def fill(url: str, *days: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for name, content in tables().items():
            for day in days:
                typed = content.convert_dtypes().assign(as_of=date.fromisoformat(day))
                typed.to_sql(name, connection, if_exists="append", index=False)


def change(url: str, *statements: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for one in statements:
            connection.execute(text(one))


@pytest.fixture(params=["sqlite", *only(POSTGRES, "postgres")])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/shop.db"
        return
    with fresh_database() as fresh:
        yield fresh


def test_a_snapshot_of_a_database_is_that_of_files(url: str, tmp_path: Path) -> None:
    fill(url, DAY, NEXT)
    source = SqlSource(url, asking(), "RATCHET_SOURCE_URL")
    read = source.read(DAY)
    expected = TableSource(put(tmp_path / "files" / "may", tables()).parent, SHOP).read("may").snapshot
    assert (read.snapshot.features_hash, read.snapshot.labels_hash) == (expected.features_hash, expected.labels_hash)
    assert read.snapshot.as_of == date(2024, 5, 31)
    assert (source.by_date(), source.newest()) == ([DAY, NEXT], NEXT)
    assert source.check(NEXT) == []
    assert len(source.examine(NEXT)[2]) == 12
    assert source.marked(NEXT, "_SUCCESS") is None


def test_labels_that_come_late_are_seen_and_change_the_fingerprint(url: str) -> None:
    fill(url, DAY)
    change(url, "CREATE TABLE kept AS SELECT * FROM outcome", "DELETE FROM outcome")
    source = SqlSource(url, asking(), "RATCHET_SOURCE_URL")
    assert not source.has_labels(DAY)
    assert source.labels_fingerprint(DAY) == ""
    assert source.read(DAY).labels is None
    before = source.fingerprint(DAY)
    change(url, "INSERT INTO outcome SELECT * FROM kept WHERE customer < 'C007'")
    assert source.has_labels(DAY)
    some = source.labels_fingerprint(DAY)
    assert source.fingerprint(DAY) != before
    change(url, "INSERT INTO outcome SELECT * FROM kept WHERE customer >= 'C007'")
    assert source.labels_fingerprint(DAY) not in {"", some}


@pytest.mark.parametrize("ending", [" -- of that date", "; -- the end", " -- one\n;\n-- two", "\n/* so */;"])
def test_a_query_that_ends_in_a_comment_is_counted_as_it_is_read(url: str, ending: str) -> None:
    fill(url, DAY)
    source = SqlSource(url, asking(people=QUERIES["people"] + ending, outcome=QUERIES["outcome"] + ending), "RATCHET_SOURCE_URL")
    assert source.check(DAY) == []
    assert source.has_labels(DAY)
    assert source.labels_fingerprint(DAY) == SqlSource(url, asking(), "RATCHET_SOURCE_URL").labels_fingerprint(DAY) != ""
    assert source.fingerprint(DAY) == SqlSource(url, asking(), "RATCHET_SOURCE_URL").fingerprint(DAY)


@pytest.mark.parametrize("column", ["", ', 1 AS "Left"'])
def test_without_the_labels_column_there_are_no_labels_to_count(url: str, column: str) -> None:
    fill(url, DAY)
    facts = asking().model_dump(mode="json", by_alias=True)
    facts["label"]["table"] = "people"
    facts["tables"] = [
        {"name": "people", "query": f"SELECT *{column} FROM people WHERE as_of = :as_of"},  # noqa: S608 - of this test
        facts["tables"][1],
    ]
    source = SqlSource(url, Project.model_validate(facts), "RATCHET_SOURCE_URL")
    assert source.check(DAY) == []
    assert (source.has_labels(DAY), source.labels_fingerprint(DAY)) == (False, "")
    assert source.fingerprint(DAY)
    assert source.read(DAY).labels is None


def test_all_tables_are_as_of_one_moment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(url, DAY)
    change(url, *(["PRAGMA journal_mode=WAL"] if url.startswith("sqlite") else []))
    source = SqlSource(url, asking(), "RATCHET_SOURCE_URL")
    asked: list[str] = []
    read = source._read  # noqa: SLF001 - what happens between two tables

    def between(reader: Any, table: str, query: str, as_of: date) -> Any:
        if asked:
            change(url, f"DELETE FROM {table}")  # noqa: S608 - a table of this test
        asked.append(table)
        return read(reader, table, query, as_of)

    monkeypatch.setattr(source, "_read", between)
    assert source.read(DAY).snapshot.labelled_rows == 12


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone WHERE as_of = :as_of",
        "SELECT * FROM people WHERE as_of = :as_of; DELETE FROM people",
        "DELETE FROM people WHERE as_of = :as_of",
        "SELECT setval('counter', 5), * FROM people WHERE as_of = :as_of",
        "ATTACH 'x' AS :as_of",
    ],
)
def test_a_query_that_writes_is_refused_and_writes_nothing(url: str, query: str) -> None:
    fill(url, DAY)
    if not url.startswith("sqlite"):
        change(url, "CREATE SEQUENCE counter")
    with pytest.raises(UserError, match=r"people"):
        SqlSource(url, asking(people=query), "RATCHET_SOURCE_URL").read(DAY)
    assert SqlSource(url, asking(), "RATCHET_SOURCE_URL").read(DAY).snapshot.rows == 12


@pytest.mark.parametrize(
    "ending", ["; COMMIT; DELETE FROM people", "; DELETE FROM people", "; SELECT 1", ";\n-- then\n;DELETE FROM people"]
)
def test_a_query_for_the_dates_that_goes_on_with_another_statement_is_refused(url: str, ending: str) -> None:
    fill(url, DAY)
    with pytest.raises(ProjectError, match="snapshot_query"):
        SqlSource(url, asking(dates=DATES + ending), "RATCHET_SOURCE_URL").by_date()
    assert SqlSource(url, asking(), "RATCHET_SOURCE_URL").read(DAY).snapshot.rows == 12


def test_dates_are_asked_for_as_one_statement_whatever_stands_in_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(url, DAY)
    monkeypatch.setattr(sql_reading, "statement", lambda query, *_: text(query))
    with pytest.raises(ProjectError, match="snapshot_query is refused"):
        SqlSource(url, asking(dates="SELECT as_of FROM people; COMMIT; DELETE FROM people"), "RATCHET_SOURCE_URL").by_date()
    monkeypatch.undo()
    assert SqlSource(url, asking(), "RATCHET_SOURCE_URL").read(DAY).snapshot.rows == 12


def test_dates_of_every_row_are_refused_before_they_are_all_read(url: str) -> None:
    fill(url, DAY)
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT '2024-05-31' FROM n"  # without an end
    with pytest.raises(DataError, match="snapshot_query gives more than 100,000 rows: a date a snapshot is asked for"):
        SqlSource(url, asking(dates=rows), "RATCHET_SOURCE_URL").by_date()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM {} WHERE as_of = :as_of AND city <> 'a;b' AND plan <> 'it''s; so'",
        'SELECT *, 1 AS "a;b" FROM {} WHERE as_of = :as_of -- a; b',
        "SELECT * FROM {} /* here; there */ WHERE as_of = :as_of ; ; -- the end; of it",
        "-- first;\nSELECT * FROM {} WHERE as_of = :as_of;",
    ],
)
def test_a_semicolon_in_text_in_a_comment_or_at_the_end_is_no_second_statement(url: str, query: str) -> None:
    fill(url, DAY)
    assert SqlSource(url, asking(people=query.format("people")), "RATCHET_SOURCE_URL").read(DAY).snapshot.rows == 12


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"people": None}, "is a database, and ratchet.yaml has no query of people: write it as"),
        ({"people": "SELECT * FROM people"}, "the query of people does not ask for :as_of, so that every snapshot"),
        ({"people": "SELECT * FROM people WHERE as_of = :day"}, "the query of people asks for :day, and only :as_of is given"),
        ({"people": "people"}, "the query of people is no query: it begins with SELECT or WITH"),
        ({"people": "SELECT * FROM nowhere WHERE as_of = :as_of"}, "people: its query is refused: .*nowhere"),
        ({"people": "SELECT * FORM people WHERE as_of = :as_of"}, "people: its query is refused: .*syntax error"),
        ({"people": "SELECT customer, age, vip, plan, customer FROM people WHERE as_of = :as_of"}, "column is there 2 times"),
        (
            {"people": "SELECT customer, age, vip, plan FROM people WHERE as_of = :as_of"},
            "city: the column is missing from the query",
        ),
        ({"people": "SELECT * FROM people WHERE as_of = :as_of AND 1 = 0"}, "people: its query gives no row of 2024-05-31"),
        ({"dates": None}, "is a database, and ratchet.yaml has no `snapshot_query:`"),
        ({"dates": "SELECT as_of FROM people WHERE as_of > :as_of"}, "snapshot_query asks for :as_of"),
        ({"dates": "SELECT as_of FROM nowhere"}, "snapshot_query is refused"),
        ({"dates": "SELECT as_of FROM people WHERE 1 = 0"}, "snapshot_query gives no date"),
        ({"dates": "SELECT 'May'"}, "snapshot_query gives 'May', which is no date"),
        ({"dates": "SELECT '2024-05-31 10:00:00'"}, "a snapshot has a date and no time of day"),
    ],
)
def test_what_is_wrong_with_a_query_is_said_in_a_sentence(url: str, changes: dict[str, str | None], sentence: str) -> None:
    fill(url, DAY)
    with pytest.raises((DataError, ProjectError), match=sentence) as refused:
        SqlSource(url, asking(**changes), "RATCHET_SOURCE_URL").read(DAY)
    assert "\n" not in str(refused.value)


def test_a_query_that_is_refused_does_not_hide_what_is_wrong_with_others(url: str) -> None:
    fill(url, DAY)
    source = SqlSource(url, asking(people="SELECT * FROM nowhere WHERE as_of = :as_of", orders="SELECT 1 WHERE 1 = :as_of"), "x")
    assert {problem.table for problem in source.check(DAY)} >= {"people", "orders"}


def test_a_date_that_there_is_no_snapshot_of_is_refused_with_those_that_there_are(url: str) -> None:
    fill(url, DAY)
    with pytest.raises(DataError, match=r"there is no snapshot 2024-01-31 in .* \(there: 2024-05-31\)"):
        SqlSource(url, asking(), "RATCHET_SOURCE_URL").read("2024-01-31")
    for name in ("' OR 1=1 --", "../x", ""):
        with pytest.raises(DataError, match="there is no snapshot"):
            SqlSource(url, asking(), "RATCHET_SOURCE_URL").read(name)


def test_a_query_that_takes_too_long_is_ended(url: str) -> None:
    fill(url, DAY)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    endless = f"{numbers} SELECT p.*, i FROM people p, n WHERE i < 0 AND as_of = :as_of"  # noqa: S608 - of this test
    with pytest.raises(DataError, match=r"people: its query takes more than the 0\.5 s of RATCHET_SOURCE_TIMEOUT"):
        SqlSource(url, asking(people=endless), "RATCHET_SOURCE_URL", 0.5).read(DAY)


def test_headers_of_any_kind_are_columns(url: str) -> None:
    fill(url, DAY)
    facts = asking().model_dump(mode="json", by_alias=True)
    facts["entity"] = {"name": "customer", "column": "Customer ID"}
    facts["label"] = {"table": "outcome", "column": "Left us?", "name": "left"}
    for index, (name, query) in enumerate(QUERIES.items()):
        column = 't."left" AS "Left us?"' if name == "outcome" else "t.*"
        facts["tables"][index]["query"] = query.replace("SELECT *", f'SELECT customer AS "Customer ID", {column}').replace(
            name, f"{name} t"
        )
    source = SqlSource(url, Project.model_validate(facts), "RATCHET_SOURCE_URL")
    assert source.has_labels(DAY)
    assert source.read(DAY).snapshot.labelled_rows == 12


@pytest.mark.parametrize(
    ("address", "kind", "sentence"),
    [
        ("sqlite:////nowhere/x.db", UserError, "there is no database /nowhere/x.db"),
        ("sqlite://", UserError, "there is no database in memory"),
        ("nosuchsql://host/db", UserError, "is not usable"),
        (
            "postgresql+psycopg://ann:hunter22@127.0.0.1:1/db",
            Unavailable,
            "the data's database at 127.0.0.1:1/db cannot be reached",
        ),
    ],
)
def test_an_address_that_leads_nowhere_is_named_without_its_password(address: str, kind: type[RatchetError], sentence: str) -> None:
    with pytest.raises(kind, match=sentence) as refused:
        SqlSource(address, asking(), "RATCHET_SOURCE_URL").newest()
    assert "hunter22" not in str(refused.value)


def test_a_file_that_is_no_database_is_named_and_none_is_made(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(os.urandom(9000))
    with pytest.raises((Misconfigured, ProjectError), match="file is not a database"):
        SqlSource(f"sqlite:///{tmp_path}/x.db", asking(), "RATCHET_SOURCE_URL").newest()
    with pytest.raises(UserError, match="there is no database"):
        SqlSource(f"sqlite:///{tmp_path}/y.db", asking(), "RATCHET_SOURCE_URL").newest()
    assert not (tmp_path / "y.db").exists()


@pytest.mark.skipif(not POSTGRES, reason="RATCHET_TEST_POSTGRES names no server")
def test_the_types_of_postgresql_are_read() -> None:
    with fresh_database() as url:
        change(
            url,
            "CREATE TABLE people (customer uuid, as_of date, age numeric(5,1), vip boolean, plan text, city bytea)",
            "INSERT INTO people SELECT gen_random_uuid(), '2024-05-31', n, n % 2 = 0, 'Basic', 'Bern'::bytea"
            " FROM generate_series(20, 31) n",
            "CREATE TABLE orders AS SELECT customer, as_of, 3::bigint AS visits, 2.5::numeric AS spend, NULL::boolean AS opted"
            " FROM people",
            "UPDATE orders SET opted = true, spend = 'NaN' WHERE customer = (SELECT min(customer::text)::uuid FROM orders)",
            'CREATE TABLE outcome AS SELECT customer, as_of, vip::int AS "left" FROM people',
        )
        problems = [problem.sentence("customer") for problem in SqlSource(url, asking(), "x").check(DAY)]
        assert len(problems) == 2
        assert "people.city: 12 values are not category but binary" in problems[0]
        assert "orders.spend: 1 value is null where the project allows none" in problems[1]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([[1], [2]], [1, 2]),
        ([[None], [2]], [None, 2]),
        ([[1], [2.5]], [1.0, 2.5]),
        ([[1], ["x"]], ["1", "x"]),
        ([[1, "x"], [2]], ["1", "x", "2"]),
        ([[2**70], [1]], [str(2**70), "1"]),
        ([[Decimal("1.50")], [Decimal("12345.678")]], [Decimal("1.500"), Decimal("12345.678")]),
        ([[Decimal("NaN"), Decimal(2)]], [None, Decimal(2)]),
        ([[float("nan")], [True]], [None, True]),
        ([[memoryview(b"a")], [bytearray(b"b")]], [b"a", b"b"]),
        ([[{"a": 1}], [[1, 2]]], ['{"a": 1}', "[1, 2]"]),
        ([], []),
    ],
)
def test_cells_of_any_kind_become_a_column(chunks: list[list[Any]], expected: list[Any]) -> None:
    rows = [[(cell,) for cell in chunk] for chunk in chunks]
    assert to_arrow(rows, "people", {"a": 0}).column("a").to_pylist() == expected


def test_rows_beyond_the_memory_are_refused_before_they_are_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_rows, "allowed", lambda: 6_000)
    taken = []

    def endless() -> Iterator[list[tuple[str]]]:
        while True:
            taken.append(1)
            yield [("x" * 100,)] * 10

    with pytest.raises(DataError, match="people: its query gives more than the 1,000 bytes that there is room for"):
        to_arrow(endless(), "people", {"a": 0})
    assert len(taken) == 1


SECOND = timedelta(seconds=1)
ZONES = (timezone(timedelta(hours=-5)), UTC, ZoneInfo("Asia/Tokyo"), timezone(timedelta(hours=14)))


@pytest.mark.parametrize("ignored", ["1", ""])  # what pandera leaves in the environment, by which Arrow drops a time's zone
@pytest.mark.parametrize("zones", [*((zone,) for zone in ZONES), ZONES])
def test_the_day_of_a_time_with_a_zone_is_the_one_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zones: tuple[tzinfo, ...], ignored: str
) -> None:
    assert "pandera" in sys.modules
    monkeypatch.setenv("PYARROW_IGNORE_TIMEZONE", ignored)
    if not ignored:
        monkeypatch.delenv("PYARROW_IGNORE_TIMEZONE")
    address = f"sqlite:///{tmp_path}/shop.db"
    fill(address, DAY)
    change(address, "ALTER TABLE people ADD COLUMN since TEXT")
    midnights = [datetime(2024, 5, 30, tzinfo=zones[row % len(zones)]) for row in range(12)]
    moments = [moment if row % 2 else moment + timedelta(days=1) - SECOND for row, moment in enumerate(midnights)]
    asked = Reader.rows

    def with_moments(reader: Reader, query: str, table: str, *args: Any, **how: Any) -> Any:
        names, chunks = asked(reader, query, table, *args, **how)
        if "since" not in names:
            return names, chunks
        at, left = names.index("since"), iter(moments)
        return names, ([[*row[:at], next(left), *row[at + 1 :]] for row in map(list, rows)] for rows in chunks)

    monkeypatch.setattr(Reader, "rows", with_moments)
    described = asking()
    facts = described.model_dump(mode="json", by_alias=True)
    facts["features"].append({"name": "since", "table": "people", "dtype": "date"})
    read = SqlSource(address, Project.model_validate(facts), "RATCHET_SOURCE_URL").read(DAY)
    assert read.features["since"].tolist() == [1] * 12

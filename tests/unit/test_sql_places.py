"""A database as a place: which address may stand on a command line, what is watched there, and what its processes get."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote_plus

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from typer.testing import CliRunner

from ratchet.apps.cli.main import app
from ratchet.apps.watch.watcher import Watcher
from ratchet.clients.children import environment, serving_environment
from ratchet.clients.secrets import scrubbed
from ratchet.core.address import BadAddress
from ratchet.core.errors import UserError
from ratchet.project.addresses import database_of_data, place_of_data, reached_by_a_pod, settled
from ratchet.settings import Settings, load_settings
from ratchet.sources.sql import SqlSource
from ratchet.wiring import Wiring, checked_place
from tests.support.fake_stores import FakeStores
from tests.support.fakes import FakeSnapshots
from tests.support.shop import SHOP

PASSWORD = "hunter2-secret"  # noqa: S105 - of no database
WITH_PASSWORDS = [
    f"postgresql+psycopg://ann:{PASSWORD}@host/db",
    f"postgresql://:{PASSWORD}@host/db",
    f"mysql://host/db?password={PASSWORD}",
    f"snowflake://ann:{PASSWORD}@account/db",
    f"mssql+pyodbc://host/db?driver=x&Access_Token={PASSWORD}",
    f"mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BUID%3Dann%3BPWD%3D{PASSWORD}",
    f"mssql+pyodbc:///?odbc_connect=DRIVER=x;Uid=ann;Pwd+%3D+%7B{PASSWORD}%7D",
    f"postgresql://ann:{PASSWORD}@@host/db",
    f"http://ann:{PASSWORD}@host/db",
]


@pytest.mark.parametrize("given", WITH_PASSWORDS)
def test_a_password_on_the_command_line_is_refused_and_not_repeated(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="the data's place is not usable") as refused:
        checked_place(given)
    assert PASSWORD not in str(refused.value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RATCHET_PROJECT", str(Path(__file__).parents[2] / "ratchet.yaml"))
    monkeypatch.setenv("RATCHET_HOME", str(tmp_path / "home"))
    for command in (["run", "--snapshot", "latest", "--data", given], ["watch", "--looks", "1", "--data", given]):
        done = CliRunner().invoke(app, command)
        assert isinstance(done.exception, UserError)
        assert PASSWORD not in done.output + str(done.exception)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "data",
        "s3://bucket/x",
        "sql:",
        "sqlite:///x.db",
        "postgresql+psycopg://ann@host/db",
        "mssql+pyodbc://h/d?driver=x",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BTrusted_Connection%3Dyes",
    ],
)
def test_a_place_without_a_password_may_be_given(given: str) -> None:
    assert place_of_data(given) == given


@pytest.mark.parametrize("secret", ["hunter2", "{se cr;et}"])
def test_a_password_of_odbc_connect_is_taken_out_of_what_a_driver_says(secret: str) -> None:
    inner = secret.strip("{}")
    url = f"mssql+pyodbc:///?odbc_connect={quote_plus(f'DRIVER=x;UID=ann;PWD={secret};Encrypt=yes')}"
    assert inner not in scrubbed(f"login failed: PWD={secret}", url)
    assert "UID=ann" in scrubbed("login failed: UID=ann", url)


def test_a_place_is_found_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settled("sqlite:///x y.db") == f"sqlite:///{tmp_path}/x y.db"
    assert settled("data") == str(tmp_path / "data")
    assert [settled(place) for place in ("", "sql:", "s3://b/x")] == ["", "sql:", "s3://b/x"]


def test_a_pod_reaches_what_is_no_file_here() -> None:
    reached = {place: reached_by_a_pod(place) for place in ("data", "sqlite:///x.db", "sql:", "s3://b/x", "postgresql://h/d")}
    assert reached == {"data": False, "sqlite:///x.db": False, "sql:": True, "s3://b/x": True, "postgresql://h/d": True}


@pytest.mark.parametrize("given", ["data", "http://host", "s3://bucket", "file:///x", "postgresql://host:99999/db"])
def test_what_is_no_database_is_not_taken_for_one(given: str) -> None:
    with pytest.raises(BadAddress):
        database_of_data(given)


def test_the_databases_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_SOURCE_URL", f"postgresql+psycopg://ann:{PASSWORD}@127.0.0.1:1/db")
    settings = load_settings()
    source = Wiring(settings, SHOP).source("sql:")
    assert isinstance(source, SqlSource)
    with pytest.raises(UserError, match=r"127.0.0.1:1/db is a database, and ratchet.yaml has no query of people") as refused:
        source.fingerprint("2024-05-31")
    assert PASSWORD not in str(refused.value)
    assert "RATCHET_SOURCE_URL" in environment(settings)
    assert PASSWORD not in str(serving_environment(settings))
    monkeypatch.delenv("RATCHET_SOURCE_URL")
    with pytest.raises(UserError, match="sql: is the database of RATCHET_SOURCE_URL, which is not set"):
        Wiring(Settings(), SHOP).source("sql:")


def test_a_database_is_watched_by_its_newest_date_and_its_late_labels(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    engine = create_engine(url, poolclass=NullPool)

    def write(*statements: str) -> None:
        with engine.begin() as connection:
            for one in statements:
                connection.execute(text(one))

    write(*(f'CREATE TABLE {name} (customer TEXT, as_of TEXT, "left" INT)' for name in SHOP.tables))
    described = [{"name": name, "query": f"SELECT * FROM {name} WHERE as_of = :as_of"} for name in SHOP.tables]  # noqa: S608
    facts = SHOP.model_dump(mode="json", by_alias=True) | {"tables": described, "snapshots": {}}
    project = type(SHOP).model_validate(facts | {"snapshot_query": "SELECT DISTINCT as_of FROM people"})
    stores, runs = FakeStores(), list[str]()

    def start(name: str, _: str) -> str:
        runs.append(name)
        return f"run {len(runs)}"

    watch = Watcher(
        SqlSource(url, project, "RATCHET_SOURCE_URL"), FakeSnapshots(), project, stores.registry, stores.journal, stores.lock, start
    )
    write("INSERT INTO people VALUES ('C1', '2024-05-31', NULL)", "INSERT INTO orders VALUES ('C1', '2024-05-31', NULL)")
    assert [bool(watch.look()) for _ in range(3)] == [False, True, False]
    write("INSERT INTO people VALUES ('C1', '2024-06-30', NULL)")
    assert not watch.look()
    write("INSERT INTO people VALUES ('C2', '2024-06-30', NULL)")
    assert not watch.look(), "rows still come"
    assert watch.look()
    write("INSERT INTO outcome VALUES ('C1', '2024-06-30', 1)")
    assert [bool(watch.look()) for _ in range(2)] == [False, True]
    assert runs == ["2024-05-31", "2024-06-30", "2024-06-30"]

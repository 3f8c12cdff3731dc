"""The same cases for every ledger."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from ratchet.core.errors import LedgerError, Unavailable, UserError
from ratchet.ledger.port import Ledger
from ratchet.ledger.sql import SqlLedger
from tests.support.addresses import POSTGRES, fresh_database, only
from tests.support.fakes import FakeLedger

ADAPTERS: dict[str, Callable[[Path], Ledger]] = {
    "fake": lambda _: FakeLedger(),
    "sqlite": lambda folder: SqlLedger(f"sqlite:///{folder / 'state' / 'ledger.db'}", "tester", "churn"),
}


@pytest.fixture(params=[*ADAPTERS, *only(POSTGRES, "postgres")])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param in ADAPTERS:
        yield ADAPTERS[request.param](tmp_path)
        return
    with fresh_database() as url:
        yield SqlLedger(url, "tester", "churn")


@pytest.fixture(params=["sqlite", *only(POSTGRES, "postgres")])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a ledger can be that outlives its process."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    with fresh_database() as fresh:
        yield fresh


def test_records_come_back_in_order_with_what_was_written(ledger: Ledger) -> None:
    ledger.append("gate", {"delta": 0.144, "reasons": ["delta 0.144 > 0.010"], "champion": None}, key="k")
    ledger.append("promotion", {"state": "done", "name": "Zoë"}, key="k")
    first, second = ledger.records()
    assert (first.seq, first.kind, first.key, first.actor) == (1, "gate", "k", "tester")
    assert first.body == {"delta": 0.144, "reasons": ["delta 0.144 > 0.010"], "champion": None}
    assert second.body["name"] == "Zoë"
    assert second.previous == first.hash
    assert ledger.verify() == 2


def test_records_are_filtered_by_kind_and_key(ledger: Ledger) -> None:
    for kind, key in [("a", "1"), ("b", "1"), ("a", "2")]:
        ledger.append(kind, {}, key=key)
    assert [record.seq for record in ledger.records("a")] == [1, 3]
    assert [record.seq for record in ledger.records(key="1")] == [1, 2]
    assert [record.seq for record in ledger.records("a", "2")] == [3]
    assert [record.seq for record in ledger.records(after=1)] == [2, 3]
    assert [record.seq for record in ledger.records("a", after=1)] == [3]
    assert ledger.records(after=3) == []


def test_an_empty_ledger_verifies(ledger: Ledger) -> None:
    assert ledger.records() == []
    assert ledger.verify() == 0


def test_what_is_not_json_is_refused_and_nothing_is_written(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        ledger.append("gate", {"auc": float("nan")})
    assert ledger.records() == []


def test_several_may_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / str(number)}.db" for number in range(20) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda url: SqlLedger(url, "writer", "churn").append("k", {}), urls))
    assert {SqlLedger(url, "reader", "churn").verify() for url in urls} == {4}


def _write(url: str) -> None:
    for number in range(20):
        SqlLedger(url, "writer", "churn").append("k", {"number": number})


def test_writers_in_many_processes_lose_no_record_and_keep_the_chain(url: str) -> None:
    SqlLedger(url, "first", "churn").append("start", {})
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(_write, [url] * 3)
    assert SqlLedger(url, "reader", "churn").verify() == 61


@pytest.mark.parametrize("statement", ["UPDATE ledger SET actor = 'x'", "DELETE FROM ledger WHERE seq = 1"])
def test_the_file_itself_refuses_changes(tmp_path: Path, statement: str) -> None:
    SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}", "tester", "churn").append("k", {})
    connection = sqlite3.connect(tmp_path / "ledger.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


def test_a_change_that_gets_past_the_file_breaks_the_chain(tmp_path: Path) -> None:
    ledger = SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}", "tester", "churn")
    for number in range(3):
        ledger.append("k", {"number": number})
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.execute("DROP TRIGGER ledger_no_update")
    connection.execute("""UPDATE ledger SET body = '{"number":9}' WHERE seq = 2""")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerError, match=r"ledger record 2 .* does not fit the chain"):
        ledger.verify()


def test_a_ledger_that_cannot_be_opened_is_one_sentence_without_the_password() -> None:
    with pytest.raises(Unavailable, match="the ledger at") as caught:
        SqlLedger("sqlite:////proc/none/ledger.db", "tester", "churn").records()
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(UserError, match="file is not a database"):
        SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}", "tester", "churn").records()


if POSTGRES:

    @pytest.mark.parametrize("statement", ["UPDATE ledger SET actor = 'x'", "DELETE FROM ledger", "TRUNCATE ledger"])
    def test_the_server_refuses_changes(statement: str) -> None:
        with fresh_database() as url:
            SqlLedger(url, "tester", "churn").append("k", {})
            engine = create_engine(url, poolclass=NullPool)
            with pytest.raises(ProgrammingError, match="append-only"), engine.begin() as connection:
                connection.execute(text(statement))
            assert SqlLedger(url, "tester", "churn").verify() == 1


@pytest.mark.parametrize("url", ["nonsense", "nosuchsql://host/db", "postgresql+nodriver://host/db"])
def test_a_url_that_is_none_is_named_with_its_variable(url: str) -> None:
    with pytest.raises(UserError, match="RATCHET_LEDGER_URL is not usable"):
        SqlLedger(url, "tester", "churn").records()

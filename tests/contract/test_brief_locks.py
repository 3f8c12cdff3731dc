"""What changes tables beside those who read them all the time waits for no lock for long, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from ratchet.clients import brief_locks
from ratchet.clients.roles import PROMOTER, SERVING
from ratchet.core.errors import Unavailable
from ratchet.features.online_rights import give_online_rights
from ratchet.ledger.sql import SqlLedger
from ratchet.requests.sql import SqlRequestLog
from tests.support.addresses import POSTGRES, fresh_database
from tests.support.release_0_1 import fill

pytestmark = pytest.mark.skipif(not POSTGRES, reason="RATCHET_TEST_POSTGRES names no server")
Act = Callable[[str], object]


def run(url: str, *statements: str) -> list[object]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        results = [connection.execute(text(statement)) for statement in statements]
        return [row for result in results if result.returns_rows for row in result.scalars()]


def requests(url: str) -> None:
    """A request log as the release before left it."""
    SqlRequestLog(url, "m").count_before(1.0)
    run(url, "ALTER TABLE answers DROP COLUMN posted", "UPDATE requests_revision SET version_num = '0003'")


def ledger(url: str) -> None:
    """A ledger of the first release."""
    fill(url, "ledger")


def online(url: str) -> None:
    """What one role loaded, where there are several now."""
    for role in (PROMOTER, SERVING):
        run(url, f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    run(
        url,
        "CREATE TABLE feature_loads (model TEXT)",
        "CREATE TABLE m_features (entity_key BYTEA, feature_name TEXT, event_ts DATE)",
    )


CASES = [
    pytest.param(requests, "answers", lambda url: SqlRequestLog(url, "m").migrate(), "the request log", id="requests"),
    pytest.param(ledger, "ledger", lambda url: SqlLedger(url, "ann", "m").migrate(), "the ledger", id="ledger"),
    pytest.param(online, "m_features", give_online_rights, "the online store", id="online"),
]


@contextmanager
def reader(url: str, table: str) -> Iterator[Connection]:
    """Somebody whose transaction has read the table and goes on."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SELECT FROM {table} LIMIT 1"))
        yield connection


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_database() as fresh:
        yield fresh


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brief_locks, "_WAIT_MS", 50)
    monkeypatch.setattr(brief_locks, "_PAUSE", 0)


@pytest.mark.parametrize(("before", "table", "act", "what"), CASES)
def test_a_change_gives_up_beside_a_reader_without_end_and_changes_nothing(
    url: str, before: Act, table: str, act: Act, what: str
) -> None:
    before(url)
    of_all = (
        "SELECT relname || concat(relowner, relacl, (SELECT count(*) FROM pg_attribute WHERE attrelid = c.oid)) FROM pg_class c"
    )
    shape = f"{of_all} WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    was = run(url, shape)
    with (
        reader(url, table),
        pytest.raises(Unavailable, match=rf"^the tables of {what} were never free in 20 tries and are as before"),
    ):
        act(url)
    assert run(url, shape) == was
    act(url)


@pytest.mark.parametrize(("before", "table", "act", "what"), CASES)
def test_a_change_is_tried_again_until_the_reader_has_ended(
    url: str, before: Act, table: str, act: Act, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(url)
    passed: list[object] = []
    with reader(url, table) as reading:

        def pause(_seconds: float) -> None:
            passed.append(run(url, f"SELECT count(*) FROM {table}"))  # noqa: S608 - likewise; nobody waits behind the change
            if len(passed) == 3:
                reading.rollback()

        monkeypatch.setattr(brief_locks, "sleep", pause)
        act(url)
    assert len(passed) == 3, what

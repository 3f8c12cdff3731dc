"""What each database role may do, on a PostgreSQL where there is one (RATCHET_TEST_POSTGRES)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from ratchet.clients.roles import PROMOTER, READER, SERVING
from ratchet.core.errors import Misconfigured
from ratchet.core.schema import LoggedAnswer
from ratchet.ledger.sql import SqlLedger
from ratchet.requests.sql import SqlRequestLog
from tests.support.addresses import POSTGRES, fresh_database

needs_postgres = pytest.mark.skipif(not POSTGRES, reason="RATCHET_TEST_POSTGRES names no server")
FORBIDDEN = [
    "DROP TRIGGER ledger_no_change ON ledger",
    "ALTER TABLE ledger DISABLE TRIGGER ALL",
    "DROP TABLE ledger",
    "TRUNCATE ledger",
    "DELETE FROM ledger",
    "UPDATE ledger SET actor = 'x'",
    "CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
]


def test_on_sqlite_there_are_no_roles(tmp_path: Path) -> None:
    assert SqlLedger(f"sqlite:///{tmp_path}/ledger.db", "ann", "m").migrate() == []
    assert SqlRequestLog(f"sqlite:///{tmp_path}/requests.db", "m").migrate() == []


@contextmanager
def database() -> Iterator[str]:
    """A database whose tables the owner has made, with a record, and whose roles have their rights."""
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        for role in (PROMOTER, READER, SERVING):
            connection.execute(text(f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$"))
    with fresh_database() as url:
        SqlLedger(url, "owner", "m").append("k", {})
        assert SqlLedger(url, "owner", "m").migrate() == [PROMOTER, READER, SERVING]
        assert SqlRequestLog(url, "m").migrate() == [PROMOTER, READER, SERVING]
        yield url


def of(url: str, role: str) -> str:
    """As that role, whose password may be the one that a platform's pods log in by, and stays."""
    return make_url(url).update_query_dict({"options": f"-crole={role}"}).render_as_string(hide_password=False)


def refused(url: str, statement: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), engine.begin() as connection:
        connection.execute(text(statement))


@needs_postgres
def test_the_promoter_appends_and_reads_and_can_change_nothing_of_the_ledger() -> None:
    with database() as url:
        promoter = SqlLedger(of(url, PROMOTER), "ann", "m")
        assert promoter.append("k", {"n": 2}).seq == 2
        assert promoter.verify() == 2
        for statement in FORBIDDEN:
            refused(of(url, PROMOTER), statement)


@needs_postgres
def test_a_serving_pod_logs_its_answers_and_cannot_even_read_the_ledger() -> None:
    with database() as url:
        log = SqlRequestLog(of(url, SERVING), "m")
        log.append([LoggedAnswer("a" * 32, "u1", 1, 0.5, "h", 1_700_000_000.0)])
        log.append([LoggedAnswer("b" * 32, "u2", 1, 0.5, "h", 1_700_000_001.0)])
        assert SqlRequestLog(of(url, READER), "m").volume(10).total(1) == 2
        for statement in [*FORBIDDEN, "SELECT * FROM ledger", "DELETE FROM answers", "SELECT * FROM answer_labels"]:
            refused(of(url, SERVING), statement)
        with pytest.raises(Misconfigured, match="permission denied"):
            SqlLedger(of(url, SERVING), "mallory", "m").append("k", {})


@needs_postgres
def test_who_only_looks_can_append_nothing() -> None:
    with database() as url:
        assert SqlLedger(of(url, READER), "ann", "m").verify() == 1
        with pytest.raises(Misconfigured, match="permission denied"):
            SqlLedger(of(url, READER), "ann", "m").append("k", {})
        for statement in FORBIDDEN:
            refused(of(url, READER), statement)

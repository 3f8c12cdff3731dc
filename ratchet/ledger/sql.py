"""The ledger in a SQL database (SQLite embedded, Postgres on a cluster), by SQLAlchemy Core."""

from __future__ import annotations

import json
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DDL, Column, Engine, Integer, MetaData, String, Table, Text, create_engine, event, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, OperationalError, SQLAlchemyError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from ratchet.core import record as ledger
from ratchet.core.errors import Unavailable, UserError
from ratchet.core.record import GENESIS, Record

_METADATA = MetaData()
_RECORDS = Table(
    "ledger",
    _METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("kind", String(40), nullable=False, index=True),
    Column("key", String(200), nullable=False, index=True),
    Column("actor", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)
_GUARD = "CREATE TRIGGER ledger_no_{0} BEFORE {0} ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
for _verb in ("UPDATE", "DELETE"):
    # Append-only also for whoever opens the file by hand; the chain tells of what gets past it.
    _guard = DDL(_GUARD.format(_verb))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves DDL untyped
    event.listen(_RECORDS, "after_create", _guard.execute_if(dialect="sqlite"))
for _statement in (
    (
        "CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
    ),
    (
        "CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()"
    ),
):
    _guard = DDL(_statement)  # type: ignore[no-untyped-call]  # as above
    event.listen(_RECORDS, "after_create", _guard.execute_if(dialect="postgresql"))
_CREATION_LOCK = 7_236_841  # any number that nobody else locks by
_CONNECT_SECONDS = 5


def _create(engine: Engine) -> None:
    """Make the table with its guards, all or nothing; of several who open a new ledger at once, one makes it."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver itself opens no transaction for CREATE
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_CREATION_LOCK})")
        _METADATA.create_all(connection)


def _server(url: URL) -> Engine:
    """An engine for a database server: a connection that a restart has broken is replaced before it is used."""
    return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": _CONNECT_SECONDS})


class SqlLedger:
    """Implements port.Ledger.

    Args:
        url: SQLAlchemy URL; a SQLite file is made with its folder when absent.
        actor: who writes, as it appears in every record.
    """

    def __init__(self, url: str, actor: str) -> None:
        self._url, self._actor = url, actor
        self._opened: Engine | None = None

    def _engine(self) -> Engine:
        """Open on first use, so that building the adapter touches nothing."""
        if self._opened is None:
            try:
                parsed = make_url(self._url)
                if parsed.get_backend_name() == "sqlite" and parsed.database:
                    Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
                engine = create_engine(parsed) if parsed.get_backend_name() == "sqlite" else _server(parsed)
                if not inspect(engine).has_table(_RECORDS.name):
                    _create(engine)
            except (ArgumentError, NoSuchModuleError, ImportError) as error:
                message = (
                    f"RATCHET_LEDGER_URL is not usable ({type(error).__name__}): it is sqlite:///file or postgresql+psycopg://…"
                )
                raise UserError(message) from error
            except (SQLAlchemyError, OSError) as error:
                raise self._unavailable(error) from error
            weakref.finalize(self, engine.dispose)
            self._opened = engine
        return self._opened

    def _unavailable(self, error: Exception) -> Unavailable:
        where = self._url.split("@")[-1]  # never the password
        cause = getattr(error, "strerror", None) or str(getattr(error, "orig", None) or error).splitlines()[0]
        return Unavailable(f"the ledger at {where} cannot be reached ({cause}): check it and RATCHET_LEDGER_URL")

    def append(self, kind: str, body: Mapping[str, Any], *, key: str = "") -> Record:
        """Chain and store one record.

        Two writers that read the same end of the chain collide on `seq`; the loser reads the new end and tries again.
        """
        engine = self._engine()
        retrying = Retrying(
            retry=retry_if_exception_type((IntegrityError, OperationalError)),
            stop=stop_after_delay(10),
            wait=wait_random(0.01, 0.1),
            reraise=True,
        )
        try:
            return retrying(self._append_once, engine, kind, json.loads(ledger.canonical(body)), key)
        except SQLAlchemyError as error:
            raise self._unavailable(error) from error

    def _append_once(self, engine: Engine, kind: str, body: Mapping[str, Any], key: str) -> Record:
        with engine.begin() as connection:
            last = connection.execute(select(_RECORDS.c.seq, _RECORDS.c.hash).order_by(_RECORDS.c.seq.desc()).limit(1)).first()
            seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
            record = ledger.chain(seq, datetime.now(UTC), kind, key, self._actor, body, previous)
            connection.execute(
                _RECORDS.insert().values(
                    seq=record.seq,
                    at=record.at.isoformat(),
                    kind=kind,
                    key=key,
                    actor=record.actor,
                    body=ledger.canonical(body),
                    previous=previous,
                    hash=record.hash,
                )
            )
        return record

    def records(self, kind: str | None = None, key: str | None = None, *, after: int = 0) -> list[Record]:
        """Records in order, filtered when asked; `after` leaves out those up to that `seq`."""
        query = select(_RECORDS).where(_RECORDS.c.seq > after).order_by(_RECORDS.c.seq)
        if kind is not None:
            query = query.where(_RECORDS.c.kind == kind)
        if key is not None:
            query = query.where(_RECORDS.c.key == key)
        try:
            with self._engine().connect() as connection:
                rows = connection.execute(query).all()
        except SQLAlchemyError as error:
            raise self._unavailable(error) from error
        return [
            Record(
                row.seq, datetime.fromisoformat(row.at), row.kind, row.key, row.actor, json.loads(row.body), row.previous, row.hash
            )
            for row in rows
        ]

    def verify(self) -> int:
        """Walk the chain; the number of records. Raises LedgerError at the first that does not fit."""
        return ledger.verify(self.records())

"""The load record of an online store that several pods fill: a table beside it, and the database's own lock around a load."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property

from sqlalchemy import Column, ColumnElement, Connection, Date, Engine, MetaData, String, Table, create_engine, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from ratchet.clients.sql_errors import FAILED, sql_error
from ratchet.core.errors import LockHeld

_BEGUN = ""
_METADATA = MetaData()
_LOADS = Table(
    "feature_loads",
    _METADATA,
    Column("model", String(200), primary_key=True),
    Column("as_of", Date, primary_key=True),
    Column("definitions", String(64), primary_key=True),
    Column("features_hash", String(64), nullable=False),
)
_LOCK_NOT_AVAILABLE = "55P03"  # SQLSTATE


class SqlLoadRecord:
    """As LoadRecord, in PostgreSQL.

    Args:
        url: of the database.
        model: whose features they are.
        definitions: digest of what the store's tables are filled by.
    """

    def __init__(self, url: URL, model: str, definitions: str) -> None:
        self._url, self._model, self._digest = url, model, definitions

    @cached_property
    def _engine(self) -> Engine:
        # no pool: a load asks a few times in minutes
        return create_engine(self._url, poolclass=NullPool, connect_args={"connect_timeout": 3})

    @contextmanager
    def locked(self, seconds: float) -> Iterator[None]:
        """Keep other pods from loading for the length of the block; the lock ends with its connection, however that comes about.

        Raises LockHeld when another holds it for `seconds`, Unavailable when the database cannot be reached.
        """
        key = zlib.crc32(f"ratchet features {self._model}".encode())
        with self._translated():
            connection = self._engine.connect()
        try:
            with self._translated():
                self._take(connection, key, seconds)
                with self._engine.begin() as other:
                    _METADATA.create_all(other)
            yield
        finally:
            connection.close()  # which ends the transaction, and the lock with it

    def _take(self, connection: Connection, key: int, seconds: float) -> None:
        connection.execute(text(f"SET LOCAL lock_timeout = {int(seconds * 1000)}"))
        try:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
                raise
            message = f"another process has been loading features of {self._model} for {seconds:.0f} s: try again when it is done"
            raise LockHeld(message) from error

    def is_empty(self) -> bool:
        """Whether nothing was ever loaded under these definitions."""
        with self._translated(), self._engine.connect() as connection:
            there = connection.execute(text("SELECT to_regclass(:name)"), {"name": _LOADS.name}).scalar()
            return (
                there is None
                or not connection.execute(
                    select(_LOADS.c.as_of).where(self._mine, _LOADS.c.definitions == self._digest).limit(1)
                ).first()
            )

    def holds(self, as_of: date, features_hash: str) -> bool:
        """Whether exactly this content was loaded to the end."""
        return self._loads().get(as_of) == features_hash

    def after(self, as_of: date) -> list[date]:
        """Later dates of which a load has at least begun."""
        return sorted(day for day in self._loads() if day > as_of)

    def begin(self, as_of: date) -> None:
        """Before the first row."""
        self._write(as_of, _BEGUN)

    def finish(self, as_of: date, features_hash: str) -> None:
        """After the last row."""
        self._write(as_of, features_hash)

    @property
    def _mine(self) -> ColumnElement[bool]:
        return _LOADS.c.model == self._model

    def _loads(self) -> dict[date, str]:
        """Hashes by date; a load under other definitions has begun and not ended."""
        with self._translated(), self._engine.connect() as connection:
            rows = connection.execute(select(_LOADS.c.as_of, _LOADS.c.definitions, _LOADS.c.features_hash).where(self._mine)).all()
        loads = {row.as_of: _BEGUN for row in rows}
        return loads | {row.as_of: row.features_hash for row in rows if row.definitions == self._digest}

    def _write(self, as_of: date, features_hash: str) -> None:
        row = insert(_LOADS).values(model=self._model, as_of=as_of, definitions=self._digest, features_hash=features_hash)
        keys = ["model", "as_of", "definitions"]
        with self._translated(), self._engine.begin() as connection:
            # what was loaded under other definitions is being overwritten
            connection.execute(update(_LOADS).where(self._mine, _LOADS.c.definitions != self._digest).values(features_hash=_BEGUN))
            connection.execute(row.on_conflict_do_update(index_elements=keys, set_={"features_hash": features_hash}))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except FAILED as error:
            given = self._url.render_as_string(hide_password=False)
            raise sql_error(error, "the online store", given, "RATCHET_ONLINE_URL") from error

"""Queries in one transaction that reads and cannot write: all that is asked in it is as of one moment."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    Connection,
    CursorResult,
    Date,
    Engine,
    TextClause,
    bindparam,
    column,
    create_engine,
    false,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from ratchet.clients.secrets import cause_of
from ratchet.clients.sql_errors import FAILED, UNUSABLE, sql_error
from ratchet.core.address import sqlite_file
from ratchet.core.errors import Misconfigured, PermanentError, ProjectError, RatchetError, UserError
from ratchet.sources.problems import Problem, TableError
from ratchet.sources.sql_rows import ROWS

AS_OF = "as_of"
_CONNECT_SECONDS = 10
_STEPS = 100_000  # of SQLite's machine between two looks at the time
_READS = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE | re.DOTALL)
_PIECES = re.compile(  # of a statement: quoted text and names, comments, and all else a character at a time
    r"""[eE]'(?:[^'\\]|\\.|'')*'|'[^']*'|"[^"]*"|`[^`]*`|(?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)"""
    r"|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<end>;)|.",
    re.DOTALL,
)
_AWAY = re.compile(r"locked|busy|unable to open|disk I/O|not a database|malformed", re.IGNORECASE)
_SLOW = re.compile(r"statement timeout|interrupted|maximum statement execution time", re.IGNORECASE)


class Database:
    """A database that snapshots are read from.

    Args:
        url: SQLAlchemy's.
        variable: the setting or option that it came from, for messages.
        seconds: that one query may take.
    """

    def __init__(self, url: str, variable: str, seconds: float) -> None:
        self._url, self._variable, self._seconds = url, variable, seconds

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """One transaction. Raises Unavailable when the database cannot be reached, UserError when it refuses us."""
        try:
            engine = self._engine()
        except UNUSABLE as error:
            raise self.error(error) from error
        try:
            with engine.connect() as connection:
                self._begin(connection)
                try:
                    yield Reader(connection, self)
                finally:
                    connection.rollback()
        except FAILED as error:
            raise self.error(error) from error
        finally:
            engine.dispose()

    def start(self, connection: Connection) -> None:
        """A statement begins: SQLite has no limit of its own for the time that one takes."""
        if connection.dialect.name == "sqlite":
            end = time.monotonic() + self._seconds
            raw: Any = connection.connection.dbapi_connection
            raw.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)

    def error(self, error: Exception) -> RatchetError:
        """Ours from SQLAlchemy's."""
        return sql_error(error, "the data's database", self._url, self._variable)

    def refused(self, error: Exception) -> str:
        """What is wrong with a query. Raises the database's own error where it is not the query's fault."""
        cause = cause_of(error, self._url)
        if _SLOW.search(cause):
            return f"takes more than the {self._seconds:g} s of RATCHET_SOURCE_TIMEOUT"
        ours = self.error(error)
        if isinstance(getattr(error, "orig", error), sqlite3.Error) and not _AWAY.search(cause):  # it has one class for all
            return f"is refused: {cause}"
        if not isinstance(ours, PermanentError) or (isinstance(ours, Misconfigured) and " refuses us " in str(ours)):
            raise ours from error
        return f"is refused: {cause}"

    def _engine(self) -> Engine:
        if self._url.startswith("sqlite"):
            return create_engine(
                "sqlite://", creator=partial(_open_sqlite, sqlite_file(self._url), self._seconds), poolclass=NullPool
            )
        url = make_url(self._url)
        if url.drivername == "postgresql":  # the driver that we bring
            url = url.set(drivername="postgresql+psycopg")
        arguments = {"connect_timeout": _CONNECT_SECONDS} if url.get_backend_name() in {"postgresql", "mysql", "mariadb"} else {}
        return create_engine(url, poolclass=NullPool, connect_args=arguments)

    def _begin(self, connection: Connection) -> None:
        """The strictest that each database has; of those that are not named here the rights of the user must say it."""
        name = connection.dialect.name
        if name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        elif name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(self._seconds * 1000)}")
        elif name in {"mysql", "mariadb"}:
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


class Reader:
    """What may be asked in the transaction."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self._connection, self._database = connection, database
        self._open: CursorResult[Any] | None = None  # whose rows are still on the server

    def dates(self, query: str, most: int) -> list[Any]:
        """The first cells of the first `most` rows of `snapshot_query`. Raises ProjectError.

        By a cursor of the server, as `rows`: PostgreSQL's driver sends what has no parameters in a way that takes several
        statements, the first of which could end the transaction that cannot write.
        """
        asked = statement(query, "snapshot_query").execution_options(stream_results=True, yield_per=ROWS)
        self._database.start(self._connection)
        try:
            with self._connection.execute(asked) as found:
                return [row[0] for row in islice(found, most)]
        except (SQLAlchemyError, sqlite3.Error) as error:
            message = f"snapshot_query {self._database.refused(error)}"
            raise ProjectError(message) from error

    def rows(
        self, query: str, table: str, as_of: date, *, needs_date: bool = True
    ) -> tuple[list[str], Iterator[Sequence[Sequence[Any]]]]:
        """A table's columns, and its rows a chunk at a time. Raises TableError, also while the rows come."""
        asked = statement(query, table, needs_date=needs_date).execution_options(stream_results=True, yield_per=ROWS)
        with self._refusing(table):
            self._open = self._connection.execute(asked, {AS_OF: as_of} if needs_date else {})
            names = list(self._open.keys())
        return names, self._chunks(self._open, table)

    def counts(self, query: str, table: str, as_of: date, counted: str | None) -> tuple[int, int]:
        """How many rows a table has, and how many of them have a value in `counted`: none where there is no such column."""
        asked = statement(query, table, needs_date=True)
        with self._refusing(table):
            inner = text(f"{asked.text}\n").bindparams(bindparam(AS_OF, as_of, type_=Date()))  # the last line may be a comment
            there = self._connection.execute(select(text("*")).select_from(inner.columns().subquery("asked")).where(false()))
            names = list(there.keys())  # as the check reads them: SQLite would find `Churned` by `churned`, and that is no label
            known = [counted] if counted is not None and counted in names else []
            rows = inner.columns(*map(column, known)).subquery("asked")
            labels = func.count(rows.c[known[0]]) if known else literal(0)
            found = self._connection.execute(select(func.count(), labels).select_from(rows)).one()
        return int(found[0]), int(found[1])

    def _chunks(self, result: CursorResult[Any], table: str) -> Iterator[Sequence[Sequence[Any]]]:
        with self._refusing(table):
            yield from result.partitions(ROWS)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Around a table's rows: one that is refused is not to end the transaction, as PostgreSQL would have it."""
        inner = self._connection.begin_nested() if self._connection.dialect.name == "postgresql" else None
        try:
            yield
        finally:
            if self._open is not None:
                self._open.close()
            if inner is not None:
                inner.rollback()

    @contextmanager
    def _refusing(self, table: str) -> Iterator[None]:
        self._database.start(self._connection)
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise TableError(Problem(table, "", f"its query {self._database.refused(error)}")) from error


def statement(query: str, where: str, *, needs_date: bool = False) -> TextClause:
    """A query of ratchet.yaml. Raises ProjectError when it is none, or asks for more than the date."""
    called = f"the query of {where}" if needs_date else where
    asked = _one(query, called)
    if not _READS.match(asked):
        message = f"{called} is no query: it begins with SELECT or WITH"
        raise ProjectError(message)
    clause = text(asked)
    names = set(clause.compile().params)
    strange = sorted(names - ({AS_OF} if needs_date else set()))
    if strange:
        known = f"only :{AS_OF} is" if needs_date else "it knows no parameters, none is"
        message = f"{called} asks for :{strange[0]}, and {known} given; a colon that is text is written \\:"
        raise ProjectError(message)
    if needs_date and AS_OF not in names:
        message = f"{called} does not ask for :{AS_OF}, so that every snapshot would have the same rows"
        raise ProjectError(message)
    return clause.bindparams(bindparam(AS_OF, type_=Date())) if needs_date else clause


def _one(query: str, called: str) -> str:
    """The statement up to its `;`. Raises ProjectError when more than comments follow that."""
    pieces = list(_PIECES.finditer(query.strip()))
    end = next((place for place, piece in enumerate(pieces) if piece["end"]), len(pieces))
    if any(not (piece["comment"] or piece["end"] or piece[0].isspace()) for piece in pieces[end:]):
        message = f"{called} is refused: more than one statement stands in it, and what follows its first `;` would not be a query"
        raise ProjectError(message)
    return "".join(piece[0] for piece in pieces[:end]).rstrip()


def _open_sqlite(file: str | None, seconds: float) -> sqlite3.Connection:
    """The file, of which nothing is written, and which is not made when it is not there."""
    if file is None or not Path(file).is_file():
        message = f"there is no database {file or 'in memory'}: an SQLite address is sqlite:///file, or sqlite:////folder/file"
        raise UserError(message)
    connection = sqlite3.connect(
        f"file:{quote(str(Path(file).absolute()))}?mode=ro", uri=True, isolation_level=None, timeout=min(seconds, 30)
    )
    connection.execute("PRAGMA query_only = ON")
    return connection

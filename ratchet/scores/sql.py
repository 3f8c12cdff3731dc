"""Scores as rows of a table, SQLite or PostgreSQL: an entity's replace those of the same version and date, in one transaction.

One table takes the scores of all models, and those of one date from several sources, side by side.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Double,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    create_engine,
    delete,
    exists,
    inspect,
    select,
    text,
)

from ratchet.clients.sql_errors import FAILED, UNUSABLE, sql_error
from ratchet.core.address import place_of
from ratchet.core.entity_key import MAX_KEY
from ratchet.core.errors import Misconfigured, RatchetError, UserError
from ratchet.scores.kept import Parts
from ratchet.scores.port import AS_OF, MODEL_VERSION

_NAME = re.compile(r"(?:([A-Za-z_]\w{0,62})\.)?([A-Za-z_]\w{0,62})", re.ASCII)
_ROWS = 10_000  # inserted at once where there is no COPY
_SECONDS = 10
_MODEL = "model"  # a file's name says whose it is; a table's rows must
_SCORED = "ratchet scored"  # no table to write to can be called so


class ScoreTable:
    """Implements `ratchet.scores.kept.Publisher`.

    A table that is not there is made, its key being model, version, date and entity; one that is there needs the columns. What it
    has of other models, versions, dates and entities stays.

    Args:
        url: SQLAlchemy URL of the database.
        table: its name, with a schema or without.
        model: whose scores they are.
        entity: what their keys' column is called.
    """

    def __init__(self, url: str, table: str, model: str, entity: str) -> None:
        found = _NAME.fullmatch(table)
        if found is None:
            message = f"--out {place_of(url)}: behind # stands the table's name, or schema.table: letters, digits and underscores"
            raise UserError(message)
        if entity == _MODEL:
            message = f"the entity is called {entity}, as is the table's column for the model's name: name a file behind --out"
            raise UserError(message)
        self._url, self._schema, self._table, self._model = url, found[1], found[2], model

    @property
    def place(self) -> str:
        """Host, port and database, and the table."""
        return f"{place_of(self._url)}#{self._name}"

    @property
    def _name(self) -> str:
        return f"{self._schema}.{self._table}" if self._schema else self._table

    @cached_property
    def _engine(self) -> Engine:
        try:
            waits = {"timeout": _SECONDS} if self._url.startswith("sqlite") else {"connect_timeout": _SECONDS}
            return create_engine(self._url, connect_args=waits)
        except UNUSABLE as error:
            raise self._error(error) from error

    def check(self) -> None:
        """Raise UserError or Unavailable where the database cannot be used."""
        with self._transaction() as connection:
            connection.execute(text("SELECT 1"))

    def publish(self, parts: Parts) -> None:
        """Delete what is there of these entities, of this model, version and date, and insert, in one transaction."""
        with self._transaction() as connection:
            if connection.dialect.name == "sqlite":  # whose driver begins a transaction at the first change alone
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            table = self._made(connection, parts.schema)
            if connection.dialect.name == "postgresql":  # a second run waits, and replaces what this one wrote
                connection.execute(text(f"LOCK TABLE {_quoted(connection, table)} IN SHARE ROW EXCLUSIVE MODE"))
            self._delete(connection, table, parts)
            for part in parts:
                insert(connection, table, part.add_column(0, _MODEL, pa.repeat(self._model, part.num_rows)))

    def _delete(self, connection: Connection, table: Table, parts: Parts) -> None:
        """Delete the scores that these entities have; the keys are brought to the database only where it has any of the run's."""
        first, entity = next(iter(parts)).slice(0, 1), parts.schema.names[0]
        of_run = [table.c[_MODEL] == self._model, *(table.c[name] == first[name][0].as_py() for name in (MODEL_VERSION, AS_OF))]
        if not connection.scalar(select(exists().where(*of_run))):
            return
        scored = Table(_SCORED, MetaData(), Column(entity, String(MAX_KEY)), prefixes=["TEMPORARY"], postgresql_on_commit="DROP")
        scored.create(connection)
        for part in parts:
            insert(connection, scored, part.select([entity]))
        connection.execute(delete(table).where(*of_run, table.c[entity].in_(select(scored.c[entity]))))

    def _made(self, connection: Connection, schema: pa.Schema) -> Table:
        """The table, which is made if need be. Raises Misconfigured where it lacks a column."""
        columns: list[Column[Any]] = [Column(_MODEL, String(63), nullable=False), *(_column(field) for field in schema)]
        table = Table(self._table, MetaData(), *columns, schema=self._schema)
        table.append_constraint(PrimaryKeyConstraint(_MODEL, MODEL_VERSION, AS_OF, schema.names[0]))
        there = inspect(connection)
        if not there.has_table(self._table, self._schema):
            table.create(connection)
            return table
        present = {column["name"] for column in there.get_columns(self._table, self._schema)}
        missing = sorted({column.name for column in columns} - present)
        if missing:
            message = (
                f"the table {self._name} at {place_of(self._url)} has no column {', '.join(missing)}: name one that has them, or "
                "one that is not there, which is then made"
            )
            raise Misconfigured(message)
        return table

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except FAILED as error:
            raise self._error(error) from error
        finally:
            if "_engine" in self.__dict__:
                self._engine.dispose()

    def _error(self, error: Exception) -> RatchetError:
        return sql_error(error, "the database for the scores", self._url, "--out", "cannot be used")


def _column(field: pa.Field) -> Column[Any]:
    if pa.types.is_date(field.type):
        return Column(field.name, Date, nullable=False)
    if pa.types.is_integer(field.type):
        return Column(field.name, BigInteger, nullable=False)
    return Column(field.name, Double if pa.types.is_floating(field.type) else String(MAX_KEY), nullable=False)


def _quoted(connection: Connection, table: Table) -> str:
    return connection.dialect.identifier_preparer.format_table(table)


def insert(connection: Connection, table: Table, part: pa.Table) -> None:
    """The rows of a part: by COPY where there is one, which takes a tenth of the time."""
    if connection.dialect.name != "postgresql":
        for start in range(0, part.num_rows, _ROWS):
            connection.execute(table.insert(), part.slice(start, _ROWS).to_pylist())
        return
    names = ", ".join(connection.dialect.identifier_preparer.quote(name) for name in part.column_names)
    into = f"COPY {_quoted(connection, table)} ({names}) FROM STDIN (FORMAT CSV)"
    with connection.connection.driver_connection.cursor() as cursor, cursor.copy(into) as copy:  # type: ignore[union-attr]  # psycopg's
        for start in range(0, part.num_rows, _ROWS):
            content = io.BytesIO()
            pa_csv.write_csv(part.slice(start, _ROWS), content, pa_csv.WriteOptions(include_header=False))
            copy.write(content.getvalue())

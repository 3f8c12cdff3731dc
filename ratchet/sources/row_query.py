"""The rows of an SQL query, to be scored: fetched as they come, in a transaction that may only read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import pyarrow as pa
from sqlalchemy import Connection, create_engine, event, text

from ratchet.clients.sql_errors import FAILED, UNUSABLE, sql_error
from ratchet.core.address import place_of
from ratchet.core.errors import DataError, RatchetError
from ratchet.project.file import Project
from ratchet.scores.port import BATCH, Batch, Read
from ratchet.sources.row_checks import RowChecks

_AS_OF = re.compile(r"(?<!:):as_of\b")
_SECONDS = 10


class QueryRows:
    """Implements `ratchet.scores.port.Rows`.

    Args:
        url: SQLAlchemy URL of the database.
        query: one SELECT; `:as_of` in it is the date.
        project: says what the columns may hold.
        as_of: the date that they describe.
    """

    proven = False
    total = None

    def __init__(self, url: str, query: str, project: Project, as_of: date) -> None:
        self._url, self._query, self._as_of = url, query, as_of
        self._checks = RowChecks(project, "query", as_of)

    @property
    def name(self) -> str:
        """Where the database is."""
        return f"the query at {place_of(self._url)}"

    @property
    def as_of(self) -> date:
        """As it was given."""
        return self._as_of

    def identity(self) -> str:
        """None: what a query gives next time is not known."""
        return ""

    def batches(self, features: Sequence[str], start: int) -> Iterator[Read]:
        """Rows with the key and these features. Raises DataError, UserError or Unavailable."""
        if start:
            message = "a query cannot be taken up in its middle"
            raise ValueError(message)
        try:
            sqlite = self._url.startswith("sqlite")
            engine = create_engine(self._url, connect_args={"timeout" if sqlite else "connect_timeout": _SECONDS})
            if sqlite:
                event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))
        except UNUSABLE as error:
            raise self._error(error) from error
        try:
            with engine.connect() as connection:
                yield from self._fetched(connection, features)
        except FAILED as error:
            raise self._error(error) from error
        finally:
            engine.dispose()

    def _fetched(self, connection: Connection, features: Sequence[str]) -> Iterator[Read]:
        if connection.dialect.name == "postgresql":
            connection.execution_options(postgresql_readonly=True)
        as_of = self._as_of.isoformat() if connection.dialect.name == "sqlite" else self._as_of  # which keeps dates as text
        query, given = text(self._query), {"as_of": as_of} if _AS_OF.search(self._query) else {}
        with connection.execution_options(stream_results=True, yield_per=BATCH).execute(query, given) as result:
            if not result.returns_rows:
                message = f"{self.name} gives no rows: name a SELECT by --query"
                raise DataError(message)
            names, first = list(result.keys()), 0
            headers = self._checks.headers(features, names)
            at = {name: names.index(header) for name, header in headers.items()}
            for part in result.partitions(BATCH):
                yield self._typed({name: self._column(name, [row[k] for row in part]) for name, k in at.items()}, features, first)
                first += len(part)

    def _column(self, name: str, values: list[object]) -> pa.Array:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            message = f"query.{name}: its values are not of one type ({' '.join(str(error).split())[:120]}): CAST it in the query"
            raise DataError(message) from error

    def _typed(self, raw: Mapping[str, pa.Array | pa.ChunkedArray], features: Sequence[str], start: int) -> Read:
        def typed() -> Batch:
            return self._checks.batch(raw, features, start)

        return typed

    def judged(self, seen: Mapping[str, int], rows: int) -> list[str]:
        """As `RowChecks`."""
        return self._checks.judged(seen, rows)

    def _error(self, error: Exception) -> RatchetError:
        return sql_error(error, "the database", self._url, "the address", "cannot be used")

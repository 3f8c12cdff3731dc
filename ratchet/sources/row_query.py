"""The rows of an SQL query, to be scored: fetched as they come, in a transaction that may only read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import islice

from ratchet.core.address import place_of
from ratchet.project.file import Project
from ratchet.scores.port import BATCH, Read
from ratchet.sources.prepare import prepared_batch
from ratchet.sources.row_checks import RowChecks
from ratchet.sources.sql_reading import AS_OF, Database
from ratchet.sources.sql_rows import ROWS, to_arrow

NAME = "--query"
_ASKS = re.compile(rf"(?<![:\\]):{AS_OF}\b")


class QueryRows:
    """Implements `ratchet.scores.port.Rows`.

    Args:
        url: SQLAlchemy URL of the database.
        query: one SELECT; `:as_of` in it is the date.
        project: says what the columns may hold.
        as_of: the date that they describe.
        seconds: that the query may take.
    """

    proven = False
    total = None

    def __init__(self, url: str, query: str, project: Project, as_of: date, seconds: float) -> None:
        self._database, self._query, self._as_of = Database(url, "the address", seconds), query, as_of
        self._project = project
        self._place, self._checks = place_of(url), RowChecks(project, NAME, as_of)

    @property
    def name(self) -> str:
        """Where the database is."""
        return f"{NAME} at {self._place}"

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
        with self._database.reading() as reader, reader.apart():
            needs_date = bool(_ASKS.search(self._query))
            names, chunks = reader.rows(self._query, NAME, self._as_of, needs_date=needs_date)
            code, first = self._project.own_code, 0
            headers = {name: name for name in names} if code else self._checks.headers(features, names)
            at = {name: names.index(header) for name, header in headers.items()}
            while (raw := to_arrow(islice(chunks, max(1, BATCH // ROWS)), NAME, at)).num_rows:
                found = {name: raw.column(name) for name in at}
                if code:
                    made = prepared_batch(self._project, self._as_of, raw)
                    found = {
                        name: made.column(header) for name, header in self._checks.headers(features, made.column_names).items()
                    }
                yield partial(self._checks.batch, found, features, first)
                first += raw.num_rows

    def judged(self, seen: Mapping[str, int], rows: int) -> list[str]:
        """As `RowChecks`."""
        return self._checks.judged(seen, rows)

"""Raw snapshots of a database: a query a table, of the rows that were so on a date, and one query for the dates that there are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, time

import pyarrow as pa

from ratchet.core.address import place_of
from ratchet.core.errors import DataError, ProjectError
from ratchet.project.file import Project
from ratchet.sources.checked_tables import Checked, Delivered, RawSnapshot, check_tables
from ratchet.sources.prepare import prepared
from ratchet.sources.problems import Problem, TableError
from ratchet.sources.sql_reading import AS_OF, Database, Reader
from ratchet.sources.sql_rows import to_arrow
from ratchet.sources.which_tables import headers_of, may_be_missing

_MOST_DATES = 100_000


class SqlSource:
    """Implements port.Source. A snapshot's name is its date.

    Args:
        url: SQLAlchemy's, of whatever database has a driver installed.
        project: says what to expect, and has the queries.
        variable: the setting or option that the URL came from, for messages.
        seconds: that one query may take.
    """

    def __init__(self, url: str, project: Project, variable: str, seconds: float = 900.0) -> None:
        self._database, self._project, self._place = Database(url, variable, seconds), project, place_of(url)

    def by_date(self) -> list[str]:
        """The dates that `snapshot_query` gives, oldest first. Raises ProjectError without one, DataError when it gives none."""
        with self._database.reading() as reader:
            return self._dates(reader)

    def newest(self) -> str:
        """The last of them."""
        return self.by_date()[-1]

    def has_labels(self, name: str) -> bool:
        """Whether the label's query gives a row of that date with a label in it."""
        return self._labels(name) > 0

    def fingerprint(self, name: str) -> str:
        """Over how many rows each table has on that date, and how many labels: a value that is changed in place is not seen."""
        queries = self._queries()
        with self._database.reading() as reader:
            as_of = self._as_of(reader, name)
            counts = [reader.counts(query, table, as_of, self._label_of(table)) for table, query in queries.items()]
        return _digest((name, counts))

    def labels_fingerprint(self, name: str) -> str:
        """As `fingerprint`, of the labels alone; empty where there are none."""
        labels = self._labels(name)
        return _digest((name, labels)) if labels else ""

    def marked(self, name: str, marker: str) -> bool | None:  # noqa: ARG002 - the port's signature
        """None: a database has no files that mark an upload's end."""
        return None

    def check(self, name: str) -> list[Problem]:
        """Everything that is wrong with a snapshot's tables; empty when it can be ingested."""
        return self.examine(name)[0]

    def examine(self, name: str) -> tuple[list[Problem], list[str], list[str]]:
        """As `check`, what is taken in that does not fit, and the entities of the snapshot as far as they can be read."""
        checked = self._checked(name)
        return checked.problems, checked.notes, checked.entities(self._project)

    def read(self, name: str) -> RawSnapshot:
        """Read a snapshot, all of it valid. Raises DataError with the first problem and the number of others."""
        return self._checked(name).snapshot(self._project, name, self._project.date_of(name))

    def _checked(self, name: str) -> Checked:
        delivered: dict[str, Delivered] = {}
        problems: list[Problem] = []
        queries = self._queries()
        with self._database.reading() as reader:  # one transaction: the tables are as of one moment
            as_of = self._as_of(reader, name)
            for table, query in queries.items():
                try:
                    with reader.apart():
                        content = self._read(reader, table, query, as_of)
                    if content is not None:
                        delivered[table] = Delivered(content, f"the query of {table}")
                except TableError as error:
                    problems.append(error.problem)
        delivered = prepared(self._project, as_of, delivered, problems)
        return check_tables(self._project, as_of, delivered, problems)

    def _read(self, reader: Reader, table: str, query: str, as_of: date) -> pa.Table | None:
        """The table; None where it has no rows and need not have any. Raises TableError."""
        names, chunks = reader.rows(query, table, as_of)
        wanted = headers_of(self._project, table)
        if self._project.own_code:  # which may use what ratchet.yaml does not name
            wanted = list(dict.fromkeys([*wanted, *names]))
        twice = [name for name in wanted if names.count(name) > 1]
        if twice:
            raise TableError(Problem(table, twice[0], f"the column is there {names.count(twice[0])} times"))
        found = {name: names.index(name) for name in wanted if name in names}
        content = to_arrow(chunks, table, found)
        if content.num_rows or not found:  # what it lacks is said by the check
            return content
        if may_be_missing(self._project, table):
            return None
        raise TableError(Problem(table, "", f"its query gives no row of {as_of}"))

    def _labels(self, name: str) -> int:
        table, query = self._project.label.table, self._queries()[self._project.label.table]
        with self._database.reading() as reader:
            return reader.counts(query, table, self._as_of(reader, name), self._project.label.column)[1]

    def _label_of(self, table: str) -> str | None:
        return self._project.label.column if table == self._project.label.table else None

    def _queries(self) -> dict[str, str]:
        """Each table's query. Raises ProjectError when one has none."""
        found = {table: self._project.table(table).query for table in self._project.tables}
        for table, query in found.items():
            if query is None:
                form = f"{{name: {table}, query: …}}, a query of the rows of :{AS_OF}"
                message = f"{self._place} is a database, and ratchet.yaml has no query of {table}: write it as {form}"
                raise ProjectError(message)
        return {table: query for table, query in found.items() if query is not None}

    def _dates(self, reader: Reader) -> list[str]:
        if self._project.snapshot_query is None:
            message = f"{self._place} is a database, and ratchet.yaml has no `snapshot_query:`, which gives the snapshots' dates"
            raise ProjectError(message)
        found = reader.dates(self._project.snapshot_query, _MOST_DATES + 1)
        if len(found) > _MOST_DATES:
            asked = "a date a snapshot is asked for, as SELECT DISTINCT gives them"
            message = f"snapshot_query gives more than {_MOST_DATES:,} rows: {asked}"
            raise DataError(message)
        cells = [cell for cell in found if cell is not None]
        if not cells:
            message = f"snapshot_query gives no date: there is no snapshot in {self._place}"
            raise DataError(message)
        return sorted({_day(cell).isoformat() for cell in cells})

    def _as_of(self, reader: Reader, name: str) -> date:
        """The snapshot's date. Raises DataError when there is none of that name."""
        names = self._dates(reader)
        if name not in names:
            message = f"there is no snapshot {name} in {self._place} (there: {', '.join(names[-5:])})"
            raise DataError(message)
        return date.fromisoformat(name)


def _day(cell: object) -> date:
    """A date as a database gives it. Raises DataError when it is none."""
    try:
        found = cell if isinstance(cell, date) else datetime.fromisoformat(str(cell))
    except ValueError as error:
        message = f"snapshot_query gives {str(cell)[:40]!r}, which is no date (as 2024-01-31)"
        raise DataError(message) from error
    if isinstance(found, datetime) and found.time() != time(0):
        message = f"snapshot_query gives {str(cell)[:40]!r}: a snapshot has a date and no time of day, cast it to one"
        raise DataError(message)
    return found.date() if isinstance(found, datetime) else found


def _digest(found: Sequence[object]) -> str:
    return hashlib.sha256(repr(found).encode()).hexdigest()

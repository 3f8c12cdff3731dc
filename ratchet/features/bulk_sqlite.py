"""Feast's online store on SQLite, written some thousand entities a transaction by one statement an entity.

The rows are those of Feast's own `online_write_batch`, which executes a statement of six bound values for each. A transaction holds
whole entities, so a reader finds an entity's old row or its new one; SQLite takes what a transaction has written out of its journal
(WAL) before the next, which keeps that small.

Feast's table has its rows beside the primary key and a second index of the same keys. `make_table` makes one whose rows lie in the
primary key (WITHOUT ROWID) before Feast does: half the file, one tree to write instead of three. Feast reads and writes both alike.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from operator import itemgetter
from pathlib import Path
from typing import Any

from ratchet.features.bulk_rows import Rows

_FEATURES = 400  # a statement: two variables each, of the 32,766 that SQLite takes
_SECONDS = 30.0  # that a lock of another's is waited for
_CACHE_KIB = 65_536


def make_table(path: Path, table: str) -> None:
    """Make Feast's table and the name of its index, unless they are there. Raises what sqlite3 raises."""
    name, index = _identifier(table), _identifier(f"{table}_ek")
    with closing(sqlite3.connect(path)) as connection, connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            return
        connection.execute(
            f"CREATE TABLE {name} (entity_key BLOB, feature_name TEXT, value BLOB, value_text TEXT, vector_value BLOB, "
            "event_ts timestamp, created_ts timestamp, PRIMARY KEY(entity_key, feature_name)) WITHOUT ROWID"
        )
        connection.execute(f"CREATE INDEX {index} ON {name} (entity_key) WHERE 0")  # of no row: Feast makes none of that name


def write(path: Path, table: str, pieces: Iterable[Rows]) -> None:
    """Put the rows into the table, over those that are there. Raises what sqlite3 raises; what was written before stays."""
    # whoever closes an unfinished transaction's connection undoes it
    with closing(sqlite3.connect(path, timeout=_SECONDS, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        for rows in pieces:
            connection.execute("BEGIN IMMEDIATE")
            for start in range(0, len(rows.columns), _FEATURES):
                some = rows.columns[start : start + _FEATURES]
                # Feast's adapter of datetimes takes one without a zone as local time
                statement = _statement(table, [feature for feature, _ in some], int(rows.moment.timestamp()))
                cells = [column.spread(part) for _, column in some for part in (column.different.values, column.different.texts)]
                connection.executemany(statement, _in_order(rows.keys, cells))
            connection.execute("COMMIT")


def _in_order(keys: Sequence[bytes], cells: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    """Key and cells of each entity, in the order of the table's pages."""
    return iter(sorted(zip(keys, *cells, strict=True), key=itemgetter(0)))


def _statement(table: str, features: Sequence[str], moment: int) -> str:
    """The insertion of one entity's features: ?1 is its key, then value and text of each."""
    rows = ", ".join(
        f"(?1, {_literal(feature)}, ?{2 * at + 2}, ?{2 * at + 3}, {moment}, NULL)" for at, feature in enumerate(features)
    )
    columns = ("value", "value_text", "event_ts", "created_ts")
    return (
        f"INSERT INTO {_identifier(table)} (entity_key, feature_name, {', '.join(columns)}) VALUES {rows} "  # noqa: S608 - quoted
        f"ON CONFLICT(entity_key, feature_name) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in columns)}"
    )


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

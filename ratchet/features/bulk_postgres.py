"""Feast's online store on PostgreSQL, filled by COPY in one transaction.

A month replaces nearly every row, and replacing a row costs PostgreSQL a dead one and an entry in each index. So the month is
copied into a new table, whose index is built once; what the month does not have is brought over from the old one, and the new table
takes its name and rights (bulk_swap.py). Who reads meanwhile reads the old table, and from one moment on the new one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, groupby
from typing import Any

import psycopg

from ratchet.features.bulk_rows import Rows
from ratchet.features.bulk_swap import Target, find, make, make_staging, take
from ratchet.features.bulk_values import Cells

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension (PostgreSQL's manual, COPY, "Binary Format")
_TRAILER = b"\xff\xff"
_COLUMNS = ("entity_key", "value", "value_text", "feature_name", "event_ts")
_NO_TEXT = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - COPY counts a moment from here, in UTC, whatever the session's zone is


def make_table(connection: psycopg.Connection, table: str) -> None:
    """Make Feast's table without the two indexes that no look-up needs, unless it is there. Raises what psycopg raises."""
    with connection.transaction(), connection.cursor() as cursor:
        make(cursor, table)


def write(connection: psycopg.Connection, table: str, pieces: Iterable[Rows]) -> None:
    """Put the rows into the table, over those that are there; all of them or, when something is raised, none.

    Raises what psycopg raises and what `pieces` raises.
    """
    target: Target | None = None
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL client_encoding = 'UTF8'")
        cursor.execute("SET LOCAL statement_timeout = 0")  # a role's is meant for look-ups; a month is one COPY
        for moment, some in groupby(pieces, key=lambda rows: rows.moment):
            if target is None:
                target = find(cursor, table)
                make_staging(cursor, target)
            moment_bytes = _moment(moment)
            with cursor.copy(target.copy_into(_COLUMNS)) as copy:
                copy.write(_HEADER)
                for rows in some:
                    copy.write(b"".join(_stream(rows, moment_bytes)))
                copy.write(_TRAILER)
        if target is not None:
            take(cursor, target)


def _moment(moment: datetime) -> bytes:
    """Feast sends it without a zone, and where the session's is not UTC the server takes it for one of there: a day too early."""
    return struct.pack(">iq", 8, (moment - _EPOCH) // timedelta(microseconds=1))


def _stream(rows: Rows, moment: bytes) -> Iterator[bytes]:
    """The rows in COPY's binary form, an entity's features one after the other: they come to lie on one page."""
    heads = [struct.pack(">hi", len(_COLUMNS), len(key)) + key for key in rows.keys]
    columns: list[Sequence[Any]] = []
    for feature, column in rows.columns:
        name = feature.encode()
        tail = struct.pack(">i", len(name)) + name + moment
        columns += [heads, column.spread(_fields(column.different, tail))]
    return chain.from_iterable(zip(*columns, strict=True))


def _fields(cells: Cells, tail: bytes) -> list[bytes]:
    """Value, text and what follows them, of each cell."""
    return [
        len(value).to_bytes(4) + value + (_NO_TEXT if text is None else len(encoded := text.encode()).to_bytes(4) + encoded) + tail
        for value, text in zip(cells.values, cells.texts, strict=True)
    ]

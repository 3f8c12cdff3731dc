"""Answers as rows of the request log, and how many there were in each minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import chain
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, func, select

from ratchet.core.schema import LoggedAnswer
from ratchet.requests.tables import ANSWERS, COUNTS, MINUTE, floor, insert_into
from ratchet.requests.volume import Volume, empty_volume

_FIELDS = tuple(field.name for field in fields(LoggedAnswer))
_VALUES = attrgetter(*_FIELDS)
_ROW = f"({', '.join('?' * len(_FIELDS))})"
_ROWS = 150  # a statement, of six parameters each
_KEYS = 500  # bound parameters a statement: SQLite allowed 999 until 3.32


def store(connection: Connection, rows: Sequence[LoggedAnswer]) -> bool:
    """Insert answers and count them; False when some of them are there already, and then the transaction must be rolled back."""
    if connection.dialect.name == "sqlite":
        pieces = [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)]
        inserted = sum(_store_in_one(connection, piece) for piece in pieces)
    else:
        values = [{name: getattr(row, name) for name in _FIELDS} for row in rows]  # not asdict, which copies deep
        statement = insert_into(connection, ANSWERS).on_conflict_do_nothing().returning(ANSWERS.c.prediction_id)
        inserted = len(connection.scalars(statement, values).all())
    if inserted < len(rows):
        return False
    _count(connection, rows)
    return True


def _store_in_one(connection: Connection, rows: Sequence[LoggedAnswer]) -> int:
    """In one statement: Python's sqlite3 gives the interpreter away at each, and takes it back from who answers requests."""
    values = ", ".join([_ROW] * len(rows))
    statement = f"INSERT INTO {ANSWERS.name} ({', '.join(_FIELDS)}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608 - our names
    return connection.exec_driver_sql(statement, tuple(chain.from_iterable(map(_VALUES, rows)))).rowcount


def _count(connection: Connection, rows: Sequence[LoggedAnswer]) -> None:
    """After the answers, and in one order: two pods that write the same minutes wait for one another and never in a circle."""
    found = Counter((row.version, int(row.answered_at // MINUTE)) for row in rows)
    statement = insert_into(connection, COUNTS)
    statement = statement.on_conflict_do_update(
        index_elements=["version", "minute"], set_={"answers": COUNTS.c.answers + statement.excluded.answers}
    )
    connection.execute(statement, [{"version": v, "minute": m, "answers": n} for (v, m), n in sorted(found.items())])


def new(connection: Connection, rows: Sequence[LoggedAnswer]) -> list[LoggedAnswer]:
    """Those of `rows` that are not stored yet, each once."""
    each = {row.prediction_id: row for row in reversed(rows)}  # the first of several
    keys = list(each)
    for start in range(0, len(keys), _KEYS):
        known = select(ANSWERS.c.prediction_id).where(ANSWERS.c.prediction_id.in_(keys[start : start + _KEYS]))
        for key in connection.scalars(known):
            del each[key]
    return list(each.values())


def volume(connection: Connection, most: int) -> Volume:
    """All answers that were ever stored, by version in about `most` slots of time."""
    first, last = connection.execute(select(func.min(COUNTS.c.minute), func.max(COUNTS.c.minute))).one()
    if first is None:
        return Volume()
    found = empty_volume(first * MINUTE, last * MINUTE, most)
    if found.width < MINUTE:
        stored = connection.scalar(select(func.count()).select_from(ANSWERS))
        if stored == connection.scalar(select(func.sum(COUNTS.c.answers))):
            return _fine_volume(connection, most)
        found = Volume(first * MINUTE, MINUTE, last - first + 1)  # some were deleted since
    slot = ((COUNTS.c.minute - int(found.start // MINUTE)) // int(found.width // MINUTE)).label("slot")
    return _filled(found, connection, select(COUNTS.c.version, slot, func.sum(COUNTS.c.answers)).group_by(COUNTS.c.version, "slot"))


def _fine_volume(connection: Connection, most: int) -> Volume:
    """Of a log of some minutes, by its answers."""
    at = ANSWERS.c.answered_at
    first, last = connection.execute(select(func.min(at), func.max(at))).one()
    if first is None:
        return Volume()
    found = empty_volume(first, last, most)
    slot = floor(connection, (at - found.start) / found.width).label("slot")
    return _filled(found, connection, select(ANSWERS.c.version, slot, func.count()).group_by(ANSWERS.c.version, "slot"))


def _filled(found: Volume, connection: Connection, query: Select[Any]) -> Volume:
    counts: dict[int, list[int]] = {}
    for version, index, count in connection.execute(query):
        if 0 <= index < found.slots:  # else an answer that came between the two queries
            counts.setdefault(version, [0] * found.slots)[int(index)] = int(count)
    return replace(found, counts=dict(sorted(counts.items())))

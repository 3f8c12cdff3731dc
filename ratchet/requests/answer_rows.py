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
from ratchet.requests.tables import ANSWERS, COUNTS, MINUTE, counted, floor, insert_into
from ratchet.requests.volume import Volume, empty_volume

_FIELDS = tuple(field.name for field in fields(LoggedAnswer))
_STORED = tuple(name for name in _FIELDS if name != "posted")  # of an answer from stored features alone
_BOUND = 980  # parameters a statement
_KEYS = 500  # bound parameters a statement: SQLite allowed 999 until 3.32


def store(connection: Connection, model: str, rows: Sequence[LoggedAnswer]) -> bool:
    """Insert a model's answers and count them; False when some are there already, and then the transaction must be rolled back."""
    if connection.dialect.name == "sqlite":
        plain = [row for row in rows if row.posted is None]  # most, which need a parameter less
        inserted = _store_on_sqlite(connection, model, plain, _STORED)
        if len(plain) < len(rows):
            inserted += _store_on_sqlite(connection, model, [row for row in rows if row.posted is not None], _FIELDS)
    else:
        values = [
            {"model": model, **{name: getattr(row, name) for name in _FIELDS}} for row in rows
        ]  # not asdict, which copies deep
        statement = insert_into(connection, ANSWERS).on_conflict_do_nothing().returning(ANSWERS.c.prediction_id)
        inserted = len(connection.scalars(statement, values).all())
    if inserted < len(rows):
        return False
    _count(connection, model, rows)
    return True


def _store_on_sqlite(connection: Connection, model: str, rows: Sequence[LoggedAnswer], names: Sequence[str]) -> int:
    """In few statements: Python's sqlite3 gives the interpreter away at each, and takes it back from who answers requests."""
    inserted, values_of, at_once = 0, attrgetter(*names), _BOUND // (1 + len(names))
    row = f"({', '.join('?' * (1 + len(names)))})"
    for start in range(0, len(rows), at_once):
        piece = rows[start : start + at_once]
        values = ", ".join([row] * len(piece))
        statement = f"INSERT INTO {ANSWERS.name} (model, {', '.join(names)}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608 - our names
        inserted += connection.exec_driver_sql(
            statement, tuple(chain.from_iterable((model, *values_of(each)) for each in piece))
        ).rowcount
    return inserted


def _count(connection: Connection, model: str, rows: Sequence[LoggedAnswer]) -> None:
    """After the answers, and in one order: two pods that write the same minutes wait for one another and never in a circle."""
    found = Counter((row.version, int(row.answered_at // MINUTE)) for row in rows)
    statement = insert_into(connection, COUNTS)
    statement = statement.on_conflict_do_update(
        index_elements=["model", "version", "minute"], set_={"answers": COUNTS.c.answers + statement.excluded.answers}
    )
    each = sorted(found.items())
    connection.execute(statement, [{"model": model, "version": v, "minute": m, "answers": n} for (v, m), n in each])


def new(connection: Connection, model: str, rows: Sequence[LoggedAnswer]) -> list[LoggedAnswer]:
    """Those of a model's `rows` that are not stored yet, each once."""
    each = {row.prediction_id: row for row in reversed(rows)}  # the first of several
    keys = list(each)
    for start in range(0, len(keys), _KEYS):
        some = keys[start : start + _KEYS]
        known = select(ANSWERS.c.prediction_id).where(ANSWERS.c.model == model, ANSWERS.c.prediction_id.in_(some))
        for key in connection.scalars(known):
            del each[key]
    return list(each.values())


def volume(connection: Connection, models: Sequence[str], most: int) -> Volume:
    """All answers of the models that were ever stored, by version in about `most` slots of time."""
    counts = counted(models).c
    first, last, total = connection.execute(
        select(func.min(counts.minute), func.max(counts.minute), func.sum(counts.answers))
    ).one()
    if first is None:
        return Volume()
    found = empty_volume(first * MINUTE, last * MINUTE, most)
    if found.width < MINUTE:
        if total == connection.scalar(select(func.count()).select_from(ANSWERS).where(ANSWERS.c.model.in_(models))):
            return _fine_volume(connection, models, most)
        found = Volume(first * MINUTE, MINUTE, last - first + 1)  # some were deleted since
    slot = ((counts.minute - int(found.start // MINUTE)) // int(found.width // MINUTE)).label("slot")
    return _filled(found, connection, select(counts.version, slot, func.sum(counts.answers)).group_by(counts.version, "slot"))


def _fine_volume(connection: Connection, models: Sequence[str], most: int) -> Volume:
    """Of a log of some minutes, by its answers."""
    at, theirs = ANSWERS.c.answered_at, ANSWERS.c.model.in_(models)
    first, last = connection.execute(select(func.min(at), func.max(at)).where(theirs)).one()
    if first is None:
        return Volume()
    found = empty_volume(first, last, most)
    slot = floor(connection, (at - found.start) / found.width).label("slot")
    query = select(ANSWERS.c.version, slot, func.count()).where(theirs).group_by(ANSWERS.c.version, "slot")
    return _filled(found, connection, query)


def _filled(found: Volume, connection: Connection, query: Select[Any]) -> Volume:
    counts: dict[int, list[int]] = {}
    for version, index, count in connection.execute(query):
        if 0 <= index < found.slots:  # else an answer that came between the two queries
            counts.setdefault(version, [0] * found.slots)[int(index)] = int(count)
    return replace(found, counts=dict(sorted(counts.items())))

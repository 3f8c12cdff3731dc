"""The request log in SQL: answers that were given and the labels that came later (SQLite in WAL mode, or Postgres)."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import cached_property
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Double,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    cast,
    create_engine,
    delete,
    event,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from components.adapters.label_rows import LabelRow, label_rows
from components.core.errors import Unavailable, UserError
from components.core.live import LabelledAnswers
from components.core.ports import JoinReport
from components.core.schema import Columns, LoggedAnswer
from components.core.volume import Volume, empty_volume

_METADATA = MetaData()
_ANSWERS = Table(
    "answers",
    _METADATA,
    Column("prediction_id", String(64), primary_key=True),
    Column("entity", String(256), nullable=False),
    Column("version", Integer, nullable=False),
    Column("probability", Double, nullable=False),
    Column("features_hash", String(64), nullable=False),
    Column("answered_at", Double, nullable=False),  # seconds since the epoch
)
_LABELS = Table(
    "answer_labels",
    _METADATA,
    Column("prediction_id", ForeignKey("answers.prediction_id", ondelete="CASCADE"), primary_key=True),
    Column("label", Integer, nullable=False),
    Column("observed_at", Double, nullable=True),
    Column("by_entity", Boolean, nullable=False),
)
_BY_ENTITY = Index("answers_by_entity", _ANSWERS.c.entity, _ANSWERS.c.version, _ANSWERS.c.answered_at)
_CREATION_LOCK = 7_236_842  # any number that nobody else locks by
_CONNECT_SECONDS = 5
_FIELDS = tuple(field.name for field in fields(LoggedAnswer))
_VALUES = attrgetter(*_FIELDS)
_ROW = f"({', '.join('?' * len(_FIELDS))})"
_ROWS = 150  # a statement, of six parameters each
_CHUNK = 500  # bound parameters a statement: SQLite allowed 999 until 3.32


class SqlRequestLog:
    """The request log behind an SQLAlchemy URL.

    Args:
        url: SQLAlchemy URL; an SQLite file and its folder are made on first use.
    """

    def __init__(self, url: str) -> None:
        self._given = url

    @cached_property
    def _url(self) -> URL:
        return make_url(self._given)

    @property
    def _where(self) -> str:
        return f"the request log at {self._given.split('@')[-1]}"  # never the password

    @cached_property
    def _engine(self) -> Engine:
        sqlite = self._url.get_backend_name() == "sqlite"
        if sqlite and self._url.database and self._url.database != ":memory:":
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            self._url, pool_pre_ping=not sqlite, connect_args={} if sqlite else {"connect_timeout": _CONNECT_SECONDS}
        )
        weakref.finalize(self, engine.dispose)
        if sqlite:
            event.listen(engine, "connect", _sqlite_pragmas)
        with engine.begin() as connection:
            if not sqlite:  # two pods that start at once: IF NOT EXISTS does not keep one of them from failing
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_CREATION_LOCK})")
            for table in _METADATA.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))
            connection.execute(CreateIndex(_BY_ENTITY, if_not_exists=True))
        return engine

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            message = f"RATCHET_REQUESTS_URL is not usable ({type(error).__name__}): it is sqlite:///file or postgresql+psycopg://…"
            raise UserError(message) from error
        except (SQLAlchemyError, OSError) as error:
            cause = getattr(error, "strerror", None) or str(getattr(error, "orig", None) or error).splitlines()[0]
            message = f"{self._where} cannot be used ({cause}): check it and RATCHET_REQUESTS_URL"
            raise Unavailable(message) from error

    def append(self, rows: Sequence[LoggedAnswer]) -> None:
        """Store answers; one that is stored already (a retried write) stays as it is."""
        if not rows:
            return
        with self._transaction() as connection:
            if self._engine.dialect.name == "sqlite":
                for start in range(0, len(rows), _ROWS):
                    _append(connection, rows[start : start + _ROWS])
            else:
                values = [{name: getattr(row, name) for name in _FIELDS} for row in rows]  # not asdict, which copies deep
                connection.execute(self._insert(_ANSWERS).on_conflict_do_nothing(), values)

    def join(self, labels: Columns) -> JoinReport:
        """Join labels to the answers they are about.

        A label with `prediction_id` belongs to that answer. A label with `entity` alone belongs to the entity's latest answer of
        each version, at or before `observed_at` and to the features of `features_hash` when these are given; a label by prediction
        id outranks one by entity. The same labels again change nothing, a changed label replaces the one before it.

        Args:
            labels: columns `label` (0 or 1), `prediction_id` or `entity` or both, and optionally `observed_at` (seconds since the
                epoch, or ISO text; no zone means UTC, a date without a time the end of that day).

        Raises:
            DataError: a column is missing or a cell cannot be read; nothing is stored then.
        """
        rows = label_rows(labels)
        direct = [row for row in rows if row.prediction_id]
        by_entity = [row for row in rows if not row.prediction_id]
        with self._transaction() as connection:
            joined_direct = self._join_direct(connection, direct)
            joined, unmatched = self._join_by_entity(connection, by_entity)
        unknown = len(direct) - joined_direct + unmatched
        return JoinReport(joined=joined_direct + joined, unknown=unknown)

    def _join_direct(self, connection: Connection, rows: list[LabelRow]) -> int:
        joined = 0
        for chunk in _chunks(rows):
            wanted = {row.prediction_id for row in chunk}
            known = set(connection.scalars(select(_ANSWERS.c.prediction_id).where(_ANSWERS.c.prediction_id.in_(wanted))))
            found = [row for row in chunk if row.prediction_id in known]
            self._upsert(connection, {row.prediction_id: row for row in found}, by_entity=False)
            joined += len(found)
        return joined

    def _join_by_entity(self, connection: Connection, rows: list[LabelRow]) -> tuple[int, int]:
        joined = unmatched = 0
        for chunk in _chunks(rows):
            entities = {row.entity for row in chunk}
            columns = (
                _ANSWERS.c.entity,
                _ANSWERS.c.version,
                _ANSWERS.c.answered_at,
                _ANSWERS.c.features_hash,
                _ANSWERS.c.prediction_id,
            )
            answers = connection.execute(
                select(*columns).where(_ANSWERS.c.entity.in_(entities)).order_by(_ANSWERS.c.answered_at, _ANSWERS.c.prediction_id)
            ).all()
            given: dict[str, list[tuple[int, float, str, str]]] = {}
            for entity, *answer in answers:
                given.setdefault(entity, []).append(tuple(answer))
            targets: dict[str, LabelRow] = {}
            for row in chunk:
                until = np.inf if row.observed_at is None else row.observed_at
                latest = {
                    version: prediction_id
                    for version, at, features, prediction_id in given.get(row.entity, [])
                    if at <= until and row.features_hash in {"", features}
                }
                targets |= dict.fromkeys(latest.values(), row)
                joined += len(latest)
                unmatched += not latest
            self._forget(connection, chunk)
            outranked = set(
                connection.scalars(
                    select(_LABELS.c.prediction_id)
                    .join(_ANSWERS, _ANSWERS.c.prediction_id == _LABELS.c.prediction_id)
                    .where(_ANSWERS.c.entity.in_(entities), _LABELS.c.by_entity.is_(False))
                )
            )
            self._upsert(connection, {key: row for key, row in targets.items() if key not in outranked}, by_entity=True)
        return joined, unmatched

    def _forget(self, connection: Connection, rows: Sequence[LabelRow]) -> None:
        """Drop what the same labels (entity, time of observation) pointed at before: a later answer may be the latest now."""
        moments: dict[float | None, list[LabelRow]] = {}
        for row in rows:
            moments.setdefault(row.observed_at, []).append(row)
        for moment, same in moments.items():
            about = select(_ANSWERS.c.prediction_id).where(_ANSWERS.c.entity.in_({row.entity for row in same}))
            if hashes := {row.features_hash for row in same if row.features_hash}:
                about = about.where(_ANSWERS.c.features_hash.in_(hashes))  # another month's labels stay
            connection.execute(
                delete(_LABELS).where(
                    _LABELS.c.by_entity.is_(True),
                    _LABELS.c.prediction_id.in_(about),
                    _LABELS.c.observed_at.is_not_distinct_from(moment),
                )
            )

    def _upsert(self, connection: Connection, rows: Mapping[str, LabelRow], *, by_entity: bool) -> None:
        if not rows:
            return
        statement = self._insert(_LABELS)
        statement = statement.on_conflict_do_update(
            index_elements=["prediction_id"],
            set_={name: statement.excluded[name] for name in ("label", "observed_at", "by_entity")},
        )
        connection.execute(
            statement,
            [
                {"prediction_id": key, "label": row.label, "observed_at": row.observed_at, "by_entity": by_entity}
                for key, row in rows.items()
            ],
        )

    def _insert(self, table: Table) -> Any:
        return (sqlite_insert if self._engine.dialect.name == "sqlite" else postgres_insert)(table)

    def newest_labelled(self) -> Mapping[int, float]:
        """When the newest answer that has a label was given, by version, in seconds since the epoch; reads all that have one."""
        query = (
            select(_ANSWERS.c.version, func.max(_ANSWERS.c.answered_at))
            .join(_LABELS, _ANSWERS.c.prediction_id == _LABELS.c.prediction_id)
            .group_by(_ANSWERS.c.version)
        )
        with self._transaction() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def labelled(self, version: int | None = None) -> Mapping[int, LabelledAnswers]:
        """Labelled answers by version, in the order in which they were given."""
        query = (
            select(_ANSWERS.c.version, _ANSWERS.c.entity, _LABELS.c.label, _ANSWERS.c.probability)
            .join(_LABELS, _ANSWERS.c.prediction_id == _LABELS.c.prediction_id)
            .order_by(_ANSWERS.c.answered_at, _ANSWERS.c.prediction_id)
        )
        if version is not None:
            query = query.where(_ANSWERS.c.version == version)
        found: dict[int, list[tuple[str, int, float]]] = {}
        with self._transaction() as connection:
            for number, *answer in connection.execute(query):
                found.setdefault(number, []).append(tuple(answer))
        return {
            number: LabelledAnswers(
                entities=np.array([entity for entity, _, _ in rows], dtype=object),
                labels=np.array([label for _, label, _ in rows], dtype=np.int8),
                scores=np.array([probability for _, _, probability in rows], dtype=np.float64),
            )
            for number, rows in sorted(found.items())
        }

    def volume(self, most: int) -> Volume:
        """All answers by version in about `most` slots of time; reads the whole log."""
        at = _ANSWERS.c.answered_at
        with self._transaction() as connection:
            first, last = connection.execute(select(func.min(at), func.max(at))).one()
            if first is None:
                return Volume()
            found = empty_volume(first, last, most)
            place = (at - found.start) / found.width
            # a cast rounds on PostgreSQL, and SQLite may have been built without floor
            slot = (cast(place, Integer) if self._engine.dialect.name == "sqlite" else func.floor(place)).label("slot")
            rows = connection.execute(select(_ANSWERS.c.version, slot, func.count()).group_by(_ANSWERS.c.version, slot)).all()
        counts: dict[int, list[int]] = {}
        for version, index, count in rows:
            if 0 <= index < found.slots:  # else an answer that came between the two queries
                counts.setdefault(version, [0] * found.slots)[int(index)] = count
        return replace(found, counts=dict(sorted(counts.items())))


def _append(connection: Connection, rows: Sequence[LoggedAnswer]) -> None:
    """In one statement: Python's sqlite3 gives the interpreter away at each, and takes it back from who answers requests."""
    values = ", ".join([_ROW] * len(rows))
    statement = f"INSERT INTO {_ANSWERS.name} ({', '.join(_FIELDS)}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608 - our names
    connection.exec_driver_sql(statement, tuple(chain.from_iterable(map(_VALUES, rows))))


def _chunks(rows: list[LabelRow]) -> Iterator[list[LabelRow]]:
    return (rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK))


def _sqlite_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    # readers beside the serving processes' writers; a writer waits for another instead of failing; 32 MB of log between two
    # checkpoints, because the pages of the index by entity come again and again
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=8000", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

"""The request log's tables, and how a database with them is opened (SQLite in WAL mode, or PostgreSQL)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
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
    event,
    func,
    inspect,
    select,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL

MINUTE = 60.0  # seconds
_METADATA = MetaData()
ANSWERS = Table(
    "answers",
    _METADATA,
    Column("prediction_id", String(64), primary_key=True),
    Column("entity", String(256), nullable=False),
    Column("version", Integer, nullable=False),
    Column("probability", Double, nullable=False),
    Column("features_hash", String(64), nullable=False),
    Column("answered_at", Double, nullable=False),  # seconds since the epoch
)
LABELS = Table(
    "answer_labels",
    _METADATA,
    Column("prediction_id", ForeignKey("answers.prediction_id", ondelete="CASCADE"), primary_key=True),
    Column("label", Integer, nullable=False),
    Column("observed_at", Double, nullable=True),
    Column("by_entity", Boolean, nullable=False),
)
# what the answers of each minute were, so that nobody has to count the whole log, nor to keep it
COUNTS = Table(
    "answer_counts",
    _METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("minute", Integer, primary_key=True, autoincrement=False),  # since the epoch
    Column("answers", Integer, nullable=False),
)
Index("answers_by_entity", ANSWERS.c.entity, ANSWERS.c.version, ANSWERS.c.answered_at)
_CREATION_LOCK = 7_236_842  # any number that nobody else locks by
_CONNECT_SECONDS = 5


def open_engine(url: URL) -> Engine:
    """An engine for a database with all tables; an SQLite file and its folder are made when absent.

    Raises what SQLAlchemy and the file system raise.
    """
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_pre_ping=not sqlite, connect_args={} if sqlite else {"connect_timeout": _CONNECT_SECONDS})
    if sqlite:
        event.listen(engine, "connect", _sqlite_pragmas)
    with engine.begin() as connection:
        if not inspect(connection).has_table(COUNTS.name):
            _create(connection)
    return engine


def _create(connection: Connection) -> None:
    """Make all tables, and count the answers of a log that is older than its counts; all or nothing, and once."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver itself opens no transaction for CREATE
    else:  # two pods that start at once: IF NOT EXISTS does not keep one of them from failing
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_CREATION_LOCK})")
    _METADATA.create_all(connection)
    minute = floor(connection, ANSWERS.c.answered_at / MINUTE).label("minute")
    counted = select(ANSWERS.c.version, minute, func.count()).group_by(ANSWERS.c.version, "minute")
    connection.execute(COUNTS.insert().from_select(["version", "minute", "answers"], counted))


def floor(connection: Connection, number: ColumnElement[Any]) -> ColumnElement[Any]:
    """The whole part of a number, none below 0: a cast rounds on PostgreSQL, and SQLite may have been built without floor."""
    return cast(number, Integer) if connection.dialect.name == "sqlite" else func.floor(number)


def insert_into(connection: Connection, table: Table) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return (sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert)(table)


def _sqlite_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    # readers beside the serving processes' writers; a writer waits for another instead of failing; 32 MB of log between two
    # checkpoints, because the pages of the index by entity come again and again
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=8000", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

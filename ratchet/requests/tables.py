"""The request log's tables, and how a database with them is opened (SQLite in WAL mode, or PostgreSQL)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Double,
    Engine,
    Integer,
    MetaData,
    String,
    Subquery,
    Table,
    Text,
    cast,
    create_engine,
    event,
    func,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL

from ratchet.clients.migrations import Tables, opened
from ratchet.clients.roles import PROMOTER, READER, SERVING, Rights

MINUTE = 60.0  # seconds
UNKNOWN = ""  # the entity of an answer to a request that brought its features and named nobody
UNNAMED = ""  # the model of what release 0.1 logged, which knew one alone
_METADATA = MetaData()
ANSWERS = Table(
    "answers",
    _METADATA,
    Column("model", String(63), primary_key=True),
    Column("prediction_id", String(64), primary_key=True),
    Column("entity", String(256), nullable=False),
    Column("version", Integer, nullable=False),
    Column("score", Double, nullable=False),
    Column("features_hash", String(64), nullable=False),
    Column("answered_at", Double, nullable=False),  # seconds since the epoch
    Column("posted", Text, nullable=True),  # JSON of the features that the request brought: {"features": {...}, "as_of": ...}
)
LABELS = Table(
    "answer_labels",
    _METADATA,
    Column("model", String(63), primary_key=True),
    Column("prediction_id", String(64), primary_key=True),
    Column("label", Integer, nullable=False),
    Column("observed_at", Double, nullable=True),
    Column("by_entity", Boolean, nullable=False),
)
ABOUT = (ANSWERS.c.model == LABELS.c.model) & (ANSWERS.c.prediction_id == LABELS.c.prediction_id)  # a label and its answer
# what the answers of each minute were, so that nobody has to count the whole log, nor to keep it
COUNTS = Table(
    "model_answer_counts",
    _METADATA,
    Column("model", String(63), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("minute", Integer, primary_key=True, autoincrement=False),  # since the epoch
    Column("answers", Integer, nullable=False),
)
UNNAMED_COUNTS = Table(  # likewise, of what names no model
    "answer_counts",
    _METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("answers", Integer, nullable=False),
)
TABLES = Tables(
    "the request log", Path(__file__).with_name("migrations"), ("0001", "0002", "0003", "0004"), "requests_revision", 7_236_842
)
_NAMES = tuple(table.name for table in _METADATA.sorted_tables)
_CHANGES = "SELECT, INSERT, UPDATE"
RIGHTS: Rights = {
    PROMOTER: {**dict.fromkeys(_NAMES, f"{_CHANGES}, DELETE"), "requests_revision": "SELECT"},
    READER: {**dict.fromkeys(_NAMES, "SELECT"), "requests_revision": "SELECT"},
    SERVING: {
        ANSWERS.name: "SELECT, INSERT",
        LABELS.name: "",
        COUNTS.name: _CHANGES,
        UNNAMED_COUNTS.name: "SELECT",
        "requests_revision": "SELECT",
    },
}
_CONNECT_SECONDS = 5


def open_engine(url: URL) -> Engine:
    """An engine for a database with all tables; an SQLite file and its folder are made when absent.

    Raises UserError when a newer release has changed the tables, and what SQLAlchemy and the file system raise.
    """
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_pre_ping=not sqlite, connect_args={} if sqlite else {"connect_timeout": _CONNECT_SECONDS})
    if sqlite:
        event.listen(engine, "connect", _sqlite_pragmas)
    return opened(engine, TABLES)


def counted(models: Sequence[str]) -> Subquery:
    """How many answers there were, by `version` and `minute`, of models among which may be the one without a name."""
    named = select(COUNTS.c.version, COUNTS.c.minute, COUNTS.c.answers).where(COUNTS.c.model.in_(models))
    if UNNAMED not in models:
        return named.subquery()
    older = UNNAMED_COUNTS.c
    return union_all(named, select(older.version, older.minute, older.answers)).subquery()


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
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=8000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

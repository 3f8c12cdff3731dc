"""The ledger's tables, and how a database with them is opened (SQLite, or PostgreSQL)."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, Text, create_engine
from sqlalchemy.engine import make_url

from ratchet.clients.migrations import Tables, opened
from ratchet.clients.roles import PROMOTER, READER, SERVING, Rights

_METADATA = MetaData()
RECORDS = Table(
    "ledger",
    _METADATA,
    Column("model", String(63), primary_key=True),  # empty in what release 0.1 recorded
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("key", String(200), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
CLAIM = Table(  # whose the records without a model are; no row while nobody has claimed them
    "ledger_claim",
    _METADATA,
    Column("chain", String(63), primary_key=True),
    Column("model", String(63), nullable=False),
)
_TABLES = Tables("the ledger", Path(__file__).with_name("migrations"), ("0001", "0002"), "ledger_revision", 7_236_841)
RIGHTS: Rights = {
    PROMOTER: {"ledger": "SELECT, INSERT", "ledger_claim": "SELECT, INSERT", "ledger_revision": "SELECT"},
    READER: {"ledger": "SELECT", "ledger_claim": "SELECT", "ledger_revision": "SELECT"},
    SERVING: {"ledger": "", "ledger_claim": "", "ledger_revision": ""},
}
_CONNECT_SECONDS = 5


def open_engine(url: str) -> Engine:
    """An engine for a database with all tables; an SQLite file and its folder are made when absent.

    Raises UserError when a newer release has changed the tables, and what SQLAlchemy and the file system raise.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed)
    else:  # a connection that a restart of the server has broken is replaced before it is used
        engine = create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": _CONNECT_SECONDS})
    return opened(engine, _TABLES)

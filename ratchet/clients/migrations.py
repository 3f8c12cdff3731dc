"""A database's tables, brought up to date by Alembic when they are behind; of several processes that start at once, one does it.

The revision is read by plain SQL first, and Alembic is imported only when something has to be changed: it takes 0.2 s, and a
process that serves has nothing to do with it.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ratchet.clients.brief_locks import changed, wait_briefly
from ratchet.core.errors import UserError

# Alembic keeps what it works on in globals of the process: of two threads with a database each, one would change the other's.
# It is taken before any lock that other processes know, and MLflow's own Alembic takes it too.
ONE_THREAD = threading.Lock()
_SQLITE_WAIT = 60_000  # milliseconds that a process waits for the one that changes the tables


@dataclass(frozen=True, slots=True)
class Tables:
    """One store's tables.

    Args:
        what: the store, for messages.
        folder: of Alembic's `env.py` and `versions`.
        revisions: all that this release knows, oldest first. One that only adds what older releases can do without says so by
            its name: `0005_for_0003` is used, unchanged, by every release that knows 0003.
        version_table: where the revision is noted; a name of its own, because MLflow's may lie in the same database.
        lock: a number that nobody else locks by.
    """

    what: str
    folder: Path
    revisions: tuple[str, ...]
    version_table: str
    lock: int


def opened(engine: Engine, tables: Tables) -> Engine:
    """The engine, with its database's tables brought up to date; disposed of when that fails. Raises as bring_up_to_date does."""
    with ExitStack() as failing:
        failing.callback(engine.dispose)
        bring_up_to_date(engine, tables)
        failing.pop_all()
    return engine


def bring_up_to_date(engine: Engine, tables: Tables) -> None:
    """Create or change the tables, all or nothing.

    Raises UserError when a newer release has changed them, Unavailable when others hold them for long, and what SQLAlchemy raises.
    """
    with engine.connect() as connection:
        if _is_current(connection, tables):
            return
    with ONE_THREAD:
        if engine.dialect.name == "sqlite":
            with engine.connect() as connection:
                _locked_on_sqlite(connection, tables)
            return
        changed(engine, tables.what, lambda connection: _locked_on_postgresql(connection, tables))


def _locked_on_postgresql(connection: Connection, tables: Tables) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({tables.lock})")  # for as long as another changes them
    wait_briefly(connection)
    if not _is_current(connection, tables):  # else another process was first
        _upgrade(connection, tables)


def _locked_on_sqlite(connection: Connection, tables: Tables) -> None:
    """As bring_up_to_date, under SQLite's lock; the driver itself opens no transaction for CREATE."""
    patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_SQLITE_WAIT}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if not _is_current(connection, tables):
            _upgrade(connection, tables)
        connection.commit()
    finally:
        connection.rollback()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")


def _is_current(connection: Connection, tables: Tables) -> bool:
    if not inspect(connection).has_table(tables.version_table):
        return False
    revision = connection.execute(text(f"SELECT version_num FROM {tables.version_table}")).scalar()  # noqa: S608 - our own name
    if revision is not None and revision not in tables.revisions:
        if revision.partition("_for_")[2] in tables.revisions:  # a newer release has added what this one can do without
            return True
        message = (
            f"{tables.what} was changed by a newer release (its tables are at revision {revision}, this release knows "
            f"{tables.revisions[-1]}): use that release, or restore a backup from before"
        )
        raise UserError(message)
    return bool(revision == tables.revisions[-1])


def _upgrade(connection: Connection, tables: Tables) -> None:
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection, "version_table": tables.version_table})
    config.set_main_option("script_location", str(tables.folder).replace("%", "%%"))
    command.upgrade(config, tables.revisions[-1])


def prepare(url: str) -> None:
    """Import what opening a database imports, driver and Alembic, where several threads would otherwise do it at once.

    Python's import locks find threads that wait for one another, and fail one. A URL that is none is left to who opens it.
    """
    for module in ("alembic.command", "alembic.config", "alembic.migration", "alembic.autogenerate"):
        import_module(module)
    with suppress(ArgumentError, ImportError):
        make_url(url).get_dialect().import_dbapi()


def run(context: Any) -> None:
    """What each `env.py` does: the revisions on the connection that is given, in its transaction.

    Args:
        context: `alembic.context`, which is only usable while Alembic runs.
    """
    given = context.config.attributes
    context.configure(connection=given["connection"], version_table=given["version_table"])
    with context.begin_transaction():
        context.run_migrations()

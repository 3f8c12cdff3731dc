"""A change of tables that others read all the time, which waits for no lock for longer than a second.

PostgreSQL lets whoever comes after a waiting change wait behind it: beside one long reader all the others would stand still. So a
change gives up, lets those pass, and is tried again, a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Callable
from time import sleep
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from ratchet.core.errors import Unavailable

T = TypeVar("T")

_WAIT_MS, _TRIES, _PAUSE = 1000, 20, 1.0  # the pause is in seconds
_IN_USE = ("55P03", "40P01")  # SQLSTATE: lock_not_available, deadlock_detected


def wait_briefly(connection: Connection) -> None:
    """Let no statement of this transaction wait for a lock for longer than `_WAIT_MS`."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_WAIT_MS}")


def changed(engine: Engine, what: str, change: Callable[[Connection], T]) -> T:
    """What `change` returns, done in a transaction of its own; it calls `wait_briefly` before it changes anything.

    Raises Unavailable where its tables are never free, and what `change` raises.

    Args:
        engine: of a PostgreSQL.
        what: the store, for the message.
        change: may be done several times, none of which but the last leaves anything.
    """
    last: OperationalError | None = None
    for _ in range(_TRIES):
        try:
            with engine.begin() as connection:
                return change(connection)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", "") not in _IN_USE:
                raise
            last = error
        sleep(_PAUSE)
    message = (
        f"the tables of {what} were never free in {_TRIES} tries and are as before: end what holds them (a dump, a long query, a "
        "transaction that is left open: see pg_stat_activity), and try again"
    )
    raise Unavailable(message) from last

"""What SQLAlchemy raises, as our errors: which database, what the matter is, and whether trying again helps.

By PEP 249's classes, by PostgreSQL's SQLSTATE where the server gave one, and by the server's words for what it refuses while a
connection is made, for which libpq passes no SQLSTATE on.
"""

from __future__ import annotations

import re

from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ratchet.clients.secrets import cause_of, scrubbed
from ratchet.core.address import AS_ESCAPED, place_of
from ratchet.core.errors import Misconfigured, PermanentError, RatchetError, Unavailable, UserError

UNUSABLE = (ArgumentError, NoSuchModuleError, ImportError, ValueError)
"""What SQLAlchemy raises for a URL before anything is asked; a ValueError for a port that is no number."""

FAILED = (SQLAlchemyError, OSError)
"""What may come of a database that is asked."""

_RIGHTS = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|permission denied|must be owner|is not permitted to log in"
    r"|Access denied",
    re.IGNORECASE,
)
_RIGHTS_STATES = ("28", "42501")  # invalid authorisation; insufficient privilege
_WRONG = re.compile(
    r"(database|role|schema|relation|table|column) .*does not exist|no such (table|column)|file is not a database|Unknown database"
    r"|malformed|invalid (connection|dsn|port|sslmode)|SSL was required|does not support SSL|certificate|invalid connection option"
    r"|missing \"=\"|readonly database|read-only|syntax error|one statement at a time|incomplete input",
    re.IGNORECASE,
)
_WRONG_STATES = (
    "3D",
    "3F",
    "42",
    "22",
    "25006",
    "0A",
)  # no such database, schema or table; a value or an act that it does not take
_AWAY_STATES = ("08", "40", "53", "55", "57", "58")  # connection, conflicting transactions, resources, operator, system


def sql_error(error: Exception, what: str, url: str, variable: str, away: str = "cannot be reached") -> RatchetError:
    """The error to raise from this one.

    Args:
        error: one of UNUSABLE or FAILED.
        what: the store, as "the ledger".
        url: its address, of which host, port and database are shown.
        variable: the setting that it comes from.
        away: what is said of a database that may be back later.
    """
    if isinstance(error, UNUSABLE):
        return Misconfigured(
            f"{variable} is not usable ({type(error).__name__}): it is sqlite:///file or postgresql+psycopg://…; {AS_ESCAPED}"
        )
    where, cause = f"{what} at {place_of(url)}", cause_of(error, url)
    kind = _kind(error, scrubbed(str(getattr(error, "orig", None) or error), url))
    if kind is Unavailable:
        return Unavailable(f"{where} {away} ({cause}): check it and {variable}")
    if kind is PermissionError:
        return Misconfigured(f"{where} refuses us ({cause}): check user, password and rights in {variable}")
    if kind is UserError:
        return Misconfigured(f"{where} cannot be used ({cause}): check it and {variable}")
    return PermanentError(f"{where} does not do what was asked ({type(error).__name__}: {cause}): its log may say more")


def _kind(error: Exception, text: str) -> type[Exception]:
    """Unavailable: it may be back later. PermissionError: we may not. UserError: address or database is wrong. Else a defect."""
    if isinstance(error, PermissionError | IsADirectoryError | NotADirectoryError | FileExistsError):
        return UserError
    if not isinstance(error, DBAPIError):
        return Unavailable if isinstance(error, PoolTimeout | DisconnectionError | OSError) else PermanentError
    state = str(getattr(error.orig, "sqlstate", None) or "")
    judged = (
        (state.startswith(_RIGHTS_STATES) or _RIGHTS.search(text), PermissionError),
        (state.startswith(_AWAY_STATES) or isinstance(error, IntegrityError) or error.connection_invalidated, Unavailable),
        (state.startswith(_WRONG_STATES) or _WRONG.search(text), UserError),
        (isinstance(error, OperationalError | InterfaceError), Unavailable),
    )
    return next((kind for holds, kind in judged if holds), PermanentError)

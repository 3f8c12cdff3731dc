"""Feast's online store on PostgreSQL: its settings from one URL, and the end of the connection that it keeps."""

from __future__ import annotations

import os
from typing import Any

import psycopg
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ratchet.core.address import AS_ESCAPED, BadAddress
from ratchet.core.errors import UserError
from ratchet.private_names import feasts_connection
from ratchet.project.addresses import postgres

_IDLE_SECONDS = 10  # after which the system asks a silent PostgreSQL whether it is still there


def bound_connecting() -> None:
    """Let no connection of this process be waited for longer than 3 s, unless the environment says so already.

    libpq's own default is to wait for ever, and Feast has no setting for it.
    """
    os.environ.setdefault("PGCONNECT_TIMEOUT", "3")


def parsed_url(url: str) -> URL:
    """The URL as SQLAlchemy has it. Raises UserError when it is none of a PostgreSQL's."""
    try:
        return make_url(postgres(url))
    except (ArgumentError, BadAddress) as error:
        message = (
            "RATCHET_ONLINE_URL is not postgresql+psycopg://user:password@host:port/database: mend it, or unset it for SQLite "
            f"({error if isinstance(error, BadAddress) else AS_ESCAPED})"
        )
        raise UserError(message) from error


def close(store: Any) -> None:
    """Close the connection that Feast's PostgreSQL store keeps and has no way to close; SQLite's closes itself."""
    connection = feasts_connection(store)
    if isinstance(connection, psycopg.Connection):
        connection.close()


def online_store(url: URL) -> dict[str, Any]:
    """Feast's settings of the store at that address."""
    return {
        "type": "postgres",
        "host": url.host,
        "port": url.port or 5432,
        "database": url.database,
        "user": url.username or "",
        "password": url.password or "",
        "sslmode": url.query.get("sslmode", "prefer"),
        "keepalives_idle": _IDLE_SECONDS,
    }

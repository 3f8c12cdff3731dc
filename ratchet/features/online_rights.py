"""Who may do what in the online store on PostgreSQL, given by its owner. Nothing here imports Feast."""

from __future__ import annotations

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from ratchet.clients.roles import give_online
from ratchet.clients.sql_errors import FAILED, UNUSABLE, sql_error


def give_online_rights(url: str) -> list[str]:
    """Give the roles their rights on what Feast keeps at that address; the roles that there are.

    Raises UserError for an address that is none, Unavailable or Misconfigured where the database refuses.
    """
    try:
        engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5})
        try:
            return give_online(engine)
        finally:
            engine.dispose()
    except (*UNUSABLE, *FAILED) as error:
        raise sql_error(error, "the online store", url, "RATCHET_ONLINE_URL") from error

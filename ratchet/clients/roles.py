"""Database roles with no more rights than their work needs. PostgreSQL only: an SQLite file is its owner's altogether.

The tables' owner changes them and gives the rights (`ratchet migrate`); nobody who runs or serves is the owner, so nobody of them
can take the ledger's trigger away.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Engine, text

PROMOTER, READER, SERVING = "ratchet_promoter", "ratchet_reader", "ratchet_serving"
Rights = Mapping[str, Mapping[str, str]]
"""By role, by table: the verbs of GRANT, empty for none."""


def give(engine: Engine, rights: Rights) -> list[str]:
    """Give each role that there is exactly these rights on these tables, by their owner. Returns the roles.

    Raises what SQLAlchemy raises.
    """
    if engine.dialect.name != "postgresql":
        return []
    with engine.begin() as connection:
        query = text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:names) ORDER BY rolname")
        present = list(connection.scalars(query, {"names": list(rights)}))
        for table in {table for tables in rights.values() for table in tables}:
            connection.exec_driver_sql(f"REVOKE ALL ON {table} FROM {', '.join(['PUBLIC', *present])}")
        for role in present:
            for table, verbs in rights[role].items():
                if verbs:
                    connection.exec_driver_sql(f"GRANT {verbs} ON {table} TO {role}")
    return present

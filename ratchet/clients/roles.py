"""Database roles with no more rights than their work needs. PostgreSQL only: an SQLite file is its owner's altogether.

The tables' owner changes them and gives the rights (`ratchet migrate`); nobody who runs or serves is the owner, so nobody of them
can take the ledger's trigger away. The online store is Feast's, which makes its tables as it loads them: they are the promoter's,
and whoever serves reads them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, Engine, text

from ratchet.clients.brief_locks import changed, wait_briefly

PROMOTER, READER, SERVING = "ratchet_promoter", "ratchet_reader", "ratchet_serving"
Rights = Mapping[str, Mapping[str, str]]
"""By role, by table: the verbs of GRANT, empty for none."""


_LOADED = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables AS t WHERE tableowner = current_user AND schemaname = 'public'
  AND (tablename = 'feature_loads' OR 3 = (SELECT count(*) FROM information_schema.columns AS c WHERE c.table_schema = t.schemaname
       AND c.table_name = t.tablename AND c.column_name IN ('entity_key', 'feature_name', 'event_ts')))
"""  # what was loaded when one role did everything


def give_online(engine: Engine) -> list[str]:
    """Let the promoter make and load Feast's tables and whoever serves read them, those of a release of one role too.

    By the database's owner, who is a member of the promoter's role. Returns the roles. Raises Unavailable when others hold the
    tables for long, and what SQLAlchemy raises.
    """
    if engine.dialect.name != "postgresql":
        return []
    return changed(engine, "the online store", _give_online)


def _give_online(connection: Connection) -> list[str]:
    wait_briefly(connection)
    present = _present(connection, (PROMOTER, SERVING))
    if PROMOTER not in present:
        return []
    connection.exec_driver_sql(f"GRANT USAGE, CREATE ON SCHEMA public TO {PROMOTER}")
    for table in connection.scalars(text(_LOADED)).all():
        connection.exec_driver_sql(f"ALTER TABLE {table} OWNER TO {PROMOTER}")
    if SERVING in present:
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {SERVING}")
        theirs = text("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE tableowner = :owner")
        for table in connection.scalars(theirs, {"owner": PROMOTER}).all():
            connection.exec_driver_sql(f"GRANT SELECT ON {table} TO {SERVING}")
        later = f"ALTER DEFAULT PRIVILEGES FOR ROLE {PROMOTER} IN SCHEMA public GRANT SELECT ON TABLES TO {SERVING}"
        connection.exec_driver_sql(later)
    return present


def _present(connection: Connection, names: Collection[str]) -> list[str]:
    query = text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:names) ORDER BY rolname")
    return list(connection.scalars(query, {"names": list(names)}))


def give(engine: Engine, rights: Rights, what: str) -> list[str]:
    """Give each role that there is exactly these rights on the tables of `what`, by their owner. Returns the roles.

    Raises Unavailable when others hold the tables for long, and what SQLAlchemy raises.
    """
    if engine.dialect.name != "postgresql":
        return []
    return changed(engine, what, lambda connection: _give(connection, rights))


def _give(connection: Connection, rights: Rights) -> list[str]:
    wait_briefly(connection)
    present = _present(connection, rights)
    if present:  # where PUBLIC may not
        database = connection.scalar(text("SELECT quote_ident(current_database())"))
        connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {database} TO {', '.join(present)}")
    for table in {table for tables in rights.values() for table in tables}:
        connection.exec_driver_sql(f"REVOKE ALL ON {table} FROM {', '.join(['PUBLIC', *present])}")
    for role in present:
        for table, verbs in rights[role].items():
            if verbs:
                connection.exec_driver_sql(f"GRANT {verbs} ON {table} TO {role}")
    return present

"""A new table that takes the place of Feast's on PostgreSQL, and what is done where it may not.

It may not where the table is another role's or something hangs on it (a view, a trigger, a policy, an index or a publication of
somebody's), and where a long reader keeps the name: a swap that waits would hold up all who come after it. Then the new rows are
put over the old ones in place: slower, to the same content.

Feast makes an index on the key, which the primary key's does as well, and one for full-text search over every value. No look-up
reads either, and they are most of what a load costs. Each new table has indexes of their names that hold no row, so that Feast,
which looks for the name, makes neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor, errors
from psycopg.sql import SQL, Composed, Identifier

_LONGEST = 63 - len("_load_pkey")  # bytes of a name, with what is added to it
_TRIES, _WAIT_MS = 3, 500
_UPDATED = ("value", "value_text", "vector_value", "event_ts", "created_ts")
_FIND = """
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner),
    c.relkind = 'r' AND c.relpersistence = 'p'
    AND NOT (c.relispartition OR c.relhastriggers OR c.relrowsecurity OR c.relhassubclass)
    AND pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE') AND octet_length(c.relname) <= %(longest)s
    AND c.reloptions IS NULL AND c.reltablespace = 0
    AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL)
    AND NOT EXISTS (SELECT FROM pg_publication_rel WHERE prrelid = c.oid)
    AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid)
    AND NOT EXISTS (SELECT FROM pg_depend WHERE refclassid = 'pg_class'::regclass AND refobjid = c.oid
        AND classid = 'pg_rewrite'::regclass)
    AND NOT EXISTS (SELECT FROM pg_index JOIN pg_class i ON i.oid = indexrelid WHERE indrelid = c.oid
        AND i.relname NOT IN (c.relname || '_pkey', c.relname || '_ek', c.relname || '_fts_idx'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(quote_ident(%(table)s))
"""
_RIGHTS = """
SELECT CASE WHEN grantee <> 0 THEN pg_get_userbyid(grantee) END, privilege_type,
    CASE WHEN is_grantable THEN 'WITH GRANT OPTION' ELSE '' END
FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass(%s) AND grantee <> relowner
"""


@dataclass(frozen=True, slots=True)
class Target:
    """Feast's table, and the one that the rows are copied into.

    Args:
        schema: where it is.
        name: its name there.
        owner: its owner.
        swapped: whether the new one may take its place.
    """

    schema: str
    name: str
    owner: str
    swapped: bool

    def copy_into(self, columns: Sequence[str]) -> Composed:
        """The COPY of rows in binary form into the new table."""
        # a frozen row is there for every reader, also for one whose view of the database is older than the swap
        how = "COPY {staging} ({columns}) FROM STDIN (FORMAT binary, FREEZE {frozen})"
        return self.sql(how, columns=_listed(columns), frozen=SQL(str(self.swapped)))

    def sql(self, statement: str, **more: SQL | Composed | Identifier) -> Composed:
        """The statement with {table}, {staging} and what else it names."""
        table = Identifier(self.schema, self.name)
        staging = Identifier(self.schema, f"{self.name}_load") if self.swapped else Identifier("pg_temp", "ratchet_load")
        return SQL(statement).format(table=table, staging=staging, **more)


def make(cursor: Cursor[Any], table: str) -> None:
    """Feast's table, unless there is one, or its name is too long for what is to be added to it: then Feast makes it."""
    found = cursor.execute("SELECT current_schema(), to_regclass(quote_ident(%s)) IS NOT NULL", (table,)).fetchone()
    if found is None or found[0] is None or found[1] or len(table.encode()) > _LONGEST:
        return
    target = Target(found[0], table, "", swapped=True)
    columns = "entity_key BYTEA, feature_name TEXT, value BYTEA, value_text TEXT, vector_value BYTEA"
    times = "event_ts TIMESTAMPTZ, created_ts TIMESTAMPTZ, PRIMARY KEY (entity_key, feature_name)"
    cursor.execute(target.sql(f"CREATE TABLE {{table}} ({columns}, {times})"))
    _make_small_indexes(cursor, target)


def find(cursor: Cursor[Any], table: str) -> Target:
    """The table of that name on the search path. Raises UndefinedTable when there is none."""
    found = cursor.execute(_FIND, {"table": table, "longest": _LONGEST}).fetchone()
    if found is None:
        message = f'relation "{table}" does not exist'
        raise errors.UndefinedTable(message)
    return Target(*found)


def make_staging(cursor: Cursor[Any], target: Target) -> None:
    """The table that the rows are copied into, which ends with the transaction unless it takes the other's place."""
    if target.swapped:
        cursor.execute(target.sql("CREATE TABLE {staging} (LIKE {table} INCLUDING ALL EXCLUDING INDEXES)"))
    else:
        cursor.execute(target.sql("CREATE TEMPORARY TABLE {staging} (LIKE {table}) ON COMMIT DROP"))


def take(cursor: Cursor[Any], target: Target) -> None:
    """Let the rows that were copied be the table's, beside those that they do not replace."""
    if not target.swapped:
        _put_over(cursor, target)
        return
    _execute_without_repeats(cursor, target, target.sql("ALTER TABLE {staging} ADD PRIMARY KEY (entity_key, feature_name)"))
    cursor.execute(target.sql("ANALYZE {staging}"))
    cursor.execute(
        target.sql(
            "INSERT INTO {staging} SELECT o.* FROM {table} o WHERE NOT EXISTS "
            "(SELECT FROM {staging} n WHERE n.entity_key = o.entity_key AND n.feature_name = o.feature_name)"
        )
    )
    if not _locked(cursor, target):
        _put_over(cursor, target)
        cursor.execute(target.sql("DROP TABLE {staging}"))
        return
    _give_rights(cursor, target)
    key, load = Identifier(f"{target.name}_pkey"), Identifier(target.schema, f"{target.name}_load_pkey")
    cursor.execute(target.sql("DROP TABLE {table}"))
    cursor.execute(target.sql("ALTER TABLE {staging} RENAME TO {name}", name=Identifier(target.name)))
    cursor.execute(target.sql("ALTER INDEX {load} RENAME TO {key}", load=load, key=key))
    _make_small_indexes(cursor, target)


def _put_over(cursor: Cursor[Any], target: Target) -> None:
    columns = ("entity_key", "feature_name", *_UPDATED)
    updates = SQL(", ").join(SQL("{0} = excluded.{0}").format(Identifier(name)) for name in _UPDATED)
    statement = target.sql(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {staging} "
        "ON CONFLICT (entity_key, feature_name) DO UPDATE SET {updates}",
        columns=_listed(columns),
        updates=updates,
    )
    _execute_without_repeats(cursor, target, statement)


def _execute_without_repeats(cursor: Cursor[Any], target: Target, statement: Composed) -> None:
    """Keep the last row of a key where a month of an older release spells one in two ways: rare, so not looked for beforehand."""
    try:
        with cursor.connection.transaction():
            cursor.execute(statement)
    except (errors.UniqueViolation, errors.CardinalityViolation):
        cursor.execute(
            target.sql(
                "DELETE FROM {staging} a USING (SELECT entity_key, feature_name, max(ctid) AS last FROM {staging} GROUP BY 1, 2 "
                "HAVING count(*) > 1) b WHERE (a.entity_key, a.feature_name) = (b.entity_key, b.feature_name) AND a.ctid <> b.last"
            )
        )
        cursor.execute(statement)


def _locked(cursor: Cursor[Any], target: Target) -> bool:
    """Whether nobody reads the table any more; who comes to read it waits for the end of the transaction."""
    for _ in range(_TRIES):
        try:
            with cursor.connection.transaction():
                cursor.execute(f"SET LOCAL lock_timeout = {_WAIT_MS}")
                cursor.execute(target.sql("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        except errors.LockNotAvailable:
            continue
        return True
    return False


def _give_rights(cursor: Cursor[Any], target: Target) -> None:
    """The old table's owner and rights, without those that a new one is born with."""

    def rights(of: str) -> list[tuple[SQL | Identifier, SQL, SQL]]:
        found = cursor.execute(_RIGHTS, (target.sql(of).as_string(cursor),)).fetchall()
        return [(Identifier(role) if role else SQL("PUBLIC"), SQL(verb), SQL(option)) for role, verb, option in found]

    cursor.execute(target.sql("ALTER TABLE {staging} OWNER TO {owner}", owner=Identifier(target.owner)))
    for role, verb, _ in rights("{staging}"):
        cursor.execute(target.sql("REVOKE {verb} ON {staging} FROM {role}", verb=verb, role=role))
    for role, verb, option in rights("{table}"):
        cursor.execute(target.sql("GRANT {verb} ON {staging} TO {role} {option}", verb=verb, role=role, option=option))


def _make_small_indexes(cursor: Cursor[Any], target: Target) -> None:
    for suffix in ("_ek", "_fts_idx"):
        index = Identifier(f"{target.name}{suffix}")
        cursor.execute(target.sql("CREATE INDEX {index} ON {table} (entity_key) WHERE false", index=index))


def _listed(names: Sequence[str]) -> Composed:
    return SQL(", ").join(map(Identifier, names))

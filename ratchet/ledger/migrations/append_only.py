"""What keeps the ledger append-only, also for whoever opens the database by hand; the chain shows what gets past it."""

from __future__ import annotations

from alembic import op

_SQLITE = "CREATE TRIGGER ledger_no_{0} BEFORE {0} ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
_FUNCTION = (
    "CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql "
    "AS $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
)
_POSTGRES = (
    "CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()"
)


def guard() -> None:
    """Put the triggers on the table `ledger`."""
    sqlite = op.get_context().dialect.name == "sqlite"
    for statement in [_SQLITE.format(verb) for verb in ("UPDATE", "DELETE")] if sqlite else [_FUNCTION, _POSTGRES]:
        op.execute(statement)


def unguard() -> None:
    """Take them off, for a change of the table."""
    sqlite = op.get_context().dialect.name == "sqlite"
    for name in ("ledger_no_UPDATE", "ledger_no_DELETE") if sqlite else ("ledger_no_change ON ledger",):
        op.execute(f"DROP TRIGGER {name}")

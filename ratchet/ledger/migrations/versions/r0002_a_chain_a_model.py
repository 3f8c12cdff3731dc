"""A chain a model. What was recorded before names none: it stays as it is, and `ledger_claim` says whose it is.

The new column has no default: a process of the release before, which knows nothing of other models' chains, can append no more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ratchet.ledger.migrations.append_only import guard, unguard

revision = "0002"
down_revision = "0001"

_COLUMNS = ("seq", "at", "kind", "key", "actor", "body", "previous", "hash")


def upgrade() -> None:
    """Change the table, and make that of the claim."""
    unguard()
    op.drop_index("ix_ledger_kind", "ledger")
    op.drop_index("ix_ledger_key", "ledger")
    if op.get_context().dialect.name == "sqlite":
        _rebuild()
    else:
        op.add_column("ledger", sa.Column("model", sa.String(63), nullable=False, server_default=""))
        op.alter_column("ledger", "model", server_default=None)
        op.drop_constraint("ledger_pkey", "ledger")
        op.drop_constraint("ledger_hash_key", "ledger")
        op.create_primary_key("ledger_pkey", "ledger", ["model", "seq"])
        op.create_unique_constraint("ledger_model_hash_key", "ledger", ["model", "hash"])
    op.create_index("ledger_by_kind", "ledger", ["model", "kind"])
    op.create_index("ledger_by_key", "ledger", ["model", "key"])
    guard()
    op.create_table(
        "ledger_claim",
        sa.Column("chain", sa.String(63), primary_key=True),  # always the one without a name
        sa.Column("model", sa.String(63), nullable=False),
    )


def _rebuild() -> None:
    """SQLite changes no primary key in place."""
    op.create_table(
        "ledger_new",
        sa.Column("model", sa.String(63), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("model", "seq"),
        sa.UniqueConstraint("model", "hash"),
    )
    old, new = (sa.table(name, *map(sa.column, columns)) for name, columns in _TABLES)
    op.execute(new.insert().from_select(["model", *_COLUMNS], sa.select(sa.literal(""), *(old.c[name] for name in _COLUMNS))))
    op.drop_table("ledger")
    op.rename_table("ledger_new", "ledger")


_TABLES = (("ledger", _COLUMNS), ("ledger_new", ("model", *_COLUMNS)))

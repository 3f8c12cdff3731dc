"""One chain of records, as release 0.1 had it. A database that has it already stays as it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ratchet.ledger.migrations.append_only import guard

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table with its guards."""
    if sa.inspect(op.get_bind()).has_table("ledger"):
        return
    op.create_table(
        "ledger",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
    )
    op.create_index("ix_ledger_kind", "ledger", ["kind"])
    op.create_index("ix_ledger_key", "ledger", ["key"])
    guard()

"""Answers and labels by model; new counts, in a table beside the old ones.

What release 0.1 logged names no model and stays as it is: whoever reads asks the ledger whose it is. The column's default and the
old table of counts let pods of that release go on logging while they are being replaced.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ANSWER = ("prediction_id", "entity", "version", "probability", "features_hash", "answered_at")
_LABEL = ("prediction_id", "label", "observed_at", "by_entity")


def upgrade() -> None:
    """Change the tables of answers and labels, and make that of the counts."""
    op.drop_index("answers_by_entity", "answers")
    if op.get_context().dialect.name == "sqlite":
        _rebuild()
    else:
        _alter()
    op.create_index("answers_by_entity", "answers", ["model", "entity", "version", "answered_at"])
    op.create_table(
        "model_answer_counts",
        sa.Column("model", sa.String(63), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("answers", sa.Integer, nullable=False),
    )


def _alter() -> None:
    op.drop_constraint("answer_labels_prediction_id_fkey", "answer_labels")
    for table in ("answers", "answer_labels"):
        op.add_column(table, _model())
        op.drop_constraint(f"{table}_pkey", table)
        op.create_primary_key(f"{table}_pkey", table, ["model", "prediction_id"])
    key = ["model", "prediction_id"]
    op.create_foreign_key("answer_labels_answer_fkey", "answer_labels", "answers", key, key, ondelete="CASCADE")


def _rebuild() -> None:
    """SQLite changes no primary key in place. Labels go first: a table that is dropped takes along what refers to it."""
    op.create_table(
        "answers_new",
        _model(),
        sa.Column("prediction_id", sa.String(64), nullable=False),
        sa.Column("entity", sa.String(256), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("features_hash", sa.String(64), nullable=False),
        sa.Column("answered_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("model", "prediction_id"),
    )
    _copy("answers", _ANSWER)
    op.create_table(
        "answer_labels_new",
        _model(),
        sa.Column("prediction_id", sa.String(64), nullable=False),
        sa.Column("label", sa.Integer, nullable=False),
        sa.Column("observed_at", sa.Double, nullable=True),
        sa.Column("by_entity", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("model", "prediction_id"),
        sa.ForeignKeyConstraint(["model", "prediction_id"], ["answers_new.model", "answers_new.prediction_id"], ondelete="CASCADE"),
    )
    _copy("answer_labels", _LABEL)
    for table in ("answer_labels", "answers"):
        op.drop_table(table)
    for table in ("answers", "answer_labels"):
        op.rename_table(f"{table}_new", table)


def _model() -> sa.Column[str]:
    return sa.Column("model", sa.String(63), nullable=False, server_default="")


def _copy(table: str, columns: tuple[str, ...]) -> None:
    old = sa.table(table, *map(sa.column, columns))
    new = sa.table(f"{table}_new", *map(sa.column, ("model", *columns)))
    op.execute(new.insert().from_select(["model", *columns], sa.select(sa.literal(""), *old.c)))

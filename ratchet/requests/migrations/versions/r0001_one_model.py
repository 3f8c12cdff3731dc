"""Answers, labels and counts, as release 0.1 had them. What is there already stays as it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MINUTE = 60.0  # seconds


def upgrade() -> None:
    """Make the tables, and count the answers of a log that is older than its counts."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "answers" not in there:
        op.create_table(
            "answers",
            sa.Column("prediction_id", sa.String(64), primary_key=True),
            sa.Column("entity", sa.String(256), nullable=False),
            sa.Column("version", sa.Integer, nullable=False),
            sa.Column("probability", sa.Double, nullable=False),
            sa.Column("features_hash", sa.String(64), nullable=False),
            sa.Column("answered_at", sa.Double, nullable=False),
        )
        op.create_index("answers_by_entity", "answers", ["entity", "version", "answered_at"])
    if "answer_labels" not in there:
        op.create_table(
            "answer_labels",
            sa.Column("prediction_id", sa.String(64), sa.ForeignKey("answers.prediction_id", ondelete="CASCADE"), primary_key=True),
            sa.Column("label", sa.Integer, nullable=False),
            sa.Column("observed_at", sa.Double, nullable=True),
            sa.Column("by_entity", sa.Boolean, nullable=False),
        )
    if "answer_counts" not in there:
        counts = op.create_table(
            "answer_counts",
            sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("answers", sa.Integer, nullable=False),
        )
        if "answers" in there:
            _count(counts)


def _count(counts: sa.Table) -> None:
    answers = sa.table("answers", sa.column("version"), sa.column("answered_at", sa.Double))
    number = answers.c.answered_at / _MINUTE
    # a cast rounds on PostgreSQL, and SQLite may have been built without floor
    whole = sa.cast(number, sa.Integer) if op.get_context().dialect.name == "sqlite" else sa.func.floor(number)
    minute = whole.label("minute")
    counted = sa.select(answers.c.version, minute, sa.func.count()).group_by(answers.c.version, "minute")
    op.execute(counts.insert().from_select(["version", "minute", "answers"], counted))

"""An answer's `probability` is its `score`: what a score is, the task says.

The old column stays, empty, and what is written to it is moved: pods of release 0.1 go on logging while they are being replaced.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ANSWER = ("model", "prediction_id", "entity", "version", "features_hash", "answered_at")
_LABEL = ("model", "prediction_id", "label", "observed_at", "by_entity")
_ON_SQLITE = """
CREATE TRIGGER answers_of_0_1 AFTER INSERT ON answers WHEN NEW.score IS NULL BEGIN
    UPDATE answers SET score = probability, probability = NULL WHERE model = NEW.model AND prediction_id = NEW.prediction_id;
END
"""
_ON_POSTGRESQL = (
    """
CREATE FUNCTION answer_of_0_1() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.score := NEW.probability;
    NEW.probability := NULL;
    RETURN NEW;
END $$
""",
    """
CREATE TRIGGER answers_of_0_1 BEFORE INSERT ON answers FOR EACH ROW WHEN (NEW.score IS NULL)
EXECUTE FUNCTION answer_of_0_1()
""",
)


def upgrade() -> None:
    """Change the table of answers, and let it take those of release 0.1."""
    if op.get_context().dialect.name == "sqlite":
        _rebuild()
        op.execute(_ON_SQLITE)
        return
    op.alter_column("answers", "probability", new_column_name="score")
    op.add_column("answers", sa.Column("probability", sa.Double, nullable=True))
    for statement in _ON_POSTGRESQL:
        op.execute(statement)


def _rebuild() -> None:
    """SQLite drops no NOT NULL in place, and checks it before any trigger. Labels go along, because they refer to answers."""
    op.create_table(
        "answers_new",
        sa.Column("model", sa.String(63), nullable=False, server_default=""),
        sa.Column("prediction_id", sa.String(64), nullable=False),
        sa.Column("entity", sa.String(256), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("score", sa.Double, sa.CheckConstraint("coalesce(score, probability) IS NOT NULL"), nullable=True),
        sa.Column("features_hash", sa.String(64), nullable=False),
        sa.Column("answered_at", sa.Double, nullable=False),
        sa.Column("probability", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("model", "prediction_id"),
    )
    _copy("answers", (*_ANSWER, "score"), (*_ANSWER, "probability"))
    op.create_table(
        "answer_labels_new",
        sa.Column("model", sa.String(63), nullable=False, server_default=""),
        sa.Column("prediction_id", sa.String(64), nullable=False),
        sa.Column("label", sa.Integer, nullable=False),
        sa.Column("observed_at", sa.Double, nullable=True),
        sa.Column("by_entity", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("model", "prediction_id"),
        sa.ForeignKeyConstraint(["model", "prediction_id"], ["answers_new.model", "answers_new.prediction_id"], ondelete="CASCADE"),
    )
    _copy("answer_labels", _LABEL, _LABEL)
    for table in ("answer_labels", "answers"):
        op.drop_table(table)
    for table in ("answers", "answer_labels"):
        op.rename_table(f"{table}_new", table)
    op.create_index("answers_by_entity", "answers", ["model", "entity", "version", "answered_at"])


def _copy(table: str, to: tuple[str, ...], of: tuple[str, ...]) -> None:
    old, new = sa.table(table, *map(sa.column, of)), sa.table(f"{table}_new", *map(sa.column, to))
    op.execute(new.insert().from_select(list(to), sa.select(*old.c)))

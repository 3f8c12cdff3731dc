"""What a request brought is kept with its answer.

Empty for whatever was answered from stored features alone, and for what pods of an older release log that had opened the tables
before they were changed. Those that start afterwards refuse tables of a revision that they do not know, and log nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column: text, because no query looks into it and PostgreSQL's own JSON takes no escaped NUL."""
    op.add_column("answers", sa.Column("posted", sa.Text, nullable=True))

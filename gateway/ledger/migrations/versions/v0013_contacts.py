"""When platforms were last in contact, and when a message was accepted, is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, empty; messages that are there keep no moment of acceptance apart from when they came."""
    op.create_table(
        "contacts",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "way", "name"),
        sqlite_with_rowid=False,
    )
    op.execute("ALTER TABLE messages ADD COLUMN accepted_at BIGINT")

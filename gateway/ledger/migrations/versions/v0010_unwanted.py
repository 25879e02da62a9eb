"""Kinds of platforms that a region does not have are declared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, in which nothing is declared yet, and tell unwanted ones apart in the index of the unrouted."""
    text = sa.Text()
    op.create_table(
        "unwanted",
        sa.Column("kind", text, nullable=False),
        sa.Column("region", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "region"),
        sqlite_with_rowid=False,
    )
    op.execute("DROP INDEX deliveries_unrouted")
    op.execute("CREATE INDEX deliveries_unrouted ON deliveries (kind, code, position) WHERE state = 'unrouted'")

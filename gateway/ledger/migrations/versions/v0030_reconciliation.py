"""Attempts tell how far their answer proves that the document came; what was exchanged on a day is found by an index,
and what a platform's list came to is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of earlier attempts neither level nor digests are known."""
    op.add_column("attempts", sa.Column("level", sa.Text()))
    op.add_column("attempts", sa.Column("answered", sa.LargeBinary()))
    op.add_column("attempts", sa.Column("sent", sa.LargeBinary()))
    op.create_index("messages_day", "messages", ["source", "received_at", "seq"])
    op.execute("CREATE INDEX deliveries_day ON deliveries (platform, changed_at, position) WHERE state = 'delivered'")
    op.execute("CREATE INDEX deliveries_replayed ON deliveries (replay_of) WHERE replay_of IS NOT NULL")
    op.create_table(
        "comparisons",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("listed", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sound", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "missing",
        sa.Column("comparison", sa.Text(), nullable=False),
        sa.Column("delivery", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("comparison", "delivery"),
        sqlite_with_rowid=False,
    )

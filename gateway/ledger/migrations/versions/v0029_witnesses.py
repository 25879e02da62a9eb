"""Platforms that keep heads as witnesses, and which they took; time-stamps of heads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; no head was offered or stamped before."""
    text, big = sa.Text(), sa.BigInteger()
    op.create_table(
        "witnessed",
        sa.Column("platform", text, nullable=False),
        sa.Column("size", big, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("at", big, nullable=False),
        sa.Column("answer", text, nullable=False),
        sa.Column("key", text, nullable=False),
        sa.Column("signed_at", big, nullable=False),
        sa.Column("signature", text, nullable=False),
        sa.PrimaryKeyConstraint("platform", "size"),
    )
    op.create_table(
        "stamps",
        sa.Column("size", big, nullable=False),
        sa.Column("at", big, nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )

"""Uploaded attachments, and which messages name them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables, which are empty."""
    text = sa.Text()
    op.create_table(
        "uploads",
        sa.Column("id", text, nullable=False),
        sa.Column("platform", text, nullable=False),
        sa.Column("digest", text, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("came", sa.BigInteger(), nullable=False),
        sa.Column("named", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("CREATE INDEX uploads_orphaned ON uploads (came) WHERE named = 0")
    op.create_table(
        "attached",
        sa.Column("upload", text, sa.ForeignKey("uploads.id"), nullable=False),
        sa.Column("message", sa.BigInteger(), sa.ForeignKey("messages.seq"), nullable=False),
        sa.PrimaryKeyConstraint("upload", "message"),
        sqlite_with_rowid=False,
    )
    op.execute("CREATE INDEX attached_message ON attached (message)")

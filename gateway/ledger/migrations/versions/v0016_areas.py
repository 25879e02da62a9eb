"""Platforms say what else they cover and which mandates they may use; functional areas have a table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both to platforms, which cover their region alone and may use no mandate, and the table, which is empty."""
    for column in ("covers", "mandates"):
        op.execute(f"ALTER TABLE platforms ADD COLUMN {column} TEXT NOT NULL DEFAULT '[]'")
    text = sa.Text()
    op.create_table(
        "areas",
        sa.Column("code", text, nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("parent", text, nullable=False),
        sa.Column("valid_from", text),
        sa.Column("valid_to", text),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )

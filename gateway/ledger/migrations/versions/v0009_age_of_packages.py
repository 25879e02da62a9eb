"""What is kept of a package that stopped half-way has a time, so that it can be forgotten."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there counts as old."""
    op.execute("ALTER TABLE packages ADD COLUMN at BIGINT NOT NULL DEFAULT 0")

"""An operator may set the bounds of work for one platform."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the platforms that are there keep the bounds of their adapters."""
    op.execute("ALTER TABLE platforms ADD COLUMN limits TEXT NOT NULL DEFAULT '{}'")

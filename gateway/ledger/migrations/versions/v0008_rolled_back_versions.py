"""A version that was left by a rollback is not what a second rollback goes back to."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of the versions that are there none counts as rolled back."""
    op.execute("ALTER TABLE adapters ADD COLUMN rolled_back BOOLEAN NOT NULL DEFAULT 0")

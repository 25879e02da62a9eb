"""What a platform uploaded and no message names, to be counted quickly."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index it by platform, with its size."""
    op.execute("CREATE INDEX uploads_unnamed ON uploads (platform, size) WHERE named = 0")

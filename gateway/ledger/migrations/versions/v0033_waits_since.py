"""What waits says since when: after a clock was moved and its process ended, a wait would last as long as that."""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, its rule and its index; what waits now goes by its time alone."""
    op.execute(
        "ALTER TABLE deliveries ADD COLUMN waits_since BIGINT"
        " CONSTRAINT waits_since_then CHECK (waits_since IS NULL OR state = 'waiting')"
    )
    op.execute(
        "CREATE INDEX heads_waiting_since ON deliveries (platform, waits_since, type)"
        " WHERE head IS 1 AND state = 'waiting' AND held_at IS NULL"
        if op.get_bind().dialect.name == "sqlite"
        else "CREATE INDEX heads_waiting_since ON deliveries (platform, waits_since, type)"
        " WHERE head IS true AND state = 'waiting' AND held_at IS NULL"
    )

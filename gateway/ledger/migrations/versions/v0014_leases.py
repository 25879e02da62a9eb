"""Platforms may fetch their deliveries: until when one is leased, and how its receipt came."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_RULE = "leased_until IS NULL OR state = 'sending'"


def upgrade() -> None:
    """Add the columns, in which nothing is leased yet, and find leases by when they lapse."""
    op.execute(f"ALTER TABLE deliveries ADD COLUMN leased_until BIGINT CONSTRAINT leased_while_sending CHECK ({_RULE})")
    op.execute("CREATE INDEX leases ON deliveries (leased_until) WHERE leased_until IS NOT NULL")
    op.execute("ALTER TABLE attempts ADD COLUMN receipt TEXT")

"""People and adapter versions belong to regions; none: to the whole country."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whoever and whatever is there goes on as before: for the whole country."""
    op.add_column("people", sa.Column("regions", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("adapters", sa.Column("region", sa.Text(), nullable=False, server_default=""))

"""Years of the calendar that operators enter: holidays, and weekend days that are worked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, which is empty: years are known as they were published until somebody enters one."""
    op.create_table(
        "calendar",
        sa.Column("year", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("holidays", sa.Text(), nullable=False),
        sa.Column("workdays", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("year"),
    )

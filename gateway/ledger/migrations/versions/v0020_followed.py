"""How far messages were followed, and which of them have to be shown again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, which are empty: whoever follows begins with the oldest message that is kept."""
    op.create_table(
        "followed",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "changed_messages",
        sa.Column("observer", sa.Text(), nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("observer", "message"),
        sqlite_with_rowid=False,
    )

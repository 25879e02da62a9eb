"""Claims end unless they are prolonged, processes are known, and changes of the registry are counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let no claim lapse that was taken before: whoever takes the ledger over next ends it."""
    op.add_column("claims", sa.Column("until", sa.BigInteger()))
    op.add_column("ledger", sa.Column("changes", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "processes",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner"),
        sqlite_with_rowid=False,
    )

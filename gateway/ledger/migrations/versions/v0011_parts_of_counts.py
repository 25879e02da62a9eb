"""Counts are kept in parts, so that processes which count the same do not wait for each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table anew, for its key has one column more; what was counted is the first part."""
    text = sa.Text()
    op.execute("CREATE TABLE counts_before AS SELECT * FROM counts")
    op.drop_table("counts")
    op.create_table(
        "counts",
        sa.Column("platform", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("held_by", text, nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "kind", "type", "state", "held_by", "part"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO counts (platform, kind, type, state, held_by, part, count) "
        "SELECT platform, kind, type, state, held_by, 0, count FROM counts_before"
    )
    op.drop_table("counts_before")

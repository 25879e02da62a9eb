"""An alias belongs to one case: two platforms may issue the same number for two things."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table anew, each alias with the correlation of the message that it was given for."""
    op.rename_table("aliases", "aliases_before")
    op.create_table(
        "aliases",
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("original", "field", "platform", "correlation_id"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO aliases (original, field, platform, correlation_id, number) "
        "SELECT a.original, a.field, a.platform, m.correlation_id, a.number FROM aliases_before a "
        "JOIN numbers n ON n.number = a.number AND n.field = a.field AND n.platform = a.platform "
        "JOIN messages m ON m.place = n.message"
    )
    op.drop_table("aliases_before")

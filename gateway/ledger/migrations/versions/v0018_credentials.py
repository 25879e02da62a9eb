"""Credentials have an id, a label, when they were issued, when they expire, and were revoked; people have roles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

DIGITS = 32
"""Of a hash that become the id of a credential from before: the hash of a random secret tells nothing of it."""


def upgrade() -> None:
    """Let every credential that there is go on for as long as its platform, as it was issued."""
    op.add_column("credentials", sa.Column("id", sa.Text(), nullable=False, server_default=""))
    op.add_column("credentials", sa.Column("label", sa.Text(), nullable=False, server_default=""))
    for time in ("created_at", "expires_at", "revoked_at"):
        op.add_column("credentials", sa.Column(time, sa.BigInteger()))
    op.execute(f"UPDATE credentials SET id = substr(digest, 1, {DIGITS})")
    op.create_index("credentials_id", "credentials", ["id"], unique=True)
    op.create_table(
        "people",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("removed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
    )

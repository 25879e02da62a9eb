"""Regions sign their bundles: their public keys, and who signed a version, when, with what signature."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody signed what is there."""
    for name in ("signed_by", "signature"):
        op.add_column("adapters", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("adapters", sa.Column("signed_at", sa.BigInteger()))
    op.create_table(
        "bundle_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
    )

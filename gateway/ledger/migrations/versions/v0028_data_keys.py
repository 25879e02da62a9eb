"""The keys that secrets and stored requests are encrypted with, each wrapped by a key that is kept elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. What is kept stays in clear until a key is set."""
    text, big = sa.Text(), sa.BigInteger()
    op.create_table(
        "data_keys",
        sa.Column("seq", big.with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("id", text, nullable=False),
        sa.Column("cipher", text, nullable=False),
        sa.Column("made_under", text, nullable=False),
        sa.Column("key_id", text, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("at", big, nullable=False),
        sa.Column("reached", big, nullable=False),
        sa.Column("until", big, nullable=False),
    )
    op.create_index("data_keys_id", "data_keys", ["id"], unique=True)

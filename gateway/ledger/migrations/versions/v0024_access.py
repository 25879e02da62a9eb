"""How platforms show who they are: what a credential is, what was signed once, and which ways a platform may take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let every platform go on to call under the credentials that it has."""
    op.add_column("platforms", sa.Column("access", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("credentials", sa.Column("kind", sa.Text(), nullable=False, server_default="bearer"))
    op.add_column("credentials", sa.Column("secret", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "nonces",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "nonce"),
        sqlite_with_rowid=False,
    )
    op.create_index("nonces_until", "nonces", ["until"])

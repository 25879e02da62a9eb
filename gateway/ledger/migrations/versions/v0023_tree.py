"""The tree over every fact: its leaves, its nodes, its signed heads, and the keys they are signed with."""

from __future__ import annotations

from secrets import token_hex

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make an empty tree with a name of its own. What was kept before has no leaf, and gets none."""
    text, big, blob = sa.Text(), sa.BigInteger(), sa.LargeBinary()
    seq = big.with_variant(sa.Integer(), "sqlite")
    op.add_column("messages", sa.Column("received", blob))
    leaf = ("hash", blob), ("kind", text), ("subject", text), ("digest", blob), ("at", big)
    op.create_table(
        "new_leaves",
        sa.Column("seq", seq, primary_key=True),
        *(sa.Column(name, type, nullable=False) for name, type in leaf),
    )
    op.create_table(
        "leaves",
        sa.Column("number", seq, primary_key=True, autoincrement=False),
        *(sa.Column(name, type, nullable=False) for name, type in leaf),
    )
    op.create_index("leaves_hash", "leaves", ["hash"])
    op.create_index("leaves_subject", "leaves", ["subject", "number"])
    op.create_table(
        "tree_nodes",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("number", big, nullable=False),
        sa.Column("hash", blob, nullable=False),
        sa.PrimaryKeyConstraint("level", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tree",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("origin", text, nullable=False),
        sa.Column("size", big, nullable=False),
        sa.Column("edge", blob, nullable=False),
        sa.Column("owner", text, nullable=False),
        sa.Column("until", big, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    empty = "''" if op.get_bind().dialect.name == "postgresql" else "x''"
    op.execute(f"INSERT INTO tree VALUES (1, 'hutong/{token_hex(16)}', 0, {empty}, '', 0)")
    op.create_table(
        "tree_heads",
        sa.Column("size", seq, primary_key=True, autoincrement=False),
        sa.Column("root", blob, nullable=False),
        sa.Column("at", big, nullable=False),
        sa.Column("key_id", text, nullable=False),
        sa.Column("signature", blob, nullable=False),
    )
    op.create_table(
        "signing_keys",
        sa.Column("id", text, primary_key=True),
        sa.Column("algorithm", text, nullable=False),
        sa.Column("public", blob, nullable=False),
        sa.Column("at", big, nullable=False),
    )

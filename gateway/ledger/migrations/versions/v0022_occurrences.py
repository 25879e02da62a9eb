"""What the regular report counts: occurrences and their tallies, what was heard of, and how far use was counted."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, which are empty: the follower shows every message from the oldest."""
    text, number = sa.Text(), sa.BigInteger()
    op.create_table(
        "occurrences",
        sa.Column("seq", number.with_variant(sa.Integer(), "sqlite"), primary_key=True),
        *(sa.Column(name, text, nullable=False) for name in ("name", "message_id", "identity")),
        *(sa.Column(name, number, nullable=False) for name in ("month", "day")),
        sa.Column("until", number),
        *(sa.Column(name, text, nullable=False) for name in ("region", "authority", "lane", "number", "party")),
        *(sa.Column(name, number) for name in ("at", "limit")),
        *(sa.Column(name, text, nullable=False) for name in ("own", "traits")),
        sa.Column("amount", number, nullable=False),
        sa.Column("things", text, nullable=False),
        sa.Column("received_at", number, nullable=False),
        sa.Column("first_at", number, nullable=False),
        sa.Column("since", number, nullable=False),
        sa.Column("ended", number),
    )
    standing: dict[str, Any] = {"sqlite_where": sa.text("ended IS NULL"), "postgresql_where": sa.text("ended IS NULL")}
    tied: dict[str, dict[str, Any]] = {
        name: {each: sa.text(f"ended IS NULL AND {name} <> ''") for each in ("sqlite_where", "postgresql_where")}
        for name in ("lane", "party")
    }
    op.create_index("occurrences_message", "occurrences", ["message_id"])
    op.create_index("occurrences_identity", "occurrences", ["identity"], **standing)
    op.create_index("occurrences_lane", "occurrences", ["lane"], **tied["lane"])
    op.create_index("occurrences_party", "occurrences", ["party"], **tied["party"])
    op.create_index("occurrences_month", "occurrences", ["name", "month", "seq"])
    op.create_table(
        "tallies",
        sa.Column("month", number, nullable=False, autoincrement=False),
        *(sa.Column(name, text, nullable=False) for name in ("name", "thing", "traits", "region", "authority")),
        sa.Column("arrived", number, nullable=False, autoincrement=False),
        *(sa.Column(name, number, nullable=False) for name in ("count", "amount")),
        sa.PrimaryKeyConstraint("month", "name", "thing", "traits", "region", "authority", "arrived"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "heard",
        *(sa.Column(name, text, nullable=False) for name in ("what", "value")),
        sa.Column("at", number, nullable=False),
        sa.PrimaryKeyConstraint("what", "value"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counted",
        sa.Column("name", text, nullable=False),
        sa.Column("seq", number, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )

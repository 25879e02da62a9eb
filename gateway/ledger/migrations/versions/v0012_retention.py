"""What is older than it has to be kept is let go of, a little at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_APIECE = 1024


def upgrade() -> None:
    """Make what tells ages, cases that are kept and what went; let bytes, receipts and aliases be found by theirs."""
    _tables()
    _aliases()
    op.execute("ALTER TABLE receipts ADD COLUMN message BIGINT NOT NULL DEFAULT 0")
    op.execute("CREATE INDEX receipts_message ON receipts (message)")
    op.execute("CREATE INDEX messages_body ON messages (body) WHERE body > 0 AND record > 0")
    op.execute("CREATE INDEX lane_refused ON deliveries (lane, platform, position) WHERE state = 'refused'")
    op.execute("ALTER TABLE attempts ADD COLUMN platform TEXT")
    op.execute("ALTER TABLE attempts ADD COLUMN total BIGINT")
    op.execute("CREATE INDEX attempts_total ON attempts (platform, total) WHERE total IS NOT NULL")
    op.execute("ALTER TABLE rejections ADD COLUMN total BIGINT NOT NULL DEFAULT 0")
    op.execute(
        f"""
        UPDATE rejections SET total = summed.total FROM (
            SELECT one.seq, SUM({_APIECE} + COALESCE(LENGTH(bodies.content), 0))
                OVER (PARTITION BY one.platform ORDER BY one.seq) AS total
            FROM rejections AS one LEFT JOIN bodies ON bodies.seq = one.body
        ) AS summed WHERE summed.seq = rejections.seq
        """
    )
    op.execute("CREATE INDEX rejections_total ON rejections (platform, total)")


def _tables() -> None:
    text, big = sa.Text(), sa.BigInteger()
    op.create_table(
        "retention",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("time", big, nullable=False),
        sa.Column("told", big, nullable=False),
        sa.Column("looked_at", big, nullable=False),
        sa.Column("kept_for", text, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.create_table(
        "marks",
        sa.Column("seq", big.with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("time", big, nullable=False),
    )
    op.create_table(
        "kept_cases",
        sa.Column("correlation_id", text, nullable=False),
        sa.Column("look_at", big, nullable=False),
        sa.PrimaryKeyConstraint("correlation_id"),
        sqlite_with_rowid=False,
    )
    op.execute("CREATE INDEX kept_cases_look_at ON kept_cases (look_at)")
    op.create_table(
        "prunings",
        sa.Column("seq", big.with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("day", text, nullable=False),
        sa.Column("actor", text, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("what", text, nullable=False),
        sa.Column("until", big, nullable=False),
        sa.Column("count", big, nullable=False),
        sa.Column("size", big, nullable=False),
        sa.Column("at", big, nullable=False),
    )
    op.execute("CREATE UNIQUE INDEX prunings_of_day ON prunings (day, actor, type, what)")


def _aliases() -> None:
    """Let the aliases of a case stand together, so that they can go with it."""
    text = sa.Text()
    op.create_table(
        "aliases_of_cases",
        sa.Column("correlation_id", text, nullable=False),
        sa.Column("original", text, nullable=False),
        sa.Column("field", text, nullable=False),
        sa.Column("platform", text, nullable=False),
        sa.Column("number", text, nullable=False),
        sa.PrimaryKeyConstraint("correlation_id", "original", "field", "platform"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO aliases_of_cases SELECT correlation_id, original, field, platform, number FROM aliases")
    op.execute("DROP TABLE aliases")
    op.execute("ALTER TABLE aliases_of_cases RENAME TO aliases")

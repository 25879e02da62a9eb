"""What the checks of cases came to, and runs over many cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables, which are empty: cases are assessed when they change from now on, or on demand."""
    text, big = sa.Text(), sa.BigInteger()
    numbered = big.with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "findings",
        sa.Column("seq", numbered, primary_key=True),
        *(
            sa.Column(name, text, nullable=False)
            for name in ("lane", "rule", "case_number", "correlation_id", "region")
        ),
        *(sa.Column(name, text, nullable=False) for name in ("version", "result", "said_zh", "said_en", "evidence")),
        sa.Column("at", big, nullable=False),
        *(sa.Column(name, text) for name in ("told", "last_told", "reviewer", "answer", "answered_by")),
        sa.Column("answered_at", big),
        sa.CheckConstraint("result IN ('met', 'missed', 'not-applicable', 'unknown')", name="result_known"),
    )
    op.execute("CREATE UNIQUE INDEX findings_rule ON findings (lane, rule)")
    op.execute("CREATE INDEX findings_case ON findings (correlation_id)")
    op.execute("CREATE INDEX findings_result ON findings (result, seq)")
    op.execute("CREATE INDEX findings_untold ON findings (seq) WHERE told IS NULL")
    op.create_table(
        "assessment_runs",
        sa.Column("seq", numbered, primary_key=True),
        sa.Column("id", text, nullable=False),
        sa.Column("finished", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("content", text, nullable=False),
    )
    op.execute("CREATE UNIQUE INDEX assessment_runs_id ON assessment_runs (id)")

"""On which days the findings of cases hold, and what they rest on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables. Cases with findings are all due: nobody has noted yet until when these hold."""
    text, big = sa.Text(), sa.BigInteger()
    op.create_table(
        "assessed_cases",
        sa.Column("lane", text, primary_key=True),
        sa.Column("correlation_id", text, nullable=False),
        sa.Column("since", big),
        sa.Column("until", big),
        sa.Column("changes", big, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute("CREATE INDEX assessed_cases_correlation ON assessed_cases (correlation_id)")
    op.execute("CREATE INDEX assessed_cases_since ON assessed_cases (since, lane) WHERE since IS NOT NULL")
    op.execute("CREATE INDEX assessed_cases_until ON assessed_cases (until, lane) WHERE until IS NOT NULL")
    op.create_table(
        "grounds",
        *(sa.Column(name, text, primary_key=True) for name in ("name", "value", "lane")),
        sqlite_with_rowid=False,
    )
    op.execute("CREATE INDEX grounds_lane ON grounds (lane)")
    op.create_table(
        "changed_grounds",
        *(sa.Column(name, text, primary_key=True) for name in ("name", "value")),
        sa.Column("after", text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO assessed_cases (lane, correlation_id, until, changes) "
        "SELECT lane, min(correlation_id), 0, 0 FROM findings GROUP BY lane"
    )

"""On which days the findings of cases hold, what they rest on, and which platforms and areas were there when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
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
    registrations = op.create_table(
        "registrations",
        *(sa.Column(name, text, primary_key=True) for name in ("sort", "id")),
        sa.Column("since", big, primary_key=True, autoincrement=False),
        sa.Column("ended", big),
        sa.Column("content", text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.bulk_insert(registrations, _registered())
    op.execute(
        "CREATE INDEX occurrences_uncounted ON occurrences (seq) WHERE ended IS NULL AND own LIKE '%,uncounted,%'"
    )
    op.execute(
        "INSERT INTO assessed_cases (lane, correlation_id, until, changes) "
        "SELECT lane, min(correlation_id), 0, 0 FROM findings GROUP BY lane"
    )


def _registered() -> list[dict[str, Any]]:
    """What is there now was there as it is since it was registered: of what came before, nothing was noted."""
    return [
        {"sort": sort, "id": id, "since": since, "ended": None, "content": _said(content)}
        for sort, id, since, content in _known()
    ]


def _known() -> Iterator[tuple[str, str, int, dict[str, Any]]]:
    connection = op.get_bind()
    for id, since, adapter, covers in connection.execute(
        sa.text("SELECT id, created_at, adapter, covers FROM platforms")
    ):
        yield "platform", id, since, {"adapter": adapter, "covers": json.loads(covers)}
    names = ("title", "parent", "valid_from", "valid_to")
    for code, since, *said in connection.execute(sa.text(f"SELECT code, at, {', '.join(names)} FROM areas")):
        yield "area", code, since, dict(zip(names, said, strict=True))


def _said(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))

"""Platforms say what their addresses may be: plain http, private, loopback."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Allow each platform what its present address may need, so that it goes on: where a name leads is not known."""
    op.execute("ALTER TABLE platforms ADD COLUMN allow TEXT NOT NULL DEFAULT '[]'")
    connection = op.get_bind()
    for id, settings in connection.execute(sa.text("SELECT id, settings FROM platforms")).all():
        said = json.loads(settings) if isinstance(settings, str) else settings
        address = str(said.get("base_url", ""))
        if not address:
            continue
        allow = [*(["http"] if urlsplit(address).scheme == "http" else []), "private", "loopback"]
        connection.execute(
            sa.text("UPDATE platforms SET allow = :allow WHERE id = :id"), {"allow": json.dumps(allow), "id": id}
        )

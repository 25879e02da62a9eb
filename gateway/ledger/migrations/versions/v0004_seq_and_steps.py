"""The rows' own numbers are called `seq`, and the rules know only the steps that a delivery takes."""

from __future__ import annotations

import re

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NUMBERED = ("adapters", "attempts", "audit", "bodies", "messages", "rejections", "replays")
_RULES = {
    "state_known": (
        "state IN ('dead', 'delivered', 'discarded', 'held', 'ready', 'refused', 'sending', 'unrouted', 'waiting')"
    ),
    "step_allowed": (
        "was IS NULL OR (was = 'unrouted' AND state IN ('discarded', 'ready')) "
        "OR (was = 'ready' AND state IN ('discarded', 'held', 'sending')) "
        "OR (was = 'sending' AND state IN ('dead', 'delivered', 'ready', 'refused', 'waiting')) "
        "OR (was = 'waiting' AND state IN ('discarded', 'held', 'sending')) "
        "OR (was = 'held' AND state IN ('discarded', 'ready')) "
        "OR (was = 'dead' AND state IN ('discarded', 'ready')) "
        "OR (was = 'refused' AND state IN ('ready'))"
    ),
}


def upgrade() -> None:
    """Rename the columns, and make the table of deliveries anew with its new rules: SQLite cannot change a rule."""
    for table in _NUMBERED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN place TO seq")
    connection = op.get_bind()
    made = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'deliveries' AND sql IS NOT NULL ORDER BY type DESC"
    )
    table, *indexes = [row[0] for row in made]
    for name, rule in _RULES.items():
        table = re.sub(rf"CONSTRAINT {name} CHECK \(.*\)", f"CONSTRAINT {name} CHECK ({rule})", table)
    # Attempts and requests refer to deliveries. Their rows are checked only at the commit, when the
    # deliveries are there again under the same positions.
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    for statement in (
        "CREATE TABLE deliveries_before AS SELECT * FROM deliveries",
        "DROP TABLE deliveries",
        table,
        "INSERT INTO deliveries SELECT * FROM deliveries_before ORDER BY position",
        "DROP TABLE deliveries_before",
        *indexes,
    ):
        connection.exec_driver_sql(statement)

"""Holds are rows and overlays, changes carry revisions and claims, and counts are kept."""

from __future__ import annotations

import json
import re

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_RULES = {
    "state_known": "state IN ('dead', 'delivered', 'discarded', 'ready', 'refused', 'sending', 'unrouted', 'waiting')",
    "step_allowed": (
        "was IS NULL OR (was = 'unrouted' AND state IN ('discarded', 'ready')) "
        "OR (was = 'ready' AND state IN ('dead', 'discarded', 'sending')) "
        "OR (was = 'sending' AND state IN ('dead', 'delivered', 'ready', 'refused', 'waiting')) "
        "OR (was = 'waiting' AND state IN ('discarded', 'sending')) "
        "OR (was = 'refused' AND state IN ('ready')) "
        "OR (was = 'dead' AND state IN ('discarded', 'ready'))"
    ),
    "open_has_platform": (
        "platform IS NOT NULL OR state NOT IN ('dead', 'delivered', 'ready', 'refused', 'sending', 'waiting')"
    ),
    "head_is_open": "NOT head OR state IN ('dead', 'ready', 'sending', 'waiting')",
}
_OPEN = "state IN ('dead', 'ready', 'sending', 'waiting')"
_COLUMNS = (
    "position, id, message, type, kind, platform, lane, state, was, head, created_at, due_at, attempts, in_doubt, "
    "adapter, reference, reason, code, changed_at, replay_of"
)


def upgrade() -> None:
    """Make the new tables, then the two that change anew: SQLite cannot change a rule."""
    _make_tables()
    connection = op.get_bind()
    # Attempts, requests and credentials refer to the tables made anew. Their rows are checked only at
    # the commit, when what they refer to is there again under the same keys.
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    for statement in (*_deliveries(connection), *_platforms()):
        connection.exec_driver_sql(statement)
    _follow_replays(connection)


def _follow_replays(connection: sa.Connection) -> None:
    """Let a bulk replay that goes on end at what is there now; both versions go by position, after `cursor`."""
    upto = connection.exec_driver_sql("SELECT COALESCE(MAX(position), 0) FROM deliveries").scalar()
    for seq, content in connection.exec_driver_sql("SELECT seq, content FROM replays").fetchall():
        values = json.loads(content)
        values |= {"cursor": int(values["cursor"] or 0), "skipped": values.pop("failed"), "upto": upto}
        written = json.dumps(values, ensure_ascii=False)
        connection.exec_driver_sql("UPDATE replays SET content = ? WHERE seq = ?", (written, seq))


def _make_tables() -> None:
    text, number = sa.Text(), sa.BigInteger()
    op.create_table(
        "holds",
        sa.Column("platform", text, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("by", text, nullable=False),
        sa.Column("since", number, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.ForeignKeyConstraint(["platform"], ["platforms.id"]),
        sa.PrimaryKeyConstraint("platform", "type", "by"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "claims",
        sa.Column("platform", text, nullable=False),
        sa.Column("owner", text, nullable=False),
        sa.Column("epoch", number, nullable=False),
        sa.PrimaryKeyConstraint("platform"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", number, nullable=False),
        sa.Column("owner", text, nullable=False),
        sa.Column("revision", number, nullable=False),
        sa.Column("checked_at", number, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO ledger (id, epoch, owner, revision, checked_at) VALUES (1, 0, '', 1, 0)")
    op.create_table(
        "intents",
        sa.Column("key", text, nullable=False),
        sa.Column("actor", text, nullable=False),
        sa.Column("digest", text, nullable=False),
        sa.Column("answer", text, nullable=False),
        sa.Column("at", number, nullable=False),
        sa.PrimaryKeyConstraint("key", "actor"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "packages",
        sa.Column("digest", text, nullable=False),
        sa.Column("operation", text, nullable=False),
        sa.Column("platform", text, nullable=False),
        sa.Column("start", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("body", number, nullable=True),
        sa.PrimaryKeyConstraint("digest", "operation", "platform", "start"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counts",
        sa.Column("platform", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("held_by", text, nullable=False),
        sa.Column("count", number, nullable=False),
        sa.PrimaryKeyConstraint("platform", "kind", "type", "state", "held_by"),
        sqlite_with_rowid=False,
    )


def _deliveries(connection: sa.Connection) -> list[str]:
    made = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'deliveries' AND sql IS NOT NULL ORDER BY type DESC"
    )
    (_, table), *indexes = [(row[0], row[1]) for row in made]
    for name, rule in _RULES.items():
        table = re.sub(rf"CONSTRAINT {name} CHECK \(.*\)", f"CONSTRAINT {name} CHECK ({rule})", table)
    table = re.sub(
        r"CONSTRAINT held_by_someone CHECK \(.*\)",
        "CONSTRAINT held_while_it_could_go CHECK (held_at IS NULL OR state IN ('ready', 'waiting')), \n\t"
        "CONSTRAINT unrouted_seeks CHECK (state <> 'unrouted' OR toward IS NOT NULL)",
        table,
    )
    table = re.sub(r"\bheld_by TEXT", "held_at BIGINT", table)
    table = re.sub(r"\btrying_since FLOAT", "tried_for FLOAT NOT NULL", table)
    table = re.sub(r"\bplatform TEXT, ", "platform TEXT, \n\ttoward TEXT, ", table)
    changed = {
        "heads_ready": "CREATE INDEX heads_ready ON deliveries (platform, position, type) "
        "WHERE head IS 1 AND state = 'ready' AND held_at IS NULL",
        "heads_waiting": "CREATE INDEX heads_waiting ON deliveries (platform, due_at, type) "
        "WHERE head IS 1 AND state = 'waiting' AND held_at IS NULL",
        "deliveries_state": "CREATE INDEX deliveries_state ON deliveries (state, platform, position, type) "
        "WHERE state != 'delivered'",
        "lane_open": f"CREATE INDEX lane_open ON deliveries (lane, platform, position) WHERE {_OPEN}",
    }
    return [
        "CREATE TABLE deliveries_before AS SELECT * FROM deliveries",
        "DROP TABLE deliveries",
        table,
        # Held by an operator was a state; now the delivery is ready, and the hold is laid over it. Who an
        # answer goes back to is the sender of what it answers. A delivered one may have had several open
        # replays; now the first of them is its open replay, and the others go out as they were ordered.
        f"INSERT INTO deliveries ({_COLUMNS}, toward, held_at, tried_for) "
        f"SELECT {_KEPT}, {_TOWARD}, "
        "CASE WHEN state = 'held' THEN COALESCE(changed_at, created_at) END, 0.0 "
        "FROM deliveries_before ORDER BY position",
        "DROP TABLE deliveries_before",
        *(str(changed.get(name, sql)) for name, sql in indexes),
        "CREATE INDEX deliveries_created ON deliveries (created_at, position)",
        "CREATE INDEX deliveries_held ON deliveries (platform, state, position) WHERE held_at IS NOT NULL",
        f"CREATE UNIQUE INDEX replay_open ON deliveries (replay_of) WHERE replay_of IS NOT NULL AND {_OPEN}",
        "INSERT INTO counts (platform, kind, type, state, held_by, count) "
        "SELECT COALESCE(platform, ''), kind, type, state, CASE WHEN held_at IS NOT NULL THEN 'operator' "
        "WHEN state IN ('ready', 'waiting') AND EXISTS (SELECT 1 FROM deliveries ahead WHERE ahead.state = 'dead' "
        "AND ahead.lane = d.lane AND ahead.platform = d.platform AND ahead.position < d.position) THEN 'lane' "
        "ELSE '' END AS holder, COUNT(*) FROM deliveries d "
        "WHERE state NOT IN ('delivered', 'refused', 'discarded') GROUP BY 1, 2, 3, 4, 5",
    ]


_OPEN_REPLAY = "replay_of IS NOT NULL AND state IN ('dead', 'held', 'ready', 'sending', 'waiting')"
_FIRST_REPLAYS = f"SELECT MIN(position) FROM deliveries_before WHERE {_OPEN_REPLAY} GROUP BY replay_of"
_REPLAY_OF = f"CASE WHEN {_OPEN_REPLAY} AND position NOT IN ({_FIRST_REPLAYS}) THEN NULL ELSE replay_of END"
_STATE = "CASE state WHEN 'held' THEN 'ready' WHEN 'expired' THEN 'discarded' ELSE state END"
_KEPT = _COLUMNS.replace("state, was", f"{_STATE}, NULL").replace("replay_of", _REPLAY_OF)
_TOWARD = (
    "CASE WHEN state <> 'unrouted' THEN NULL WHEN type <> 'dispatch.reported' THEN 'nearest' "
    "ELSE COALESCE((SELECT asked.source FROM messages answer JOIN messages asked ON asked.id = answer.causation_id "
    "WHERE answer.seq = deliveries_before.message), 'nearest') END"
)


def _platforms() -> list[str]:
    kept = "id, kind, region, adapter, version, mode, settings, created_at"
    holds = (
        f"INSERT INTO holds (platform, type, by, since, reason) SELECT id, '', '{by}', "
        f"COALESCE(held_since, created_at), '' FROM platforms_before WHERE ' ' || holds || ' ' LIKE '% {by} %'"
        for by in ("paused", "credentials", "breaker")
    )
    return [
        "CREATE TABLE platforms_before AS SELECT * FROM platforms",
        "DROP TABLE platforms",
        "CREATE TABLE platforms (id TEXT NOT NULL, kind TEXT NOT NULL, region TEXT NOT NULL, adapter TEXT NOT NULL, "
        "version TEXT, mode TEXT NOT NULL, settings TEXT NOT NULL, created_at BIGINT NOT NULL, "
        "revision BIGINT NOT NULL, PRIMARY KEY (id))",
        f"INSERT INTO platforms ({kept}, revision) SELECT {kept}, 1 FROM platforms_before",
        *holds,
        "DROP TABLE platforms_before",
    ]

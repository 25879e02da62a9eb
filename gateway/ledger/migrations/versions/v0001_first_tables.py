"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "aliases",
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("original", "field", "platform"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )
    op.create_index("audit_subject", "audit", ["subject", "place"], unique=False)
    op.create_table(
        "bodies",
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )
    op.create_table(
        "facts",
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("correlation_id", "field"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "latest",
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("identity", "operation", "source"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "messages",
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("ordering_key", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("causation_id", sa.Text(), nullable=True),
        sa.Column("corrects", sa.Text(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )
    op.create_index("messages_correlation", "messages", ["correlation_id", "place"], unique=False)
    op.create_index("messages_id", "messages", ["id"], unique=True)
    op.create_index("messages_received", "messages", ["received_at", "place"], unique=False)
    op.create_index("messages_source", "messages", ["source", "place"], unique=False)
    op.create_index("messages_type", "messages", ["type", "place"], unique=False)
    op.create_table(
        "numbers",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", "field", "platform"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "platforms",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("holds", sa.Text(), nullable=False),
        sa.Column("held_seconds", sa.Float(), nullable=False),
        sa.Column("held_since", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "receipts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "operation", "platform"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rejections",
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("problem", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )
    op.create_index("rejections_body", "rejections", ["body"], unique=False)
    op.create_index("rejections_id", "rejections", ["id"], unique=True)
    op.create_index("rejections_platform", "rejections", ["platform", "place"], unique=False)
    op.create_table(
        "replays",
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )
    op.create_index("replays_id", "replays", ["id"], unique=True)
    op.create_table(
        "search_keys",
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("message", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("value", "name", "message"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "credentials",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["platform"],
            ["platforms.id"],
        ),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "deliveries",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=True),
        sa.Column("head", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("in_doubt", sa.Boolean(), nullable=False),
        sa.Column("adapter", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.Column("trying_since", sa.Float(), nullable=True),
        sa.Column("replay_of", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'held') = (held_by IS NOT NULL AND held_by IN ('breaker', 'credentials', "
            "'lane', 'operator', 'paused'))",
            name="held_by_someone",
        ),
        sa.CheckConstraint("(state = 'waiting') = (due_at IS NOT NULL)", name="waiting_until"),
        sa.CheckConstraint("NOT head OR state IN ('dead', 'held', 'ready', 'sending', 'waiting')", name="head_is_open"),
        sa.CheckConstraint(
            "platform IS NOT NULL OR state NOT IN ('dead', 'delivered', 'held', 'ready', "
            "'refused', 'sending', 'waiting')",
            name="open_has_platform",
        ),
        sa.CheckConstraint("state <> 'sending' OR head", name="sending_is_head"),
        sa.CheckConstraint(
            "state IN ('dead', 'delivered', 'discarded', 'expired', 'held', 'ready', 'refused', "
            "'sending', 'unrouted', 'waiting')",
            name="state_known",
        ),
        sa.CheckConstraint(
            "was IS NULL OR (was = 'unrouted' AND state IN ('discarded', 'expired', 'held', "
            "'ready')) OR (was = 'ready' AND state IN ('discarded', 'expired', 'held', "
            "'sending')) OR (was = 'sending' AND state IN ('dead', 'delivered', 'held', 'ready', "
            "'refused', 'waiting')) OR (was = 'waiting' AND state IN ('dead', 'discarded', "
            "'expired', 'held', 'ready', 'sending')) OR (was = 'held' AND state IN ('discarded', "
            "'expired', 'ready')) OR (was = 'dead' AND state IN ('discarded', 'expired', "
            "'ready')) OR (was = 'refused' AND state IN ('ready'))",
            name="step_allowed",
        ),
        sa.ForeignKeyConstraint(
            ["message"],
            ["messages.place"],
        ),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("deliveries_destination", "deliveries", ["platform", "message"], unique=False)
    op.create_index("deliveries_id", "deliveries", ["id"], unique=True)
    op.create_index("deliveries_message", "deliveries", ["message"], unique=False)
    op.create_index("deliveries_platform", "deliveries", ["platform", "position"], unique=False)
    op.create_index(
        "deliveries_state",
        "deliveries",
        ["state", "platform", "position"],
        unique=False,
        sqlite_where=sa.text("state != 'delivered'"),
    )
    op.create_index(
        "deliveries_unrouted",
        "deliveries",
        ["kind", "position"],
        unique=False,
        sqlite_where=sa.text("state = 'unrouted'"),
    )
    op.create_index(
        "heads_ready",
        "deliveries",
        ["platform", "position"],
        unique=False,
        sqlite_where=sa.text("head IS 1 AND state = 'ready'"),
    )
    op.create_index(
        "heads_waiting",
        "deliveries",
        ["platform", "due_at"],
        unique=False,
        sqlite_where=sa.text("head IS 1 AND state = 'waiting'"),
    )
    op.create_index(
        "lane_dead",
        "deliveries",
        ["lane", "platform", "position"],
        unique=False,
        sqlite_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "lane_delivered",
        "deliveries",
        ["lane", "platform", "position"],
        unique=False,
        sqlite_where=sa.text("state = 'delivered'"),
    )
    op.create_index("lane_head", "deliveries", ["lane", "platform"], unique=True, sqlite_where=sa.text("head IS 1"))
    op.create_index(
        "lane_open",
        "deliveries",
        ["lane", "platform", "position"],
        unique=False,
        sqlite_where=sa.text("state IN ('dead', 'held', 'ready', 'sending', 'waiting')"),
    )
    op.create_table(
        "documents",
        sa.Column("message", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message"],
            ["messages.place"],
        ),
        sa.PrimaryKeyConstraint("message"),
    )
    op.create_table(
        "attempts",
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("delivery", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("reply", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery"],
            ["deliveries.position"],
        ),
        sa.PrimaryKeyConstraint("place"),
    )
    op.create_index("attempts_delivery", "attempts", ["delivery"], unique=False)
    op.create_table(
        "requests",
        sa.Column(
            "delivery", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery"],
            ["deliveries.position"],
        ),
        sa.PrimaryKeyConstraint("delivery"),
    )

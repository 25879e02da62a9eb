"""The ledger's tables: few indexes, only what is searched; times are microseconds since 1970 in UTC."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.ledger.sql.states import RULES, is_head, is_open, is_state
from gateway.message import State

metadata = sa.MetaData()

PLACE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A place in an order of ours; in SQLite it must be INTEGER to be the row's own key."""


bodies = sa.Table(
    "bodies",
    metadata,
    sa.Column("place", PLACE, primary_key=True),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("kept", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("place", PLACE, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("adapter", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("ordering_key", sa.Text, nullable=False),
    sa.Column("correlation_id", sa.Text, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("causation_id", sa.Text),
    sa.Column("corrects", sa.Text),
    sa.Column("trace_id", sa.Text),
    sa.Column("headers", sa.Text, nullable=False),
    sa.Column("body", sa.BigInteger, nullable=False),
    sa.Column("record", sa.Integer, nullable=False),
    sa.Index("messages_id", "id", unique=True),
    sa.Index("messages_type", "type", "place"),
    sa.Index("messages_source", "source", "place"),
    sa.Index("messages_correlation", "correlation_id", "place"),
    sa.Index("messages_received", "received_at", "place"),
)

documents = sa.Table(
    "documents",
    metadata,
    sa.Column(
        "message",
        PLACE,
        sa.ForeignKey("messages.place"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

latest = sa.Table(
    "latest",
    metadata,
    sa.Column("identity", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("message", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("entries", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

search_keys = sa.Table(
    "search_keys",
    metadata,
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("message", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

numbers = sa.Table(
    "numbers",
    metadata,
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("original", sa.Text, nullable=False),
    sa.Column("message", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("original", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("correlation_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("correlation_id", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("message", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("position", PLACE, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("message", sa.BigInteger, sa.ForeignKey("messages.place"), nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("platform", sa.Text),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("was", sa.Text),
    sa.Column("head", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("held_by", sa.Text),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("in_doubt", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("adapter", sa.Text),
    sa.Column("reference", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("code", sa.Text),
    sa.Column("changed_at", sa.BigInteger),
    sa.Column("trying_since", sa.Float),
    sa.Column("replay_of", sa.Text),
    *(sa.CheckConstraint(rule, name=name) for name, rule in RULES.items()),
)

_d = deliveries.c
DELIVERY_INDEXES = (
    sa.Index("deliveries_id", _d.id, unique=True),
    sa.Index("deliveries_message", _d.message),
    sa.Index("deliveries_platform", _d.platform, _d.position),
    sa.Index("deliveries_destination", _d.platform, _d.message),
    sa.Index("lane_head", _d.lane, _d.platform, unique=True, sqlite_where=is_head(_d.head)),
    sa.Index("lane_open", _d.lane, _d.platform, _d.position, sqlite_where=is_open(_d.state)),
    sa.Index("lane_dead", _d.lane, _d.platform, _d.position, sqlite_where=is_state(_d.state, State.DEAD)),
    sa.Index("lane_delivered", _d.lane, _d.platform, _d.position, sqlite_where=is_state(_d.state, State.DELIVERED)),
    sa.Index(
        "heads_ready", _d.platform, _d.position, sqlite_where=sa.and_(is_head(_d.head), is_state(_d.state, State.READY))
    ),
    sa.Index(
        "heads_waiting",
        _d.platform,
        _d.due_at,
        sqlite_where=sa.and_(is_head(_d.head), is_state(_d.state, State.WAITING)),
    ),
    sa.Index("deliveries_unrouted", _d.kind, _d.position, sqlite_where=is_state(_d.state, State.UNROUTED)),
    sa.Index(
        "deliveries_state",
        _d.state,
        _d.platform,
        _d.position,
        sqlite_where=_d.state != sa.literal_column(f"'{State.DELIVERED}'"),
    ),
)
"""Small ones first of all: a delivery leaves most of these when it is delivered."""

requests = sa.Table(
    "requests",
    metadata,
    sa.Column(
        "delivery",
        PLACE,
        sa.ForeignKey("deliveries.position"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("headers", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("place", PLACE, primary_key=True),
    sa.Column("delivery", sa.BigInteger, sa.ForeignKey("deliveries.position"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("reference", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("code", sa.Text),
    sa.Column("reply", sa.LargeBinary, nullable=False),
    sa.Index("attempts_delivery", "delivery"),
)

rejections = sa.Table(
    "rejections",
    metadata,
    sa.Column("place", PLACE, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("record", sa.Integer, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("problem", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.BigInteger, nullable=False),
    sa.Index("rejections_id", "id", unique=True),
    sa.Index("rejections_platform", "platform", "place"),
    sa.Index("rejections_body", "body"),
)

platforms = sa.Table(
    "platforms",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("adapter", sa.Text, nullable=False),
    sa.Column("version", sa.Text),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("holds", sa.Text, nullable=False),
    sa.Column("held_seconds", sa.Float, nullable=False),
    sa.Column("held_since", sa.BigInteger),
)

adapters = sa.Table(
    "adapters",
    metadata,
    sa.Column("place", PLACE, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("uploaded", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("report", sa.Text),
    sa.Column("expected", sa.Text, nullable=False),
    sa.Column("activated_at", sa.BigInteger),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("content", sa.LargeBinary),
    sa.CheckConstraint("state IN ('active', 'checked', 'draft', 'retired', 'shadow')", name="adapter_state_known"),
    sa.Index("adapters_version", "name", "version", unique=True),
)
sa.Index("adapters_active", adapters.c.name, unique=True, sqlite_where=sa.text("state = 'active'"))

credentials = sa.Table(
    "credentials",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, sa.ForeignKey("platforms.id"), nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("place", PLACE, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index("audit_subject", "subject", "place"),
)

replays = sa.Table(
    "replays",
    metadata,
    sa.Column("place", PLACE, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("finished", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("replays_id", "id", unique=True),
)

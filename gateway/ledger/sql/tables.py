"""The ledger's tables: few indexes, only what is searched; times are microseconds since 1970 in UTC."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from adapters.base import OutboundRequest
from gateway.ledger.records import AuditEntry, Platform, Rejection
from gateway.ledger.sql.codecs import (
    ADAPTER_STATE,
    BIG_INTEGER,
    BLOB,
    FLAG,
    FLOAT,
    HELD_BY,
    HOLDS,
    INTEGER,
    JSON_LIST,
    JSON_OBJECT,
    PACKED,
    PACKED_JSON,
    PACKED_WORDS,
    SEQ,
    STATE,
    TIME,
)
from gateway.ledger.sql.columns import Column, Layout
from gateway.ledger.sql.statements import is_head, is_open, is_state
from gateway.message import OPEN, TRANSITIONS, Attempt, Delivery, HeldBy, Message, State
from gateway.versions import AdapterVersion

metadata = sa.MetaData()


bodies = sa.Table(
    "bodies",
    metadata,
    sa.Column("seq", SEQ.type, primary_key=True),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("kept", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

MESSAGE = Layout(
    Message,
    Column("seq", SEQ, key=True, given=True),
    Column("id"),
    Column("type"),
    Column("document", PACKED_JSON, joined=True),
    Column("source"),
    Column("operation"),
    Column("adapter"),
    Column("region"),
    Column("ordering_key"),
    Column("correlation_id"),
    Column("received_at", TIME),
    Column("identity"),
    Column("digest"),
    Column("causation_id", optional=True),
    Column("corrects", optional=True),
    Column("trace_id", optional=True),
    Column("headers", given=True),
    Column("body", BIG_INTEGER, given=True, selected=False),
    Column("record", INTEGER, given=True, selected=False),
)
"""`headers`: what only some messages have, as JSON. `body`, `record`: its bytes, and which record in them it was."""

messages = MESSAGE.table(
    "messages",
    metadata,
    sa.Index("messages_id", "id", unique=True),
    sa.Index("messages_type", "type", "seq"),
    sa.Index("messages_source", "source", "seq"),
    sa.Index("messages_correlation", "correlation_id", "seq"),
    sa.Index("messages_received", "received_at", "seq"),
)

documents = sa.Table(
    "documents",
    metadata,
    sa.Column(
        "message",
        SEQ.type,
        sa.ForeignKey("messages.seq"),
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

DELIVERY = Layout(
    Delivery,
    Column("position", SEQ, key=True),
    Column("id"),
    Column("message_id", joined=True),
    Column("message", BIG_INTEGER, given=True, references="messages.seq"),
    Column("type"),
    Column("kind"),
    Column("platform", optional=True),
    Column("lane"),
    Column("state", STATE, changes=True),
    Column("head", FLAG, given=True, changes=True),
    Column("created_at", TIME),
    Column("held_by", HELD_BY, optional=True, changes=True),
    Column("due_at", TIME, optional=True, changes=True),
    Column("attempts", INTEGER, changes=True),
    Column("in_doubt", FLAG, changes=True),
    Column("adapter", optional=True, changes=True),
    Column("reference", optional=True, changes=True),
    Column("reason", optional=True, changes=True),
    Column("code", optional=True, changes=True),
    Column("changed_at", TIME, optional=True, changes=True),
    Column("trying_since", FLOAT, optional=True, changes=True),
    Column("replay_of", optional=True),
)
"""`message`: the seq of its message. `head`: whether it is the one of its lane that may be sent."""


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


def _steps() -> str:
    return " OR ".join(
        f"(was = '{before}' AND state IN ({_listed(after)}))" for before, after in TRANSITIONS.items() if after
    )


RULES = {
    "state_known": f"state IN ({_listed(State)})",
    "step_allowed": f"was IS NULL OR {_steps()}",
    "held_by_someone": f"(state = 'held') = (held_by IS NOT NULL AND held_by IN ({_listed(HeldBy)}))",
    "waiting_until": "(state = 'waiting') = (due_at IS NOT NULL)",
    "open_has_platform": f"platform IS NOT NULL OR state NOT IN ({_listed(OPEN | {State.DELIVERED, State.REFUSED})})",
    "head_is_open": f"NOT head OR state IN ({_listed(OPEN)})",
    "sending_is_head": "state <> 'sending' OR head",
}
"""What the database itself refuses: the state table again, and what must hold in every delivery's row."""

deliveries = DELIVERY.table(
    "deliveries",
    metadata,
    sa.Column("was", sa.Text),  # the state before the last step, for the rule `step_allowed` alone
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
"""Most of these hold only what is not delivered yet, and so stay small."""

REQUEST = Layout(
    OutboundRequest,
    Column("delivery", SEQ, key=True, given=True, references="deliveries.position"),
    Column("method"),
    Column("path"),
    Column("headers", JSON_OBJECT),
    Column("body", PACKED),
)
requests = REQUEST.table("requests", metadata)

ATTEMPT = Layout(
    Attempt,
    Column("seq", SEQ, key=True, given=True, numbered=True),
    Column("delivery", BIG_INTEGER, given=True, references="deliveries.position"),
    Column("number", INTEGER),
    Column("started_at", TIME),
    Column("ended_at", TIME),
    Column("verdict"),
    Column("status", INTEGER, optional=True),
    Column("reference", optional=True),
    Column("reason", optional=True),
    Column("code", optional=True),
    Column("reply", PACKED),
)
attempts = ATTEMPT.table("attempts", metadata, sa.Index("attempts_delivery", "delivery"))

REJECTION = Layout(
    Rejection,
    Column("seq", SEQ, key=True, given=True, numbered=True),
    Column("id"),
    Column("platform"),
    Column("operation"),
    Column("received_at", TIME),
    Column("record", INTEGER, attribute="index"),
    Column("status", INTEGER),
    Column("code"),
    Column("problem", PACKED_WORDS),
    Column("body", BIG_INTEGER, given=True, selected=False),
)
rejections = REJECTION.table(
    "rejections",
    metadata,
    sa.Index("rejections_id", "id", unique=True),
    sa.Index("rejections_platform", "platform", "seq"),
    sa.Index("rejections_body", "body"),
)

PLATFORM = Layout(
    Platform,
    Column("id", key=True),
    Column("kind"),
    Column("region"),
    Column("adapter"),
    Column("version", optional=True),
    Column("mode"),
    Column("settings", JSON_OBJECT),
    Column("created_at", TIME),
    Column("holds", HOLDS),
    Column("held_seconds", FLOAT),
    Column("held_since", TIME, optional=True),
)
platforms = PLATFORM.table("platforms", metadata)

ADAPTER = Layout(
    AdapterVersion,
    Column("seq", SEQ, key=True, given=True, numbered=True),
    Column("name"),
    Column("version"),
    Column("digest"),
    Column("state", ADAPTER_STATE),
    Column("created_at", TIME),
    Column("changed_at", TIME),
    Column("uploaded", FLAG),
    Column("report", JSON_OBJECT, optional=True),
    Column("expected", JSON_LIST),
    Column("activated_at", TIME, optional=True),
    Column("revision", BIG_INTEGER),
)
adapters = ADAPTER.table(
    "adapters",
    metadata,
    sa.Column("content", BLOB.type),
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

AUDIT = Layout(
    AuditEntry,
    Column("seq", SEQ, key=True, given=True, numbered=True),
    Column("subject"),
    Column("at", TIME),
    Column("actor"),
    Column("action"),
    Column("reason"),
    Column("detail", JSON_OBJECT),
)
audit = AUDIT.table("audit", metadata, sa.Index("audit_subject", "subject", "seq"))

replays = sa.Table(
    "replays",
    metadata,
    sa.Column("seq", SEQ.type, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("finished", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("replays_id", "id", unique=True),
)

"""The ledger's tables: few indexes, only what is searched; times are microseconds since 1970 in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from adapters.base import OutboundRequest
from gateway.ledger.assessments import CaseFinding
from gateway.ledger.encryption import DataKey
from gateway.ledger.occurrences import UNCOUNTED, Occurrence
from gateway.ledger.reconciled import Comparison
from gateway.ledger.records import (
    Area,
    AuditEntry,
    CalendarYear,
    Credential,
    Person,
    Platform,
    Rejection,
    SecondApproval,
    Stamp,
    Unmasking,
    Upload,
    Witnessed,
)
from gateway.ledger.sql.codecs import (
    ADAPTER_STATE,
    APPROVAL_STATE,
    BIG_INTEGER,
    BLOB,
    DAY,
    DIRECTION,
    FLAG,
    FLOAT,
    INTEGER,
    JSON_LIST,
    JSON_OBJECT,
    PACKED,
    PACKED_JSON,
    PACKED_WORDS,
    SEQ,
    STATE,
    TIME,
    WORDS,
)
from gateway.ledger.sql.columns import Layout, TableColumn
from gateway.ledger.sql.statements import is_head, is_open_state, is_state, may_go
from gateway.ledger.versions import AdapterVersion, BundleKey
from gateway.message import OPEN, SENDABLE, TRANSITIONS, Attempt, Delivery, Message, State

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
    TableColumn("seq", SEQ, key=True, given=True),
    TableColumn("id"),
    TableColumn("type"),
    TableColumn("document", PACKED_JSON, joined=True),
    TableColumn("source"),
    TableColumn("operation"),
    TableColumn("adapter"),
    TableColumn("region"),
    TableColumn("ordering_key"),
    TableColumn("correlation_id"),
    TableColumn("received_at", TIME),
    TableColumn("identity"),
    TableColumn("digest"),
    TableColumn("causation_id", optional=True),
    TableColumn("corrects", optional=True),
    TableColumn("trace_id", optional=True),
    TableColumn("headers", given=True),
    TableColumn("body", BIG_INTEGER, given=True, selected=False),
    TableColumn("record", INTEGER, given=True, selected=False),
    TableColumn("accepted_at", TIME, given=True, optional=True, selected=False),
    TableColumn("received", BLOB, given=True, optional=True, selected=False),
)
"""`headers`: what only some messages have, as JSON. `body`, `record`: its bytes (0: pruned), and which record in them
it was. `accepted_at`: when the transaction began that keeps it. `received`: the SHA-256 of its bytes, which its leaf
tells. Messages of before have none of the two, and no leaf."""

messages = MESSAGE.table(
    "messages",
    metadata,
    sa.Index("messages_id", "id", unique=True),
    sa.Index("messages_type", "type", "seq"),
    sa.Index("messages_source", "source", "seq"),
    sa.Index("messages_correlation", "correlation_id", "seq"),
    sa.Index("messages_received", "received_at", "seq"),
    sa.Index("messages_day", "source", "received_at", "seq"),
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
    sa.Column("message", sa.BigInteger, nullable=False),
    sa.Index("receipts_message", "message"),
    sqlite_with_rowid=False,
)
"""`message`: one of those that it names, with which it is looked at again; 0: not known yet (see `pruned_receipts`)."""

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
    sa.Column("correlation_id", sa.Text, primary_key=True),
    sa.Column("original", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
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
    TableColumn("position", SEQ, key=True),
    TableColumn("id"),
    TableColumn("message_id", joined=True),
    TableColumn("message", BIG_INTEGER, given=True, references="messages.seq"),
    TableColumn("type"),
    TableColumn("kind"),
    TableColumn("platform", optional=True),
    TableColumn("toward", optional=True),
    TableColumn("lane"),
    TableColumn("state", STATE, changes=True),
    TableColumn("head", FLAG, given=True, changes=True),
    TableColumn("created_at", TIME),
    TableColumn("held_at", TIME, optional=True, changes=True),
    TableColumn("due_at", TIME, optional=True, changes=True),
    TableColumn("waits_since", TIME, optional=True, changes=True),
    TableColumn("leased_until", TIME, optional=True, changes=True),
    TableColumn("attempts", INTEGER, changes=True),
    TableColumn("in_doubt", FLAG, changes=True),
    TableColumn("adapter", optional=True, changes=True),
    TableColumn("reference", optional=True, changes=True),
    TableColumn("reason", optional=True, changes=True),
    TableColumn("code", optional=True, changes=True),
    TableColumn("changed_at", TIME, optional=True, changes=True),
    TableColumn("tried_for", FLOAT, changes=True),
    TableColumn("replay_of", optional=True),
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
    "held_while_it_could_go": f"held_at IS NULL OR state IN ({_listed(SENDABLE)})",
    "unrouted_seeks": "state <> 'unrouted' OR toward IS NOT NULL",
    "waiting_until": "(state = 'waiting') = (due_at IS NOT NULL)",
    "waits_since_then": "waits_since IS NULL OR state = 'waiting'",
    "open_has_platform": f"platform IS NOT NULL OR state NOT IN ({_listed(OPEN | {State.DELIVERED, State.REFUSED})})",
    "head_is_open": f"NOT head OR state IN ({_listed(OPEN)})",
    "sending_is_head": "state <> 'sending' OR head",
    "leased_while_sending": "leased_until IS NULL OR state = 'sending'",
}
"""What the database itself refuses: the state table again, and what must hold in every delivery's row."""

deliveries = DELIVERY.table(
    "deliveries",
    metadata,
    sa.Column("was", sa.Text),  # the state before the last step, for the rule `step_allowed` alone
    *(sa.CheckConstraint(rule, name=name) for name, rule in RULES.items()),
)


def _only(condition: sa.ColumnElement[bool] | sa.TextClause) -> dict[str, Any]:
    """Restrict an index to some rows."""
    return {"sqlite_where": condition, "postgresql_where": condition}


sa.Index("messages_body", messages.c.body, **_only(sa.text("body > 0 AND record > 0")))
"""The further messages of packages, by the bytes they share: see `pruned_bodies`. Most messages are in none."""

_d = deliveries.c
DELIVERY_INDEXES = (
    sa.Index("deliveries_id", _d.id, unique=True),
    sa.Index("deliveries_message", _d.message),
    sa.Index("deliveries_platform", _d.platform, _d.position),
    sa.Index("deliveries_destination", _d.platform, _d.message),
    sa.Index("deliveries_day", _d.platform, _d.changed_at, _d.position, **_only(is_state(_d.state, State.DELIVERED))),
    sa.Index("deliveries_replayed", _d.replay_of, **_only(_d.replay_of.is_not(None))),
    sa.Index("deliveries_created", _d.created_at, _d.position),
    sa.Index("lane_head", _d.lane, _d.platform, unique=True, **_only(is_head(_d.head))),
    sa.Index("lane_open", _d.lane, _d.platform, _d.position, **_only(is_open_state(_d.state))),
    sa.Index("lane_dead", _d.lane, _d.platform, _d.position, **_only(is_state(_d.state, State.DEAD))),
    sa.Index("lane_refused", _d.lane, _d.platform, _d.position, **_only(is_state(_d.state, State.REFUSED))),
    sa.Index("lane_delivered", _d.lane, _d.platform, _d.position, **_only(is_state(_d.state, State.DELIVERED))),
    sa.Index("heads_ready", _d.platform, _d.position, _d.type, **_only(may_go(_d, State.READY))),
    sa.Index("heads_waiting", _d.platform, _d.due_at, _d.type, **_only(may_go(_d, State.WAITING))),
    sa.Index("heads_waiting_since", _d.platform, _d.waits_since, _d.type, **_only(may_go(_d, State.WAITING))),
    sa.Index("leases", _d.leased_until, **_only(_d.leased_until.is_not(None))),
    sa.Index("deliveries_unrouted", _d.kind, _d.code, _d.position, **_only(is_state(_d.state, State.UNROUTED))),
    sa.Index(
        "deliveries_state",
        _d.state,
        _d.platform,
        _d.position,
        _d.type,
        **_only(_d.state != sa.literal_column(f"'{State.DELIVERED}'")),
    ),
    sa.Index("deliveries_held", _d.platform, _d.state, _d.position, **_only(_d.held_at.is_not(None))),
    sa.Index(
        "replay_open",
        _d.replay_of,
        unique=True,
        **_only(sa.and_(_d.replay_of.is_not(None), is_open_state(_d.state))),
    ),
)
"""Most of these hold only what is not delivered yet, and so stay small.

Where `type` stands last, deliveries of other types are passed over without reading their rows.
"""

REQUEST = Layout(
    OutboundRequest,
    TableColumn("delivery", SEQ, key=True, given=True, references="deliveries.position"),
    TableColumn("method"),
    TableColumn("path", encrypted=True),
    TableColumn("headers", JSON_OBJECT, encrypted=True),
    TableColumn("body", PACKED, encrypted=True),
)
requests = REQUEST.table("requests", metadata)

ATTEMPT = Layout(
    Attempt,
    TableColumn("seq", SEQ, key=True, given=True, numbered=True),
    TableColumn("delivery", BIG_INTEGER, given=True, references="deliveries.position"),
    TableColumn("number", INTEGER),
    TableColumn("started_at", TIME),
    TableColumn("ended_at", TIME),
    TableColumn("verdict"),
    TableColumn("status", INTEGER, optional=True),
    TableColumn("reference", optional=True),
    TableColumn("reason", optional=True),
    TableColumn("code", optional=True),
    TableColumn("reply", PACKED),
    TableColumn("receipt", optional=True),
    TableColumn("level", optional=True),
    TableColumn("answered", BLOB, optional=True),
    TableColumn("platform", optional=True, given=True, selected=False),
    TableColumn("total", BIG_INTEGER, optional=True, given=True, selected=False),
    TableColumn("sent", BLOB, optional=True, given=True, selected=False),
)
"""`platform`, `total`: of a long reply, whose it is, and the bytes of that platform's long replies up to this one.
`sent`: the SHA-256 of the request's body, which outlives it; null in attempts of before it was kept."""
attempts = ATTEMPT.table("attempts", metadata, sa.Index("attempts_delivery", "delivery"))
sa.Index("attempts_total", attempts.c.platform, attempts.c.total, **_only(sa.text("total IS NOT NULL")))

REJECTION = Layout(
    Rejection,
    TableColumn("seq", SEQ, key=True, given=True, numbered=True),
    TableColumn("id"),
    TableColumn("platform"),
    TableColumn("operation"),
    TableColumn("received_at", TIME),
    TableColumn("record", INTEGER, attribute="index"),
    TableColumn("status", INTEGER),
    TableColumn("code"),
    TableColumn("problem", PACKED_WORDS),
    TableColumn("body", BIG_INTEGER, given=True, selected=False),
    TableColumn("total", BIG_INTEGER, given=True, selected=False),
)
"""`total`: the bytes of its platform's rejections up to this one, those that are forgotten included."""
rejections = REJECTION.table(
    "rejections",
    metadata,
    sa.Index("rejections_id", "id", unique=True),
    sa.Index("rejections_platform", "platform", "seq"),
    sa.Index("rejections_total", "platform", "total"),
    sa.Index("rejections_body", "body"),
)

PLATFORM = Layout(
    Platform,
    TableColumn("id", key=True),
    TableColumn("kind"),
    TableColumn("region"),
    TableColumn("adapter"),
    TableColumn("version", optional=True),
    TableColumn("mode"),
    TableColumn("settings", JSON_OBJECT, encrypted=True),
    TableColumn("created_at", TIME),
    TableColumn("revision", BIG_INTEGER),
    TableColumn("limits", JSON_OBJECT),
    TableColumn("covers", JSON_LIST),
    TableColumn("mandates", JSON_LIST),
    TableColumn("allow", JSON_LIST),
    TableColumn("access", JSON_LIST),
)
"""Its holds are rows of their own."""
platforms = PLATFORM.table("platforms", metadata)

AREA = Layout(
    Area,
    TableColumn("code", key=True),
    TableColumn("title"),
    TableColumn("parent"),
    TableColumn("valid_from", optional=True),
    TableColumn("valid_to", optional=True),
    TableColumn("at", TIME),
)
areas = AREA.table("areas", metadata)

registrations = sa.Table(
    "registrations",
    metadata,
    sa.Column("sort", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("since", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ended", sa.BigInteger),
    sa.Column("content", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Which platforms and areas were there, and for which places, each from `since` until `ended` (null: it still is): an
earlier report is made by the places of its own time."""

CALENDAR_YEAR = Layout(
    CalendarYear,
    TableColumn("year", BIG_INTEGER, key=True),
    TableColumn("holidays", JSON_LIST),
    TableColumn("workdays", JSON_LIST),
    TableColumn("at", TIME),
)
calendar = CALENDAR_YEAR.table("calendar", metadata)

holds = sa.Table(
    "holds",
    metadata,
    sa.Column("platform", sa.Text, sa.ForeignKey("platforms.id"), primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),  # a message type; empty: the whole platform
    sa.Column("by", sa.Text, primary_key=True),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger),
    sqlite_with_rowid=False,
)
"""Who may deliver to a platform, and until when (null: until it is given back or taken over).

The row outlives the platform, so that no epoch ever comes twice. `owner` is empty when nobody may.
"""

processes = sa.Table(
    "processes",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("until", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The processes that share the platforms among them, each until when it counts unless it says again that it lives."""

UPLOAD = Layout(
    Upload,
    TableColumn("id", key=True),
    TableColumn("platform"),
    TableColumn("digest"),
    TableColumn("size", BIG_INTEGER),
    TableColumn("media_type"),
    TableColumn("at", TIME),
)
uploads = UPLOAD.table(
    "uploads",
    metadata,
    sa.Column("came", sa.BigInteger, nullable=False),
    sa.Column("named", sa.Integer, nullable=False),
)
"""`came`: when, by the ledger's own time; `named`: how many messages name it."""
sa.Index("uploads_orphaned", uploads.c.came, **_only(sa.text("named = 0")))
sa.Index("uploads_unnamed", uploads.c.platform, uploads.c.size, **_only(sa.text("named = 0")))

attached = sa.Table(
    "attached",
    metadata,
    sa.Column("upload", sa.Text, sa.ForeignKey("uploads.id"), primary_key=True),
    sa.Column("message", sa.BigInteger, sa.ForeignKey("messages.seq"), primary_key=True, autoincrement=False),
    sa.Index("attached_message", "message"),
    sqlite_with_rowid=False,
)
"""Which messages name which uploads."""

unwanted = sa.Table(
    "unwanted",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("region", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Kinds of platforms that a region was declared not to have."""

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("checked_at", sa.BigInteger, nullable=False),
    sa.Column("changes", sa.BigInteger, nullable=False, server_default="0"),
    sa.CheckConstraint("id = 1", name="one_row"),
)
"""One row: whose the ledger is (`owner`, `epoch`), the registry's revision, when it was last checked by writing, and
how often anything was changed that processes have in memory."""

intents = sa.Table(
    "intents",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("actor", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Operators' Idempotency-Keys: what was asked under one, and what it was answered with."""

packages = sa.Table(
    "packages",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("start", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entries", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.BigInteger),
    sa.Column("at", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Packages that take several commits, as far as they were kept: the entries of the chunk that begins at `start`.

`at`: when the chunk was last sent to us.
"""

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("way", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),  # heard: an operation; delivered: a message type
    sa.Column("at", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""When platforms were last in contact: written every few seconds at most, never for each document."""

counts = sa.Table(
    "counts",
    metadata,
    sa.Column("platform", sa.Text, primary_key=True),  # empty: none, the delivery is unrouted
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, primary_key=True),  # or `unwanted`, of those that are unrouted
    sa.Column("held_by", sa.Text, primary_key=True),  # `operator`, `lane`, or empty
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How many deliveries that are not done with stand where: kept with every step, so that nobody has to count.

What stands somewhere is the sum of the parts: each process counts in one of them, perhaps below zero, so that
processes which count the same do not wait for each other's commits.
"""

ADAPTER = Layout(
    AdapterVersion,
    TableColumn("seq", SEQ, key=True, given=True, numbered=True),
    TableColumn("name"),
    TableColumn("version"),
    TableColumn("digest"),
    TableColumn("state", ADAPTER_STATE),
    TableColumn("created_at", TIME),
    TableColumn("changed_at", TIME),
    TableColumn("uploaded", FLAG),
    TableColumn("report", JSON_OBJECT, optional=True),
    TableColumn("expected", JSON_LIST),
    TableColumn("activated_at", TIME, optional=True),
    TableColumn("rolled_back", FLAG),
    TableColumn("revision", BIG_INTEGER),
    TableColumn("region"),
    TableColumn("signed_by"),
    TableColumn("signed_at", TIME, optional=True),
    TableColumn("signature"),
)
adapters = ADAPTER.table(
    "adapters",
    metadata,
    sa.Column("content", BLOB.type),
    sa.CheckConstraint("state IN ('active', 'checked', 'draft', 'retired', 'shadow')", name="adapter_state_known"),
    sa.Index("adapters_version", "name", "version", unique=True),
)
sa.Index("adapters_active", adapters.c.name, unique=True, **_only(sa.text("state = 'active'")))

BUNDLE_KEY = Layout(
    BundleKey,
    TableColumn("id", key=True),
    TableColumn("kind"),
    TableColumn("public"),
    TableColumn("region"),
    TableColumn("label"),
    TableColumn("created_at", TIME),
    TableColumn("expires_at", TIME, optional=True),
    TableColumn("revoked_at", TIME, optional=True),
)
bundle_keys = BUNDLE_KEY.table("bundle_keys", metadata)

CREDENTIAL = Layout(
    Credential,
    TableColumn("digest", key=True),
    TableColumn("platform", references="platforms.id"),
    TableColumn("id"),
    TableColumn("label"),
    TableColumn("created_at", TIME, optional=True),
    TableColumn("expires_at", TIME, optional=True),
    TableColumn("revoked_at", TIME, optional=True),
    TableColumn("kind"),
    TableColumn("secret", encrypted=True),
)
credentials = CREDENTIAL.table("credentials", metadata, sa.Index("credentials_id", "id", unique=True))

nonces = sa.Table(
    "nonces",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("nonce", sa.Text, primary_key=True),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Index("nonces_until", "until"),
    sqlite_with_rowid=False,
)
"""What signed calls said to be said once, by the credential that signed: remembered until then."""

PERSON = Layout(
    Person,
    TableColumn("id", key=True),
    TableColumn("name"),
    TableColumn("digest"),
    TableColumn("roles", JSON_LIST),
    TableColumn("created_at", TIME),
    TableColumn("expires_at", TIME, optional=True),
    TableColumn("removed_at", TIME, optional=True),
    TableColumn("regions", JSON_LIST),
)
people = PERSON.table("people", metadata)

UNMASKING = Layout(
    Unmasking,
    TableColumn("id", key=True),
    TableColumn("person"),
    TableColumn("subject"),
    TableColumn("purpose"),
    TableColumn("at", TIME),
    TableColumn("until", TIME),
)
unmaskings = UNMASKING.table("unmaskings", metadata, sa.Index("unmaskings_person", "person", "until", "id"))

APPROVAL = Layout(
    SecondApproval,
    TableColumn("id", key=True),
    TableColumn("kind"),
    TableColumn("subject"),
    TableColumn("asked_by"),
    TableColumn("reason"),
    TableColumn("at", TIME),
    TableColumn("until", TIME),
    TableColumn("shown", JSON_OBJECT),
    TableColumn("order", JSON_OBJECT, encrypted=True),
    TableColumn("state", APPROVAL_STATE, changes=True),
    TableColumn("decided_by", optional=True, changes=True),
    TableColumn("decided_at", TIME, optional=True, changes=True),
    TableColumn("decision", changes=True),
    TableColumn("failed", optional=True, changes=True),
)
approvals = APPROVAL.table("approvals", metadata)

AUDIT = Layout(
    AuditEntry,
    TableColumn("seq", SEQ, key=True, given=True, numbered=True),
    TableColumn("subject"),
    TableColumn("at", TIME),
    TableColumn("actor"),
    TableColumn("action"),
    TableColumn("reason"),
    TableColumn("detail", JSON_OBJECT),
)
audit = AUDIT.table("audit", metadata, sa.Index("audit_subject", "subject", "seq"))

new_leaves = sa.Table(
    "new_leaves",
    metadata,
    sa.Column("seq", SEQ.type, primary_key=True),
    sa.Column("hash", BLOB.type, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("digest", BLOB.type, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)
"""Leaves that have no place in the tree yet: without an index, for one is written with every fact."""

leaves = sa.Table(
    "leaves",
    metadata,
    sa.Column("number", SEQ.type, primary_key=True, autoincrement=False),
    sa.Column("hash", BLOB.type, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("digest", BLOB.type, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("leaves_hash", "hash"),
    sa.Index("leaves_subject", "subject", "number"),
)
"""The leaves of the tree, from 0 on without a gap. Never changed and never pruned."""

tree_nodes = sa.Table(
    "tree_nodes",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", BLOB.type, nullable=False),
    sqlite_with_rowid=False,
)
"""Nodes of every eighth level, so that a proof reads few leaves."""

tree = sa.Table(
    "tree",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("edge", BLOB.type, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.CheckConstraint("id = 1", name="one_row"),
)
"""One row: which log this is (`origin`), how far the tree has grown, the hashes of its right edge one after the other,
and which process gives leaves their place until when."""

tree_heads = sa.Table(
    "tree_heads",
    metadata,
    sa.Column("size", SEQ.type, primary_key=True, autoincrement=False),
    sa.Column("root", BLOB.type, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("signature", BLOB.type, nullable=False),
)
"""The signed heads. Never changed."""

DATA_KEY = Layout(
    DataKey,
    TableColumn("seq", SEQ, key=True, given=True, numbered=True),
    TableColumn("id"),
    TableColumn("cipher"),
    TableColumn("made_under"),
    TableColumn("key_id"),
    TableColumn("wrapped", BLOB),
    TableColumn("at", BIG_INTEGER),
    TableColumn("reached", BIG_INTEGER),
    TableColumn("until", BIG_INTEGER),
)
data_keys = DATA_KEY.table("data_keys", metadata, sa.Index("data_keys_id", "id", unique=True))
"""The keys that values are encrypted with, wrapped; the newest encrypts. None ever goes: something may need it."""

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("algorithm", sa.Text, nullable=False),
    sa.Column("public", BLOB.type, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)
"""The public keys that receipts and heads were ever signed with, and since when."""

WITNESSED = Layout(
    Witnessed,
    TableColumn("platform", key=True),
    TableColumn("size", BIG_INTEGER, key=True),
    TableColumn("root", BLOB),
    TableColumn("at", TIME),
    TableColumn("answer"),
    TableColumn("key"),
    TableColumn("signed_at", BIG_INTEGER),
    TableColumn("signature"),
)
witnessed = WITNESSED.table("witnessed", metadata)
"""Which heads platforms took to keep them. Never changed."""

STAMP = Layout(Stamp, TableColumn("size", BIG_INTEGER, key=True), TableColumn("at", TIME), TableColumn("answer", BLOB))
stamps = STAMP.table("stamps", metadata)
"""The time-stamps of heads. Never changed."""

replays = sa.Table(
    "replays",
    metadata,
    sa.Column("seq", SEQ.type, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("finished", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("replays_id", "id", unique=True),
)

FINDING = Layout(
    CaseFinding,
    TableColumn("seq", SEQ, key=True, given=True, numbered=True),
    TableColumn("lane"),
    TableColumn("rule"),
    TableColumn("case_number"),
    TableColumn("correlation_id"),
    TableColumn("region"),
    TableColumn("version"),
    TableColumn("result"),
    TableColumn("said_zh"),
    TableColumn("said_en"),
    TableColumn("evidence", JSON_LIST),
    TableColumn("at", TIME),
    TableColumn("told", optional=True),
    TableColumn("last_told", optional=True),
    TableColumn("reviewer", optional=True),
    TableColumn("answer", optional=True),
    TableColumn("answered_by", optional=True),
    TableColumn("answered_at", TIME, optional=True),
)
"""What the checks of cases came to: of each lane and rule the last. `told`: the message of it; null: undecided."""
findings = FINDING.table(
    "findings",
    metadata,
    sa.CheckConstraint("result IN ('met', 'missed', 'not-applicable', 'unknown')", name="result_known"),
    sa.Index("findings_rule", "lane", "rule", unique=True),
    sa.Index("findings_case", "correlation_id"),
    sa.Index("findings_result", "result", "seq"),
)
sa.Index("findings_untold", findings.c.seq, **_only(sa.text("told IS NULL")))

assessed_cases = sa.Table(
    "assessed_cases",
    metadata,
    sa.Column("lane", sa.Text, primary_key=True),
    sa.Column("correlation_id", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger),
    sa.Column("until", sa.BigInteger),
    sa.Column("changes", sa.BigInteger, nullable=False),
    sa.Index("assessed_cases_correlation", "correlation_id"),
    sqlite_with_rowid=False,
)
"""On which days the findings of a case hold: from `since` until before `until`, numbered as in `clocks`; null: all days
before, or after. `until` 0: something that they rest on has changed. `changes`: how often that happened."""
sa.Index("assessed_cases_since", assessed_cases.c.since, assessed_cases.c.lane, **_only(sa.text("since IS NOT NULL")))
sa.Index("assessed_cases_until", assessed_cases.c.until, assessed_cases.c.lane, **_only(sa.text("until IS NOT NULL")))

grounds = sa.Table(
    "grounds",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("lane", sa.Text, primary_key=True),
    sa.Index("grounds_lane", "lane"),
    sqlite_with_rowid=False,
)
"""What the findings of each case rest on outside it."""

changed_grounds = sa.Table(
    "changed_grounds",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("after", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What has changed of that, until all cases that rest on it are due; `after`: the last of them, by lane."""

assessment_runs = sa.Table(
    "assessment_runs",
    metadata,
    sa.Column("seq", SEQ.type, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("finished", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("assessment_runs_id", "id", unique=True),
)

COMPARISON = Layout(
    Comparison,
    TableColumn("id", key=True),
    TableColumn("platform"),
    TableColumn("direction", DIRECTION),
    TableColumn("day"),
    TableColumn("until", TIME),
    TableColumn("at", TIME),
    TableColumn("actor"),
    TableColumn("listed", BIG_INTEGER),
    TableColumn("digest"),
    TableColumn("sound", FLAG),
    TableColumn("counts", JSON_OBJECT),
)
"""What platforms' lists of a day came to."""
comparisons = COMPARISON.table("comparisons", metadata)

missing = sa.Table(
    "missing",
    metadata,
    sa.Column("comparison", sa.Text, primary_key=True),
    sa.Column("delivery", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""The deliveries that a comparison found missing, by their positions; written before the comparison itself is."""

retention = sa.Table(
    "retention",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("told", sa.BigInteger, nullable=False),
    sa.Column("looked_at", sa.BigInteger, nullable=False),
    sa.Column("kept_for", sa.Text, nullable=False),
    sa.CheckConstraint("id = 1", name="one_row"),
)
"""One row: the ledger's own time, the clock's when it last went on, and the seq up to which every message was looked
once, by the retention that `kept_for` tells: what of them is still there is in `kept_cases`, or a remnant."""

marks = sa.Table(
    "marks",
    metadata,
    sa.Column("seq", SEQ.type, primary_key=True, autoincrement=False),
    sa.Column("time", sa.BigInteger, nullable=False),
)
"""Which message was the last at a moment of the ledger's own time: a row a day. So the age of each is known."""

kept_cases = sa.Table(
    "kept_cases",
    metadata,
    sa.Column("correlation_id", sa.Text, primary_key=True),
    sa.Column("look_at", sa.BigInteger, nullable=False),
    sa.Index("kept_cases_look_at", "look_at"),
    sqlite_with_rowid=False,
)
"""Cases that were old enough to be looked at and are kept, and when (by the ledger's own time) to look again."""

OCCURRENCE = Layout(
    Occurrence,
    TableColumn("seq", SEQ, key=True, given=True, numbered=True),
    TableColumn("name"),
    TableColumn("message_id"),
    TableColumn("identity"),
    TableColumn("month", BIG_INTEGER, given=True, selected=False),
    TableColumn("day", DAY),
    TableColumn("until", DAY, optional=True),
    TableColumn("region"),
    TableColumn("authority"),
    TableColumn("lane"),
    TableColumn("number"),
    TableColumn("party"),
    TableColumn("at", TIME, optional=True),
    TableColumn("limit", TIME, optional=True),
    TableColumn("own", WORDS),
    TableColumn("traits", WORDS),
    TableColumn("amount", BIG_INTEGER),
    TableColumn("things", WORDS),
    TableColumn("received_at", TIME),
    TableColumn("first_at", TIME),
    TableColumn("since", TIME),
)
"""`month`: of its day, as `Tally.month`."""
occurrences = OCCURRENCE.table(
    "occurrences",
    metadata,
    sa.Column("ended", sa.BigInteger),
    sa.Index("occurrences_message", "message_id"),
    sa.Index("occurrences_month", "name", "month", "seq"),
)
"""What documents told of that happened, each as it stood from `since` until `ended` (null: it still does)."""
sa.Index("occurrences_identity", occurrences.c.identity, **_only(sa.text("ended IS NULL")))
sa.Index("occurrences_lane", occurrences.c.lane, **_only(sa.text("ended IS NULL AND lane <> ''")))
sa.Index("occurrences_party", occurrences.c.party, **_only(sa.text("ended IS NULL AND party <> ''")))

IS_UNCOUNTED = sa.text(f"ended IS NULL AND own LIKE '%,{UNCOUNTED},%'")
"""As it stands in the index: what repeats it uses the index."""
sa.Index("occurrences_uncounted", occurrences.c.seq, **_only(IS_UNCOUNTED))

tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("month", sa.BigInteger, primary_key=True, autoincrement=False),
    *(sa.Column(name, sa.Text, primary_key=True) for name in ("name", "thing", "traits", "region", "authority")),
    sa.Column("arrived", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How many of the occurrences that stand are alike: kept with every change of one, so that nobody has to count."""

heard = sa.Table(
    "heard",
    metadata,
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What was heard of, and when last: regions with any message, and the enterprises of each register."""

counted = sa.Table(
    "counted",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Up to which row of a table the use of the gateway is tallied."""

followed = sa.Table(
    "followed",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""How far each observer was shown the messages: all up to the seq `position`. `owner`: the process that shows them."""

changed_messages = sa.Table(
    "changed_messages",
    metadata,
    sa.Column("observer", sa.Text, primary_key=True),
    sa.Column("message", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("times", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Messages that an observer has to be shown again, because they were tied to another case; `times`: how often."""

clocked_cases = sa.Table(
    "clocked_cases",
    metadata,
    sa.Column("correlation_id", sa.Text, primary_key=True),
    sa.Column("ordering_key", sa.Text, primary_key=True),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("platforms", sa.Text, nullable=False),
    sa.Column("complete", sa.BigInteger, nullable=False),
    sa.Column("counted_by", sa.Text, nullable=False),
    sa.Index("clocked_cases_by", "counted_by"),
    sqlite_with_rowid=False,
)
"""Cases whose deadlines were counted, also those that have none; `counted_by`: by which rules and calendar."""

clocks = sa.Table(
    "clocks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("correlation_id", sa.Text, nullable=False),
    sa.Column("ordering_key", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("started", sa.BigInteger, nullable=False),
    sa.Column("due", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.BigInteger),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("unknown_year", sa.BigInteger),
    sa.Index("clocks_correlation", "correlation_id"),
    sa.Index("clocks_due", "standing", "due", "id", "rule"),
    sqlite_with_rowid=False,
)
"""Deadlines of cases; days are numbered from 0001-01-01, which is 1. `id` stands for correlation, lane, rule and what
it is about. Whether an open one is missed is not kept: it becomes so by the mere passing of a day."""

prunings = sa.Table(
    "prunings",
    metadata,
    sa.Column("seq", SEQ.type, primary_key=True),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("prunings_of_day", "day", "actor", "type", "what", unique=True),
)
"""What was pruned: a row for each day, actor, type and sort. Never changed but by adding what went on the same day."""

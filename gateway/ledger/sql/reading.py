"""Reading beside the writer: one thing at a time, and the heads of lanes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.base import OutboundRequest
from gateway.ledger import decisions
from gateway.ledger.records import Claim, Hold, Inbox, Native, Rejection, Work
from gateway.ledger.sql import claims, numbers, overlay, rows, tables
from gateway.ledger.sql.codecs import micros, moment, unpack
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.statements import Prepared, PreparedMany, listed, may_go, none_of, of_types
from gateway.ledger.sql.tables import ATTEMPT, DELIVERY, MESSAGE, REJECTION
from gateway.message import Attempt, Delivery, Message, State

_m, _d, _b, _j = (
    tables.messages.c,
    tables.deliveries.c,
    tables.bodies.c,
    tables.rejections.c,
)
_stored = tables.messages.join(tables.documents)
_delivering = tables.deliveries.join(tables.messages)
_working = _delivering.join(tables.documents).outerjoin(tables.requests)
_POSITION = DELIVERY.at("position")

_MESSAGE = Prepared(sa.select(*rows.MESSAGE_COLUMNS).select_from(_stored).where(_m.id == sa.bindparam("id")), ("id",))
_NATIVE = Prepared(
    sa.select(_b.content, _b.content_type, _m.record)
    .select_from(tables.messages.join(tables.bodies, _m.body == _b.seq))
    .where(_m.id == sa.bindparam("id")),
    ("id",),
)
_DELIVERY = Prepared(
    sa.select(*overlay.SHOWN_COLUMNS).select_from(_delivering).where(_d.id == sa.bindparam("id")), ("id",)
)
_DELIVERIES = PreparedMany(
    ["id"],
    lambda wanted: sa.select(*overlay.SHOWN_COLUMNS).select_from(
        wanted.join(tables.messages, _m.id == wanted.c.id).join(tables.deliveries, _d.message == _m.seq)
    ),
)
_ATTEMPTS = Prepared(
    sa.select(*ATTEMPT.select(tables.attempts))
    .select_from(tables.attempts.join(tables.deliveries))
    .where(_d.id == sa.bindparam("id"))
    .order_by(tables.attempts.c.seq),
    ("id",),
)
_SENT = Prepared(
    sa.select(*rows.REQUEST_COLUMNS)
    .select_from(tables.requests.join(tables.deliveries))
    .where(_d.id == sa.bindparam("id")),
    ("id",),
)
_REJECTION = Prepared(sa.select(*REJECTION.select(tables.rejections)).where(_j.id == sa.bindparam("id")), ("id",))
_REJECTED = Prepared(
    sa.select(_b.content, _b.content_type, _j.record)
    .select_from(tables.rejections.join(tables.bodies, _j.body == _b.seq))
    .where(_j.id == sa.bindparam("id")),
    ("id",),
)

_TAKES_PART = sa.or_(
    _m.source == sa.bindparam("platform"),
    sa.exists().where(_d.platform == sa.bindparam("platform"), _d.message == _m.seq),
)
_PARTAKES = Prepared(
    sa.select(sa.func.max(sa.case((_TAKES_PART, 1), else_=0))).where(
        _m.correlation_id == sa.bindparam("correlation_id")
    ),
    ("platform", "correlation_id"),
)

_WORK_COLUMNS = (*rows.DELIVERY_COLUMNS, *rows.MESSAGE_COLUMNS, *rows.REQUEST_COLUMNS)
_READY = Prepared(
    sa.select(*_WORK_COLUMNS)
    .select_from(_working)
    .where(_d.platform == sa.bindparam("platform"), may_go(_d, State.READY), of_types(_d.type), none_of(_d.id, "known"))
    .order_by(_d.position)
    .limit(sa.bindparam("limit")),
    ("platform", "only", "besides", "known", "limit"),
)


def _due(*when: sa.ColumnElement[bool]) -> sa.Select[Any]:
    here = _d.platform == sa.bindparam("platform")
    return sa.select(_d.position, _d.id).where(here, may_go(_d, State.WAITING), of_types(_d.type), *when)


_not_due = (_d.due_at > sa.bindparam("now"), _d.due_at <= sa.bindparam("latest"))

# Due up to now, or later than any wait can be, or waiting since a moment that is still to come: ranges of two indexes.
# The positions found are sorted before anything else of them is read, because the indexes are in order of time.
_due_positions = sa.union_all(
    _due(_d.due_at <= sa.bindparam("now")),
    _due(_d.due_at > sa.bindparam("latest")),
    _due(_d.waits_since > sa.bindparam("now"), *_not_due),
)
_due_ones = _due_positions.subquery("due")
_due_first = (
    sa.select(_due_ones.c.position)
    .where(none_of(_due_ones.c.id, "known"))
    .order_by("position")
    .limit(sa.bindparam("limit"))
)
_DUE = Prepared(
    sa.select(*_WORK_COLUMNS).select_from(_working).where(_d.position.in_(_due_first)).order_by(_d.position),
    ("platform", "only", "besides", "now", "latest", "known", "limit"),
)
_NEXT_DUE = Prepared(
    sa.select(_d.due_at)
    .where(
        _d.platform == sa.bindparam("platform"),
        may_go(_d, State.WAITING),
        of_types(_d.type),
        *_not_due,
        sa.or_(_d.waits_since.is_(None), _d.waits_since <= sa.bindparam("now")),
    )
    .order_by(_d.due_at)
    .limit(1),
    ("platform", "only", "besides", "now", "latest"),
)


# ── one thing ─────────────────────────────────────────────────────────────────────────────────
def message(connection: sa.Connection, message_id: str) -> Message | None:
    """Give a message."""
    row = _MESSAGE.row(connection, message_id)
    return rows.message(row) if row else None


def _native(found: Sequence[Row]) -> Native | None:
    return next((Native(unpack(content), content_type, record) for content, content_type, record in found), None)


def native(connection: sa.Connection, message_id: str) -> Native | None:
    """Give the bytes a message came in."""
    return _native(_NATIVE.rows(connection, message_id))


def rejection(connection: sa.Connection, rejection_id: str) -> Rejection | None:
    """Give a rejection."""
    row = _REJECTION.row(connection, rejection_id)
    return REJECTION.read(row) if row else None


def rejection_native(connection: sa.Connection, rejection_id: str) -> Native | None:
    """Give the bytes of a rejection."""
    return _native(_REJECTED.rows(connection, rejection_id))


def delivery(connection: sa.Connection, delivery_id: str) -> Delivery | None:
    """Give a delivery as it is shown."""
    return next(iter(overlay.as_shown(connection, _DELIVERY.rows(connection, delivery_id))), None)


def deliveries_of(connection: sa.Connection, *message_ids: str) -> Sequence[Delivery]:
    """Give the deliveries of messages as they are shown, in order of position."""
    found = _DELIVERIES.rows(connection, [(each,) for each in message_ids])
    once = {row[_POSITION]: row for row in found}
    return overlay.as_shown(connection, [once[position] for position in sorted(once)])


def attempts_of(connection: sa.Connection, delivery_id: str) -> Sequence[Attempt]:
    """Give a delivery's attempts, in order."""
    return [ATTEMPT.read(row, delivery_id=delivery_id) for row in _ATTEMPTS.rows(connection, delivery_id)]


def sent(connection: sa.Connection, delivery_id: str) -> OutboundRequest | None:
    """Give the request fixed at the first attempt."""
    row = _SENT.row(connection, delivery_id)
    return rows.request(row) if row else None


def partakes(connection: sa.Connection, correlation_id: str, platform: str) -> bool | None:
    """Tell whether a platform sent or got a message of a correlation; None when there is none."""
    [(found,)] = _PARTAKES.rows(connection, platform, correlation_id)
    return None if found is None else bool(found)


# ── heads ─────────────────────────────────────────────────────────────────────────────────────
def heads(
    connection: sa.Connection,
    claim: Claim | Inbox,
    now: datetime,
    latest: datetime,
    limit: int,
    *,
    only: Collection[str] | None,
    besides: Collection[str],
    known: Collection[str],
    probe: bool,
) -> Sequence[Work]:
    """Give lane heads that may be sent, by position."""
    claims.verify(connection, claim)
    here = overlay.holds(connection, claim.platform).get(claim.platform, ())
    in_force = decisions.in_force(here, probe=probe)
    if any(hold.type is None for hold in in_force):
        return ()
    held = {hold.type for hold in in_force if hold.type is not None}
    chosen = _chosen(claim, only, {*besides, *held})
    left_out = listed(known)
    ready = _READY.rows(connection, *chosen, left_out, limit)
    due = _DUE.rows(connection, *chosen, micros(now), micros(latest), left_out, limit)
    found = sorted((*ready, *due), key=lambda row: int(row[_POSITION]))[:limit] if due else ready
    return _works(connection, claim.platform, here, found)


def _works(connection: sa.Connection, platform: str, here: Sequence[Hold], found: Sequence[Row]) -> Sequence[Work]:
    named = [(rows.correlation(row[DELIVERY.width :]), rows.numbers(row[DELIVERY.width :])) for row in found]
    aliases = numbers.aliases(connection, [(case, platform, *one) for case, each in named for one in each.items()])
    return [
        _work(row, here, numbers.known_as(aliases, case, platform, each))
        for row, (case, each) in zip(found, named, strict=True)
    ]


def _work(row: Row, here: Sequence[Hold], aliases: Mapping[str, str]) -> Work:
    stored = row[DELIVERY.width :]
    return Work(
        # A head has nobody ahead of it, so none that is dead either.
        delivery=decisions.shown(DELIVERY.read(row), here, parked=False),
        message=rows.message(stored),
        request=rows.request(stored[MESSAGE.width :]),
        aliases=aliases,
    )


def next_due(
    connection: sa.Connection,
    claim: Claim | Inbox,
    now: datetime,
    latest: datetime,
    *,
    only: Collection[str] | None,
    besides: Collection[str],
) -> datetime | None:
    """Give when the next waiting head is due that is not due yet."""
    claims.verify(connection, claim)
    row = _NEXT_DUE.row(connection, *_chosen(claim, only, besides), micros(now), micros(latest))
    return moment(row[0]) if row else None


def _chosen(
    claim: Claim | Inbox, only: Collection[str] | None, besides: Collection[str]
) -> tuple[str, str | None, str]:
    """Give the parameters that choose heads: their platform, and their types."""
    return claim.platform, None if only is None else listed(only), listed(besides)

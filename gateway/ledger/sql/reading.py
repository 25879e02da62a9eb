"""Reading beside the writer: one thing, and the heads of lanes; a batch is answered from one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.base import OutboundRequest
from gateway.errors import HutongError
from gateway.ledger import decisions
from gateway.ledger.records import Native, Rejection, Work
from gateway.ledger.sql import lanes, numbers, platforms, rows, tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.border import translated
from gateway.ledger.sql.codecs import micros, moment, unpack
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.statements import Prepared, is_head, is_state
from gateway.ledger.sql.tables import ATTEMPT, DELIVERY, MESSAGE, REJECTION
from gateway.message import Attempt, Delivery, Message, State

_m, _d, _b, _r, _j = (
    tables.messages.c,
    tables.deliveries.c,
    tables.bodies.c,
    tables.requests.c,
    tables.rejections.c,
)
_stored = tables.messages.join(tables.documents)
_delivering = tables.deliveries.join(tables.messages)
_working = _delivering.join(tables.documents).outerjoin(tables.requests)

_dead = tables.deliveries.alias("dead")
PARKED: sa.ColumnElement[Any] = sa.exists().where(
    _dead.c.lane == _d.lane,
    _dead.c.platform == _d.platform,
    is_state(_dead.c.state, State.DEAD),
    _dead.c.position < _d.position,
)
"""Whether one ahead of a delivery in its lane is dead."""

SHOWN_COLUMNS = (*rows.DELIVERY_COLUMNS, PARKED)
_PARKED = DELIVERY.width
_POSITION_AT = DELIVERY.at("position")

_MESSAGE = Prepared(sa.select(*rows.MESSAGE_COLUMNS).select_from(_stored).where(_m.id == sa.bindparam("id")), ("id",))
_NATIVE = Prepared(
    sa.select(_b.content, _b.content_type, _m.record)
    .select_from(tables.messages.join(tables.bodies, _m.body == _b.seq))
    .where(_m.id == sa.bindparam("id")),
    ("id",),
)
_DELIVERY = Prepared(sa.select(*SHOWN_COLUMNS).select_from(_delivering).where(_d.id == sa.bindparam("id")), ("id",))
_DELIVERIES = Prepared(
    sa.select(*SHOWN_COLUMNS).select_from(_delivering).where(_m.id == sa.bindparam("id")).order_by(_d.position),
    ("id",),
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

_WORK_COLUMNS = (*rows.DELIVERY_COLUMNS, *rows.MESSAGE_COLUMNS, *rows.REQUEST_COLUMNS)
_WORK_HERE = [_d.platform == sa.bindparam("platform"), is_head(_d.head)]
_READY = Prepared(
    sa.select(*_WORK_COLUMNS)
    .select_from(_working)
    .where(*_WORK_HERE, is_state(_d.state, State.READY))
    .order_by(_d.position)
    .limit(sa.bindparam("limit")),
    ("platform", "limit"),
)
_DUE = Prepared(
    sa.select(*_WORK_COLUMNS)
    .select_from(_working)
    .where(*_WORK_HERE, is_state(_d.state, State.WAITING), _d.due_at <= sa.bindparam("now"))
    .order_by(_d.position)
    .limit(sa.bindparam("limit")),
    ("platform", "now", "limit"),
)
_NEXT_DUE = Prepared(
    sa.select(_d.due_at).where(*_WORK_HERE, is_state(_d.state, State.WAITING)).order_by(_d.due_at).limit(1),
    ("platform",),
)
_POSITION = Prepared(sa.select(_d.position).where(_d.id == sa.bindparam("id")), ("id",))
_UNROUTED = Prepared(
    sa.select(*rows.DELIVERY_COLUMNS, *rows.MESSAGE_COLUMNS)
    .select_from(_delivering.join(tables.documents))
    .where(
        is_state(_d.state, State.UNROUTED),
        _d.kind == sa.bindparam("kind"),
        _d.position > sa.bindparam("after"),
    )
    .order_by(_d.position)
    .limit(sa.bindparam("limit")),
    ("kind", "after", "limit"),
)


# ── the thread that reads ────────────────────────────────────────────────────────────────────
Question = Callable[[sa.Connection], Any]
"""One thing to read."""


class Reader:
    """Answers batches of questions on a connection that cannot write."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def run(self, batch: Sequence[Question]) -> Sequence[OperationResult]:
        """Answer each question; what one of them raises is its own result."""
        try:
            with self._engine.begin() as connection:
                return [_answer(question, connection) for question in batch]
        except sa.exc.SQLAlchemyError as error:
            return [translated(error)] * len(batch)


def _answer(question: Question, connection: sa.Connection) -> OperationResult:
    try:
        return question(connection)
    except HutongError as error:
        return error
    except sa.exc.SQLAlchemyError as error:
        return translated(error)
    except Exception as error:  # the asker is told; the thread goes on
        return error


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


def as_shown(connection: sa.Connection, found: Sequence[Row]) -> list[Delivery]:
    """Read `SHOWN_COLUMNS`."""
    holds = lanes.holds(connection)
    kept = [(DELIVERY.read(row), bool(row[_PARKED])) for row in found]
    return [decisions.shown(each, holds.get(each.platform or "", ()), parked=parked) for each, parked in kept]


def delivery(connection: sa.Connection, delivery_id: str) -> Delivery | None:
    """Give a delivery as it is shown."""
    return next(iter(as_shown(connection, _DELIVERY.rows(connection, delivery_id))), None)


def deliveries_of(connection: sa.Connection, message_id: str) -> Sequence[Delivery]:
    """Give a message's deliveries as they are shown."""
    return as_shown(connection, _DELIVERIES.rows(connection, message_id))


def attempts_of(connection: sa.Connection, delivery_id: str) -> Sequence[Attempt]:
    """Give a delivery's attempts, in order."""
    return [ATTEMPT.read(row, delivery_id=delivery_id) for row in _ATTEMPTS.rows(connection, delivery_id)]


def sent(connection: sa.Connection, delivery_id: str) -> OutboundRequest | None:
    """Give the request fixed at the first attempt."""
    row = _SENT.row(connection, delivery_id)
    return rows.request(row) if row else None


# ── heads ─────────────────────────────────────────────────────────────────────────────────────
def heads(connection: sa.Connection, platform: str, now: datetime, limit: int, *, probe: bool) -> Sequence[Work]:
    """Give lane heads that may be sent, oldest first."""
    known = platforms.one(connection, platform)
    if known is not None and not decisions.may_send(known.holds, probe=probe):
        return ()
    ready = _READY.rows(connection, platform, limit)
    due = _DUE.rows(connection, platform, micros(now), limit)
    found = sorted((*ready, *due), key=lambda row: int(row[_POSITION_AT]))[:limit] if due else ready
    spoken = [set(_spoken(row[DELIVERY.width :])) for row in found]
    known_as = numbers.aliases(connection, platform, {one for each in spoken for one in each})
    return [
        _work(row, {one[1]: known_as[one] for one in each if one in known_as})
        for row, each in zip(found, spoken, strict=True)
    ]


def _spoken(stored: Row) -> Iterator[tuple[str, str, str]]:
    correlation_id = rows.correlation(stored)
    return ((correlation_id, field, number) for field, number in rows.numbers(stored).items())


def _work(row: Row, aliases: dict[str, str]) -> Work:
    stored = row[DELIVERY.width :]
    return Work(
        delivery=DELIVERY.read(row),
        message=rows.message(stored),
        request=rows.request(stored[MESSAGE.width :]),
        aliases=aliases,
    )


def next_due(connection: sa.Connection, platform: str) -> datetime | None:
    """Give when the next waiting head is due."""
    return next((moment(due_at) for (due_at,) in _NEXT_DUE.rows(connection, platform)), None)


def unrouted(connection: sa.Connection, kind: str, after: str | None, limit: int) -> Sequence[tuple[Delivery, Message]]:
    """Give unrouted deliveries of a kind with their messages."""
    [position] = (_POSITION.row(connection, after) if after is not None else None) or [0]
    found = _UNROUTED.rows(connection, kind, position, limit)
    return [(DELIVERY.read(row), rows.message(row[DELIVERY.width :])) for row in found]

"""Deliveries as they are kept: found by id, put as they are now, and the head of each lane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.errors import no_delivery
from gateway.ledger.sql import rows, tables
from gateway.ledger.sql.codecs import read_holds
from gateway.ledger.sql.rows import StoredDelivery
from gateway.ledger.sql.statements import Prepared, PreparedMany, inserting, is_head, is_open, is_state
from gateway.ledger.sql.tables import DELIVERY
from gateway.ledger.sql.writing import Transaction
from gateway.message import Delivery, HeldBy, State

_d = tables.deliveries.c
_with_messages = tables.deliveries.join(tables.messages, _d.message == tables.messages.c.seq)
_here = [_d.lane == sa.bindparam("lane"), _d.platform == sa.bindparam("platform")]


def _in_lane(wanted: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [_d.lane == wanted.c.lane, _d.platform == wanted.c.platform]


def _first(*lane: sa.ColumnElement[bool]) -> sa.Select[tuple[int]]:
    return sa.select(sa.func.min(_d.position)).where(*lane, is_open(_d.state))


_BY_ID = PreparedMany(
    ["id"],
    lambda wanted: sa.select(*rows.DELIVERY_COLUMNS).select_from(wanted.join(_with_messages, _d.id == wanted.c.id)),
)
_FIRST_OF = PreparedMany(
    ["lane", "platform"],
    lambda wanted: sa.select(wanted, _first(*_in_lane(wanted)).correlate(wanted).scalar_subquery()),
)
_OCCUPIED = PreparedMany(
    ["lane", "platform"],
    lambda wanted: sa.select(
        wanted,
        sa.exists().where(*_in_lane(wanted), is_head(_d.head)).correlate(wanted),
        sa.exists().where(*_in_lane(wanted), is_state(_d.state, State.DEAD)).correlate(wanted),
    ),
)
_FIRST = Prepared(_first(*_here), ("lane", "platform"))
_HEAD = Prepared(sa.select(_d.position, _d.state).where(*_here, is_head(_d.head)), ("lane", "platform"))
_DEAD_AHEAD = Prepared(
    sa.select(sa.exists().where(*_here, is_state(_d.state, State.DEAD), _d.position < sa.bindparam("position"))),
    ("lane", "platform", "position"),
)
_DELIVERED_LATER = Prepared(
    sa.select(sa.exists().where(*_here, is_state(_d.state, State.DELIVERED), _d.position > sa.bindparam("position"))),
    ("lane", "platform", "position"),
)
_CHANGE = Prepared(
    sa.update(tables.deliveries).where(_d.position == sa.bindparam("position_")).values({"was": _d.state}),
    (*DELIVERY.changed, "position_"),
)
_SET_HEAD = Prepared(
    sa.update(tables.deliveries).where(_d.position == sa.bindparam("position_")),
    ("head", "position_"),
)
_ROUTE = Prepared(
    sa.update(tables.deliveries).where(_d.position == sa.bindparam("position_")),
    ("platform", "position_"),
)
_HOLDS = Prepared(sa.select(tables.platforms.c.id, tables.platforms.c.holds).where(tables.platforms.c.holds != ""), ())
ADD = inserting(tables.deliveries, DELIVERY.inserted)

Lane = tuple[str, str]
"""Ordering key and platform."""

Holds = Mapping[str, frozenset[HeldBy]]


def find(transaction: Transaction, ids: Sequence[str]) -> dict[str, StoredDelivery]:
    """Give deliveries by id."""
    found = map(rows.stored, _BY_ID.rows(transaction.connection, [(each,) for each in ids]))
    return {one.delivery.id: one for one in found}


def one(transaction: Transaction, delivery_id: str) -> StoredDelivery:
    """Give one delivery; NotFound when there is none."""
    found = find(transaction, [delivery_id])
    if delivery_id not in found:
        raise no_delivery(delivery_id)
    return found[delivery_id]


def lane_of(delivery: Delivery) -> Lane:
    """Give the lane of a routed delivery."""
    return delivery.lane, delivery.platform or ""


def holds(connection: sa.Connection) -> Holds:
    """Give the holds of the platforms that have one."""
    return {platform: read_holds(words) for platform, words in _HOLDS.rows(connection)}


def occupied(transaction: Transaction, lanes: Iterable[Lane]) -> dict[Lane, tuple[bool, bool]]:
    """Tell for each lane whether it has a head, and whether one in it is dead."""
    found = _OCCUPIED.rows(transaction.connection, list(lanes))
    return {(lane, platform): (bool(head), bool(dead)) for lane, platform, head, dead in found}


def shown(transaction: Transaction, delivery: Delivery, holds: Holds) -> Delivery:
    """Give a delivery as it is shown."""
    row = _DEAD_AHEAD.row(transaction.connection, *lane_of(delivery), delivery.position)
    parked = bool(row and row[0])
    return decisions.shown(delivery, holds.get(delivery.platform or "", ()), parked=parked)


def moved_on(transaction: Transaction, delivery: Delivery) -> bool:
    """Tell whether a later delivery of the lane was delivered."""
    row = _DELIVERED_LATER.row(transaction.connection, *lane_of(delivery), delivery.position)
    return bool(row and row[0])


def change(transaction: Transaction, changes: Sequence[tuple[Delivery, bool]]) -> None:
    """Put deliveries as they are now, each with whether it is a head."""
    _CHANGE.run(transaction.connection, [DELIVERY.write_changes(delivery, head=head) for delivery, head in changes])


def route(transaction: Transaction, delivery: Delivery) -> None:
    """Write the platform that a delivery goes to."""
    _ROUTE.run(transaction.connection, [(delivery.platform, delivery.position)])


def follow(transaction: Transaction, heads: Sequence[Delivery]) -> list[bool]:
    """Make the first open delivery the head of each lane whose head took a step; tell where that is another one."""
    found = _FIRST_OF.rows(transaction.connection, [lane_of(head) for head in heads])
    first: dict[Lane, int | None] = {(lane, platform): position for lane, platform, position in found}
    moved = [first[lane_of(head)] not in (None, head.position) for head in heads]
    # A lane has at most one head (a unique index): the old one is cleared before the new one is set.
    left = [head for head, another in zip(heads, moved, strict=True) if another]
    _SET_HEAD.run(transaction.connection, [(False, head.position) for head in left if decisions.is_open(head)])
    _SET_HEAD.run(transaction.connection, [(True, first[lane_of(head)]) for head in left])
    return moved


def set_head(transaction: Transaction, lane: Lane) -> None:
    """Make the first open delivery of a lane its head, unless the head is being sent: that one stays the head."""
    position, state = _HEAD.row(transaction.connection, *lane) or (None, None)
    [(first,)] = _FIRST.rows(transaction.connection, *lane)
    if first is None or position == first or state == State.SENDING:
        return
    _SET_HEAD.run(transaction.connection, [] if position is None else [(False, position)])
    _SET_HEAD.run(transaction.connection, [(True, first)])

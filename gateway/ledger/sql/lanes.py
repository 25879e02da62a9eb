"""Deliveries as they are kept: found by id, put as they are now, and the head of each lane."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.errors import no_delivery
from gateway.ledger.sql import counts, rows, tables
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.overlay import Holds
from gateway.ledger.sql.rows import StoredDelivery
from gateway.ledger.sql.statements import PreparedChanges, PreparedMany, inserting, is_head, is_open_state, is_state
from gateway.ledger.sql.tables import DELIVERY
from gateway.ledger.sql.writing import Transaction
from gateway.message import SENDABLE, Delivery, State

_d, _h = tables.deliveries.c, tables.holds.c
_with_messages = tables.deliveries.join(tables.messages, _d.message == tables.messages.c.seq)
_head = tables.deliveries.alias("head_of")
_later = tables.deliveries.alias("later")

MOVED_ON: sa.ColumnElement[bool] = sa.or_(
    *(
        sa.exists().where(
            _later.c.lane == _d.lane, _later.c.platform == _d.platform, _later.c.position > _d.position, *further_on
        )
        for further_on in (
            [is_state(_later.c.state, State.DELIVERED)],
            [
                is_open_state(_later.c.state),
                sa.or_(is_state(_later.c.state, State.SENDING), _later.c.in_doubt.is_(sa.true())),
            ],
        )
    )
)
"""Whether a later delivery of a delivery's lane was delivered, or is open and being sent or in doubt."""


def _in_lane(wanted: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [_d.lane == wanted.c.lane, _d.platform == wanted.c.platform]


def _first(wanted: sa.FromClause, state: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.select(sa.func.min(_d.position)).where(*_in_lane(wanted), state).correlate(wanted).scalar_subquery()


_BY_ID = PreparedMany(
    ["id"],
    lambda wanted: sa.select(*rows.DELIVERY_COLUMNS).select_from(wanted.join(_with_messages, _d.id == wanted.c.id)),
)
_LANES = PreparedMany(
    ["id"],
    lambda wanted: sa.select(_d.lane).select_from(wanted.join(tables.deliveries, _d.id == wanted.c.id)),
)
_OCCUPIED = PreparedMany(
    ["lane", "platform"],
    lambda wanted: sa.select(
        wanted,
        sa.exists().where(*_in_lane(wanted), is_head(_d.head)).correlate(wanted),
        sa.exists().where(*_in_lane(wanted), is_state(_d.state, State.DEAD)).correlate(wanted),
    ),
)
_FIRST_DEAD = PreparedMany(
    ["lane", "platform"],
    lambda wanted: sa.select(wanted, _first(wanted, is_state(_d.state, State.DEAD))),
)
_HEADS = PreparedMany(
    ["lane", "platform"],
    lambda wanted: sa.select(
        wanted, _first(wanted, is_open_state(_d.state)), _head.c.position, _head.c.state
    ).select_from(
        wanted.outerjoin(
            _head,
            sa.and_(_head.c.lane == wanted.c.lane, _head.c.platform == wanted.c.platform, is_head(_head.c.head)),
        )
    ),
)
_CHANGE = PreparedChanges(tables.deliveries, "position", DELIVERY.changed, {"was": _d.state})
_STAY = PreparedChanges(tables.deliveries, "position", DELIVERY.changed, {})
ADD = inserting(tables.deliveries, DELIVERY.inserted)


def _set_head(to: bool) -> PreparedMany:
    value = sa.true() if to else sa.false()
    return PreparedMany(
        ["position"],
        lambda wanted: (
            sa.update(tables.deliveries).values(head=value).where(_d.position.in_(sa.select(wanted.c.position)))
        ),
        integers=["position"],
    )


_CLEAR_HEAD, _SET_HEAD = _set_head(False), _set_head(True)

Lane = tuple[str, str]
"""Ordering key and platform."""

Step = tuple[StoredDelivery, Delivery]
"""A delivery as it is kept, and as it is to be."""


# ── finding ───────────────────────────────────────────────────────────────────────────────────
def find(transaction: Transaction, ids: Sequence[str]) -> dict[str, StoredDelivery]:
    """Give deliveries by id."""
    found = map(rows.stored, _BY_ID.rows(transaction.connection, [(each,) for each in ids]))
    return {one.delivery.id: one for one in found}


def of(connection: sa.Connection, ids: Sequence[str]) -> list[str]:
    """Give the ordering keys of deliveries, by which their lanes are locked."""
    return [lane for (lane,) in _LANES.rows(connection, [(each,) for each in ids])]


def one(transaction: Transaction, delivery_id: str) -> StoredDelivery:
    """Give one delivery; NotFound when there is none."""
    found = find(transaction, [delivery_id])
    if delivery_id not in found:
        raise no_delivery(delivery_id)
    return found[delivery_id]


def lane_of(delivery: Delivery) -> Lane:
    """Give the lane of a routed delivery."""
    return delivery.lane, delivery.platform or ""


def occupied(transaction: Transaction, lanes: Iterable[Lane]) -> dict[Lane, tuple[bool, bool]]:
    """Tell for each lane whether it has a head, and whether one in it is dead."""
    found = _OCCUPIED.rows(transaction.connection, list(lanes))
    return {(lane, platform): (bool(head), bool(dead)) for lane, platform, head, dead in found}


def first_dead(transaction: Transaction, lanes: Iterable[Lane]) -> dict[Lane, int]:
    """Give the position of the first dead delivery of each lane that has one: it parks all behind it."""
    found = _FIRST_DEAD.rows(transaction.connection, list(lanes))
    return {(lane, platform): position for lane, platform, position in found if position is not None}


def is_parked(delivery: Delivery, dead: Mapping[Lane, int]) -> bool:
    """Tell whether one ahead of a delivery in its lane is dead; `dead` are the first of their lanes."""
    first = dead.get(lane_of(delivery))
    return first is not None and first < delivery.position


def shown(transaction: Transaction, delivery: Delivery, holds: Holds) -> Delivery:
    """Give a delivery as it is shown."""
    parked = is_parked(delivery, first_dead(transaction, [lane_of(delivery)]))
    return decisions.shown(delivery, holds.get(delivery.platform or "", ()), parked=parked)


# ── changing ──────────────────────────────────────────────────────────────────────────────────
def change(transaction: Transaction, steps: Sequence[Step]) -> None:
    """Put deliveries as they are now, and count it; a head that is done with is none any more.

    The heads of their lanes are right again only after `set_heads`.
    """
    dead = first_dead(
        transaction, {lane_of(after) for stored, after in steps if _may_be_parked(stored.delivery, after)}
    )
    # `was` is the state before the last step: what an operator holds or releases takes none.
    for statement, moves in ((_CHANGE, True), (_STAY, False)):
        which = [(stored, after) for stored, after in steps if (stored.delivery.state is not after.state) is moves]
        statement.run(transaction.connection, [_changed(stored, after) for stored, after in which])
    for stored, after in steps:
        parked = is_parked(after, dead)
        counts.step(transaction, stored.delivery, after, parked_before=parked, parked_after=parked)
    _park(transaction, dead, {lane_of(after) for stored, after in steps if _parks(stored.delivery, after)})


def _changed(stored: StoredDelivery, after: Delivery) -> Row:
    return DELIVERY.write_changes(after, head=stored.head and decisions.is_open(after))


def _may_be_parked(before: Delivery, after: Delivery) -> bool:
    """Tell whether it matters to the counts that one ahead is dead: on the way of most deliveries it never does.

    One that is sent was the first of its lane, and so nothing ahead of it was dead.
    """
    if after.platform is None or after.state is State.SENDING:
        return False
    return before.state in SENDABLE or after.state in SENDABLE or _parks(before, after)


def _parks(before: Delivery, after: Delivery) -> bool:
    return (before.state is State.DEAD) is not (after.state is State.DEAD)


def _park(transaction: Transaction, before: Mapping[Lane, int], lanes: Collection[Lane]) -> None:
    after = first_dead(transaction, lanes)
    for lane in lanes:
        if before.get(lane) != after.get(lane):
            counts.park(transaction, lane, before.get(lane), after.get(lane))


def add(transaction: Transaction, added: Sequence[tuple[Delivery, int]]) -> None:
    """Add deliveries at the end of their lanes, each with the seq of its message; then comes `set_heads`."""
    dead = first_dead(transaction, {lane_of(delivery) for delivery, _ in added})
    ADD.run(
        transaction.connection, [DELIVERY.write(delivery, message=message, head=False) for delivery, message in added]
    )
    for delivery, _ in added:
        counts.step(transaction, None, delivery, parked_after=is_parked(delivery, dead))


def set_heads(transaction: Transaction, lanes: Collection[Lane]) -> set[Lane]:
    """Make the first open delivery of each lane its head, unless the head is being sent: that one stays the head.

    Gives the lanes that have another head now.
    """
    moved: list[tuple[Lane, int, int | None]] = []
    for lane, platform, first, head, state in _HEADS.rows(transaction.connection, list(lanes)):
        if first is not None and first != head and state != State.SENDING:
            moved.append(((lane, platform), first, head))
    # A lane has at most one head (a unique index): the old ones are cleared before the new ones are set.
    _CLEAR_HEAD.run(transaction.connection, [(head,) for _, _, head in moved if head is not None])
    _SET_HEAD.run(transaction.connection, [(first,) for _, first, _ in moved])
    return {lane for lane, _, _ in moved}

"""Holds of platforms and endpoints, and what holds each delivery, laid over it as it is read and looked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.records import Hold
from gateway.ledger.sql import rows, tables
from gateway.ledger.sql.codecs import moment
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.statements import Prepared, in_states, is_open_state, is_state, not_delivered
from gateway.ledger.sql.tables import DELIVERY
from gateway.message import HELD, KIND_UNWANTED, SENDABLE, UNWANTED, Delivery, HeldBy, State

Condition = sa.ColumnElement[bool]
Columns = sa.ColumnCollection[str, sa.Column[Any]]
_d, _h = tables.deliveries.c, tables.holds.c
_dead = tables.deliveries.alias("dead")
_behind = tables.deliveries.alias("behind")


Holds = Mapping[str, Sequence[Hold]]
"""What holds each platform and its endpoints; none: it is not in it."""


_HOLDS = Prepared(sa.select(_h.platform, _h.by, _h.since, _h.reason, _h.type).order_by(_h.type, _h.by), ())
_HOLDS_OF = Prepared(
    sa.select(_h.platform, _h.by, _h.since, _h.reason, _h.type)
    .where(_h.platform == sa.bindparam("platform"))
    .order_by(_h.type, _h.by),
    ("platform",),
)


def holds(connection: sa.Connection, platform: str | None = None) -> Holds:
    """Give the holds of the platforms that have one, or of one platform."""
    found = _HOLDS.rows(connection) if platform is None else _HOLDS_OF.rows(connection, platform)
    kept: defaultdict[str, list[Hold]] = defaultdict(list)
    for held, by, since, reason, type in found:
        kept[held].append(Hold(HeldBy(by), moment(since), reason, type or None))
    return kept


# ── read ──────────────────────────────────────────────────────────────────────────────────────
def parked(delivery: Columns) -> Condition:
    """Restrict to deliveries that have a dead one ahead of them in their lane."""
    return sa.exists().where(
        _dead.c.lane == delivery.lane,
        _dead.c.platform == delivery.platform,
        is_state(_dead.c.state, State.DEAD),
        _dead.c.position < delivery.position,
    )


SHOWN_COLUMNS = (*rows.DELIVERY_COLUMNS, parked(_d))
"""What `as_shown` reads; `deliveries` is joined to `messages`."""


def as_shown(connection: sa.Connection, found: Sequence[Row]) -> list[Delivery]:
    """Read deliveries with what holds them."""
    here = holds(connection)
    kept = [(DELIVERY.read(row), bool(row[DELIVERY.width])) for row in found]
    return [decisions.shown(each, here.get(each.platform or "", ()), parked=parked) for each, parked in kept]


# ── looked for ────────────────────────────────────────────────────────────────────────────────
def shown_as(delivery: Columns, state: str, holds: Holds) -> Condition:
    """Restrict to deliveries that are shown in a state: for those that something else finds."""
    held = sa.or_(delivery.held_at.is_not(None), parked(delivery), *_held_there(delivery, holds))
    if state == HELD:
        return sa.and_(in_states(delivery.state, SENDABLE), held)
    if state in (State.UNROUTED, UNWANTED):
        code = delivery.code == KIND_UNWANTED if state == UNWANTED else delivery.code.is_(None)
        return sa.and_(is_state(delivery.state, State.UNROUTED), code)
    stored = is_state(delivery.state, State(state))
    return sa.and_(stored, ~held) if state in SENDABLE else stored


def ways_to_find(state: str, holds: Holds, platform: str | None = None) -> list[list[Condition]]:
    """Give the ways to find the deliveries shown in a state, each through an index; one may be found in several.

    `platform`: only those to it are looked for, which the caller restricts to as well.
    """
    if state != HELD:
        indexed = [] if state == State.DELIVERED else [not_delivered(_d.state)]
        return [[shown_as(_d, state, holds), *indexed]]
    sendable = [in_states(_d.state, SENDABLE), not_delivered(_d.state)]
    by_operator: list[Condition] = [_d.held_at.is_not(None)]
    by_platform = [[*sendable, each] for each in _held_there(_d, holds)]
    by_lane = [in_states(_d.state, SENDABLE), _d.position.in_(_behind_dead(platform))]
    return [by_operator, *by_platform, by_lane]


def _held_there(delivery: Columns, holds: Holds) -> list[Condition]:
    """Give what platforms hold: all that goes to them, or some types of it."""
    platforms = sorted(platform for platform, here in holds.items() if any(hold.type is None for hold in here))
    types = {
        platform: sorted({hold.type for hold in here if hold.type is not None})
        for platform, here in sorted(holds.items())
        if platform not in platforms
    }
    whole = [delivery.platform.in_(platforms)] if platforms else []
    return [*whole, *(sa.and_(delivery.platform == each, delivery.type.in_(types[each])) for each in types)]


def _behind_dead(platform: str | None) -> sa.Select[Any]:
    query = sa.select(_behind.c.position).where(
        is_state(_dead.c.state, State.DEAD),
        not_delivered(_dead.c.state),
        _behind.c.lane == _dead.c.lane,
        _behind.c.platform == _dead.c.platform,
        _behind.c.position > _dead.c.position,
        is_open_state(_behind.c.state),
    )
    return query if platform is None else query.where(_dead.c.platform == platform)

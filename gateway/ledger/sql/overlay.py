"""What holds deliveries, laid over them as they are read and looked for: see `HeldBy`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.sql import lanes, rows, tables
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.lanes import Holds
from gateway.ledger.sql.statements import in_states, is_open, is_state, not_delivered
from gateway.ledger.sql.tables import DELIVERY
from gateway.message import HELD, SENDABLE, Delivery, State

Condition = sa.ColumnElement[bool]
Columns = sa.ColumnCollection[str, sa.Column[Any]]
_d = tables.deliveries.c
_dead = tables.deliveries.alias("dead")
_behind = tables.deliveries.alias("behind")


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
    here = lanes.holds(connection)
    kept = [(DELIVERY.read(row), bool(row[DELIVERY.width])) for row in found]
    return [decisions.shown(each, here.get(each.platform or "", ()), parked=parked) for each, parked in kept]


# ── looked for ────────────────────────────────────────────────────────────────────────────────
def shown_as(delivery: Columns, state: str, holds: Holds) -> Condition:
    """Restrict to deliveries that are shown in a state: for those that something else finds."""
    held = sa.or_(delivery.held_at.is_not(None), parked(delivery), *_held_there(delivery, holds))
    if state == HELD:
        return sa.and_(in_states(delivery.state, SENDABLE), held)
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
        is_open(_behind.c.state),
    )
    return query if platform is None else query.where(_dead.c.platform == platform)

"""What is not done with, from the counts that are kept, with the oldest of each from an index: nothing is counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.records import Backlog, Hold
from gateway.ledger.sql import lanes, tables
from gateway.ledger.sql.codecs import moment
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.overlay import parked
from gateway.ledger.sql.statements import Prepared, is_open, is_state, not_delivered
from gateway.message import HELD, HeldBy, State

_d, _c = tables.deliveries.c, tables.counts.c
_dead = tables.deliveries.alias("dead")
_first = tables.deliveries.alias("first")

_COUNTS = Prepared(
    sa.select(_c.platform, _c.kind, _c.type, _c.state, _c.held_by, _c.count).where(_c.count > 0),
    (),
)


def _oldest(*which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(_d.position, _d.created_at).where(*which).order_by(_d.position).limit(1)


_named = [_d.platform == sa.bindparam("platform"), _d.type == sa.bindparam("type")]
_here = [*_named, _d.state == sa.bindparam("state"), not_delivered(_d.state)]
_NAMES = ("platform", "type", "state")
_OF_STATE = Prepared(_oldest(*_here), _NAMES)
_OF_OPERATOR = Prepared(_oldest(*_named, _d.state == sa.bindparam("state"), _d.held_at.is_not(None)), _NAMES)
_OF_NOBODY = Prepared(_oldest(*_here, _d.held_at.is_(None), ~parked(_d)), _NAMES)
_UNROUTED = Prepared(_oldest(is_state(_d.state, State.UNROUTED), _d.kind == sa.bindparam("kind")), ("kind",))

# Behind the dead of a platform: of each of their lanes the first, and of these the first.
_follower = (
    sa.select(_first.c.position)
    .where(
        _first.c.lane == _dead.c.lane,
        _first.c.platform == _dead.c.platform,
        _first.c.position > _dead.c.position,
        is_open(_first.c.state),
        _first.c.state == sa.bindparam("state"),
        _first.c.type == sa.bindparam("type"),
        _first.c.held_at.is_(None),
    )
    .order_by(_first.c.position)
    .limit(1)
    .correlate(_dead)
    .scalar_subquery()
)
_first_follower = (
    sa.select(sa.func.min(_follower))
    .where(
        _dead.c.platform == sa.bindparam("platform"), is_state(_dead.c.state, State.DEAD), not_delivered(_dead.c.state)
    )
    .scalar_subquery()
)
_OF_LANE = Prepared(sa.select(_d.position, _d.created_at).where(_d.position == _first_follower), _NAMES)
_OF_HOLDER = {HeldBy.OPERATOR: _OF_OPERATOR, HeldBy.LANE: _OF_LANE, None: _OF_NOBODY}

Group = tuple[str | None, str, str, HeldBy | None]
"""Platform, kind, shown state, holder."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """A count: `own` is what holds these apart from their platform."""

    platform: str
    kind: str
    type: str
    state: State
    own: HeldBy | None
    count: int

    @property
    def where(self) -> tuple[str, str, State]:
        """Give what `own` tells apart."""
        return self.platform, self.type, self.state

    def group(self, holds: Collection[Hold]) -> Group:
        """Give the group it is shown in."""
        by = decisions.holder(self.state, self.type, self.own, holds)
        return self.platform or None, self.kind, self.state.value if by is None else HELD, by


def _standing(row: Row) -> _Standing:
    platform, kind, type, state, own, count = row
    return _Standing(platform, kind, type, State(state), HeldBy(own) if own else None, count)


def backlog(connection: sa.Connection) -> Sequence[Backlog]:
    """Give how many are not settled, as they are shown."""
    holds = lanes.holds(connection)
    standing = [_standing(row) for row in _COUNTS.rows(connection)]
    holders: defaultdict[tuple[str, str, State], set[HeldBy | None]] = defaultdict(set)
    for each in standing:
        holders[each.where].add(each.own)
    counts: defaultdict[Group, int] = defaultdict(int)
    oldest: dict[Group, tuple[int, int]] = {}
    for each in standing:
        group = each.group(holds.get(each.platform, ()))
        first = _oldest_of(connection, each, alone=len(holders[each.where]) == 1)
        counts[group] += each.count
        oldest[group] = min(first, oldest.get(group, first))
    return [Backlog(*group, count=counts[group], oldest=moment(oldest[group][1])) for group in counts]


def _oldest_of(connection: sa.Connection, standing: _Standing, *, alone: bool) -> tuple[int, int]:
    """Give position and birth of the oldest. What is held by several or nobody is told apart only where both are."""
    if standing.state is State.UNROUTED:
        [row] = _UNROUTED.rows(connection, standing.kind)
    else:
        statement = _OF_STATE if alone else _OF_HOLDER[standing.own]
        [row] = statement.rows(connection, standing.platform, standing.type, standing.state.value)
    position, created_at = row
    return position, created_at

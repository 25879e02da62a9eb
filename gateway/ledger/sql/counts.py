"""How many deliveries stand where: kept with every step of a delivery, and read as the backlog without counting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from gateway.ledger import decisions
from gateway.ledger.records import Backlog, Hold
from gateway.ledger.sql import overlay, tables
from gateway.ledger.sql.codecs import moment
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.overlay import parked
from gateway.ledger.sql.statements import Prepared, adding, in_states, is_open_state, is_state, not_delivered
from gateway.ledger.sql.writing import CountKey, Transaction
from gateway.message import HELD, SENDABLE, SETTLED, UNWANTED, Delivery, HeldBy, State

_d, _c = tables.deliveries.c, tables.counts.c
_NO_END = (1 << 63) - 1

_ADD = adding(tables.counts, "count")
_FOLLOWERS = Prepared(
    sa.select(_d.kind, _d.type, _d.state, sa.func.count())
    .where(
        _d.lane == sa.bindparam("lane"),
        _d.platform == sa.bindparam("platform"),
        is_open_state(_d.state),
        in_states(_d.state, SENDABLE),
        _d.held_at.is_(None),
        _d.position > sa.bindparam("after"),
        _d.position <= sa.bindparam("upto"),
    )
    .group_by(_d.kind, _d.type, _d.state),
    ("lane", "platform", "after", "upto"),
)


# ── kept ──────────────────────────────────────────────────────────────────────────────────────
def step(
    transaction: Transaction,
    before: Delivery | None,
    after: Delivery,
    *,
    parked_before: bool = False,
    parked_after: bool = False,
) -> None:
    """Count a step of a delivery (`before` None: it is new); parked: one ahead of it in its lane is dead."""
    if before is not None and before.state not in SETTLED:
        transaction.counts[_key(before, parked_before)] -= 1
    if after.state not in SETTLED:
        transaction.counts[_key(after, parked_after)] += 1


def _key(delivery: Delivery, parked: bool) -> CountKey:
    return delivery.platform or "", delivery.kind, delivery.type, delivery.stands, _held_by(delivery, parked)


def _held_by(delivery: Delivery, parked: bool) -> str:
    """Only what holds one delivery or its lane is counted; what holds a platform is known by the platform."""
    if delivery.state not in SENDABLE:
        return ""
    if delivery.held_at is not None:
        return HeldBy.OPERATOR.value
    return HeldBy.LANE.value if parked else ""


def park(transaction: Transaction, lane: tuple[str, str], before: int | None, after: int | None) -> None:
    """Count the followers anew when the first dead delivery of a lane is another one (None: there is none).

    Asked when the lane's rows are written: their steps were counted as if `before` still parked them.
    """
    was, now = (_NO_END if position is None else position for position in (before, after))
    here = HeldBy.LANE.value if now < was else ""
    there = "" if here else HeldBy.LANE.value
    found = _FOLLOWERS.rows(transaction.connection, *lane, min(was, now), max(was, now))
    for kind, type, state, count in found:
        transaction.counts[lane[1], kind, type, state, there] -= count
        transaction.counts[lane[1], kind, type, state, here] += count


def flush(transaction: Transaction) -> None:
    """Write what changed, at the end of a transaction; a count that came down to nothing stays, as 0.

    In order of the keys: of two processes that change the same counts, one waits for the other, and never both.
    """
    changed: list[tuple[Any, ...]] = [
        (*key, transaction.part, by) for key, by in sorted(transaction.counts.items()) if by
    ]
    _ADD.run(transaction.connection, changed)
    transaction.counts.clear()


# ── read ──────────────────────────────────────────────────────────────────────────────────────
_dead = tables.deliveries.alias("dead")
_first = tables.deliveries.alias("first")

_standing_where, _sum = (_c.platform, _c.kind, _c.type, _c.state, _c.held_by), sa.func.sum(_c.count)
_COUNTS = Prepared(
    sa.select(*_standing_where, sa.cast(_sum, sa.BigInteger)).group_by(*_standing_where).having(_sum > 0),
    (),
)


def _oldest(*which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(_d.position, _d.created_at, _d.id).where(*which).order_by(_d.position).limit(1)


_named = [_d.platform == sa.bindparam("platform"), _d.type == sa.bindparam("type")]
_here = [*_named, _d.state == sa.bindparam("state"), not_delivered(_d.state)]
_NAMES = ("platform", "type", "state")
_OF_STATE = Prepared(_oldest(*_here), _NAMES)
_OF_OPERATOR = Prepared(_oldest(*_named, _d.state == sa.bindparam("state"), _d.held_at.is_not(None)), _NAMES)
_OF_NOBODY = Prepared(_oldest(*_here, _d.held_at.is_(None), ~parked(_d)), _NAMES)
_unrouted = [is_state(_d.state, State.UNROUTED), _d.kind == sa.bindparam("kind")]
_OF_NO_PLATFORM = {
    state: Prepared(_oldest(*_unrouted, overlay.shown_as(_d, state, {})), ("kind",))
    for state in (State.UNROUTED.value, UNWANTED)
}

# Behind the dead of a platform: of each of their lanes the first, and of these the first.
_follower = (
    sa.select(_first.c.position)
    .where(
        _first.c.lane == _dead.c.lane,
        _first.c.platform == _dead.c.platform,
        _first.c.position > _dead.c.position,
        is_open_state(_first.c.state),
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
_OF_LANE = Prepared(sa.select(_d.position, _d.created_at, _d.id).where(_d.position == _first_follower), _NAMES)
_OF_HOLDER = {HeldBy.OPERATOR: _OF_OPERATOR, HeldBy.LANE: _OF_LANE, None: _OF_NOBODY}

Group = tuple[str | None, str, str, HeldBy | None]
"""Platform, kind, shown state, holder."""


class _Standing(Struct, frozen=True):
    """A count: `state` is that of `Delivery.stands`, `own` what holds these apart from their platform."""

    platform: str
    kind: str
    type: str
    state: str
    own: HeldBy | None
    count: int

    @property
    def where(self) -> tuple[str, str, str]:
        """Give what `own` tells apart."""
        return self.platform, self.type, self.state

    def group(self, holds: Collection[Hold]) -> Group:
        """Give the group it is shown in."""
        by = decisions.holder(self.state, self.type, self.own, holds)
        return self.platform or None, self.kind, self.state if by is None else HELD, by


def _standing(row: Row) -> _Standing:
    platform, kind, type, state, own, count = row
    return _Standing(platform, kind, type, state, HeldBy(own) if own else None, count)


def backlog(connection: sa.Connection) -> Sequence[Backlog]:
    """Give how many are not settled, as they are shown."""
    holds = overlay.holds(connection)
    standing = [_standing(row) for row in _COUNTS.rows(connection)]
    holders: defaultdict[tuple[str, str, str], set[HeldBy | None]] = defaultdict(set)
    for each in standing:
        holders[each.where].add(each.own)
    counts: defaultdict[Group, int] = defaultdict(int)
    oldest: dict[Group, tuple[int, int, str]] = {}
    for each in standing:
        group = each.group(holds.get(each.platform, ()))
        first = _oldest_of(connection, each, alone=len(holders[each.where]) == 1)
        counts[group] += each.count
        oldest[group] = min(first, oldest.get(group, first))
    return [_shown(group, counts[group], oldest[group]) for group in counts]


def _shown(group: Group, count: int, oldest: tuple[int, int, str]) -> Backlog:
    _, born, id = oldest
    return Backlog(*group, count=count, oldest=moment(born), oldest_id=id)


def _oldest_of(connection: sa.Connection, standing: _Standing, *, alone: bool) -> tuple[int, int, str]:
    """Give the oldest's position, birth and id. What several or nobody hold is told apart only where both are."""
    if standing.state in _OF_NO_PLATFORM:
        [row] = _OF_NO_PLATFORM[standing.state].rows(connection, standing.kind)
    else:
        statement = _OF_STATE if alone else _OF_HOLDER[standing.own]
        [row] = statement.rows(connection, standing.platform, standing.type, standing.state)
    position, created_at, id = row
    return position, created_at, id

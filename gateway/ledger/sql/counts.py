"""How many deliveries stand where: changed with every step of a delivery, so that nobody has to count."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from gateway.ledger.sql import tables
from gateway.ledger.sql.statements import Prepared, PreparedRows, in_states, is_open
from gateway.ledger.sql.writing import CountKey, Transaction
from gateway.message import SENDABLE, SETTLED, Delivery, HeldBy

_d = tables.deliveries.c
_NO_END = (1 << 63) - 1

_adding = sqlite.insert(tables.counts)
_ADD = PreparedRows(
    _adding.on_conflict_do_update(
        index_elements=list(tables.counts.primary_key),
        set_={"count": tables.counts.c.count + _adding.excluded.count},
    ),
    [column.name for column in tables.counts.columns],
)
_FOLLOWERS = Prepared(
    sa.select(_d.kind, _d.type, _d.state, sa.func.count())
    .where(
        _d.lane == sa.bindparam("lane"),
        _d.platform == sa.bindparam("platform"),
        is_open(_d.state),
        in_states(_d.state, SENDABLE),
        _d.held_at.is_(None),
        _d.position > sa.bindparam("after"),
        _d.position <= sa.bindparam("upto"),
    )
    .group_by(_d.kind, _d.type, _d.state),
    ("lane", "platform", "after", "upto"),
)


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
    return delivery.platform or "", delivery.kind, delivery.type, delivery.state.value, _held_by(delivery, parked)


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
    """Write what changed, at the end of a transaction; a count that came down to nothing stays, as 0."""
    changed: list[tuple[Any, ...]] = [(*key, by) for key, by in transaction.counts.items() if by]
    _ADD.run(transaction.connection, changed)
    transaction.counts.clear()

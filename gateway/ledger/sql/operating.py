"""What operators do to deliveries: replay, discard, hold, release; each recorded with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.ledger import decisions
from gateway.ledger.sql import lanes
from gateway.ledger.sql.auditing import record
from gateway.ledger.sql.rows import StoredDelivery
from gateway.ledger.sql.tables import DELIVERY
from gateway.ledger.sql.writing import Transaction
from gateway.message import Delivery, State


def replay(
    transaction: Transaction, delivery_id: str, *, actor: str, reason: str, at: datetime, stale_ok: bool
) -> Delivery:
    """Replay a delivery: the same one, or a new one at the end of its lane."""
    stored = lanes.one(transaction, delivery_id)
    before = stored.delivery
    moved_on = lanes.moved_on(transaction, before)
    after = decisions.replayed(before, at, moved_on=moved_on, stale_ok=stale_ok)
    if after.id == before.id:
        return _operate(transaction, stored, after, actor, "delivery.replayed", reason)
    record(transaction, before.id, at, actor, "delivery.replayed", reason, **{"as": after.id})
    placed = replace(after, position=next(transaction.sequences.deliveries))
    lanes.ADD.run(transaction.connection, [DELIVERY.write(placed, message=stored.message, head=False)])
    lanes.set_head(transaction, lanes.lane_of(placed))
    record(transaction, placed.id, at, actor, "delivery.replay-made", reason)
    return lanes.shown(transaction, placed, lanes.holds(transaction.connection))


def discard(transaction: Transaction, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
    """Give a delivery up; its lane moves on."""
    stored = lanes.one(transaction, delivery_id)
    after = decisions.discarded(stored.delivery, reason, at)
    return _operate(transaction, stored, after, actor, "delivery.discarded", reason)


def hold(transaction: Transaction, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
    """Hold a delivery, and so the lane behind it."""
    stored = lanes.one(transaction, delivery_id)
    after = decisions.held(stored.delivery, at)
    return _operate(transaction, stored, after, actor, "delivery.held", reason)


def release(transaction: Transaction, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
    """Lift an operator's hold."""
    stored = lanes.one(transaction, delivery_id)
    after = decisions.released(stored.delivery, at)
    return _operate(transaction, stored, after, actor, "delivery.released", reason)


def _operate(
    transaction: Transaction, stored: StoredDelivery, after: Delivery, actor: str, action: str, reason: str
) -> Delivery:
    lanes.change(transaction, [(after, stored.head and decisions.is_open(after))])
    if after.platform is not None and after.state is not State.SENDING:
        lanes.set_head(transaction, lanes.lane_of(after))
    record(transaction, after.id, after.changed_at or after.created_at, actor, action, reason)
    return lanes.shown(transaction, after, lanes.holds(transaction.connection))

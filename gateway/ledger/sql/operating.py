"""What operators do to deliveries: replay, discard, hold, release; each recorded with its reason, once under a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from gateway.clock import new_id
from gateway.ledger import decisions
from gateway.ledger.errors import delivery_moved, no_delivery, platform_gone, replay_open
from gateway.ledger.records import AuditEntry, Intent
from gateway.ledger.sql import lanes, overlay, rows, tables
from gateway.ledger.sql.auditing import append, intended, once
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.rows import StoredDelivery
from gateway.ledger.sql.statements import Prepared, is_open_state
from gateway.ledger.sql.tables import DELIVERY
from gateway.ledger.sql.writing import Transaction
from gateway.message import Delivery, State

_d, _p = tables.deliveries.c, tables.platforms.c
_again = tables.deliveries.alias("again")
_replays = [_again.c.replay_of == _d.id, _again.c.replay_of.is_not(None), is_open_state(_again.c.state)]

IS_REGISTERED: sa.ColumnElement[bool] = sa.exists().where(_p.id == _d.platform)
"""Whether the platform of a delivery is registered."""

IS_REPLAYED: sa.ColumnElement[bool] = sa.exists().where(*_replays)
"""Whether a replay of a delivery is open."""

REPLAYABLE_COLUMNS = (
    *rows.DELIVERY_COLUMNS,
    IS_REGISTERED,
    sa.select(_again.c.id).where(*_replays).correlate(tables.deliveries).scalar_subquery(),
    lanes.MOVED_ON,
)
_ONE = Prepared(
    sa.select(*REPLAYABLE_COLUMNS)
    .select_from(tables.deliveries.join(tables.messages))
    .where(_d.id == sa.bindparam("id")),
    ("id",),
)


# ── replay ────────────────────────────────────────────────────────────────────────────────────
class Replayable(Struct, frozen=True):
    """A delivery that is to be replayed, and what may forbid it."""

    stored: StoredDelivery
    registered: bool
    open_replay: str | None
    moved_on: bool

    def replayed(self, new_id: str, at: datetime, *, stale_ok: bool) -> Delivery:
        """Give the delivery that follows: the same, or a new one under `new_id`; Conflict when it may not be."""
        before = self.stored.delivery
        if before.state in decisions.REPLAYABLE and not self.registered:
            raise platform_gone(before.platform or "")
        if before.state is State.DELIVERED and self.open_replay is not None:
            raise replay_open(before.id, self.open_replay)
        return decisions.replayed(before, new_id, at, moved_on=self.moved_on, stale_ok=stale_ok)


def replayable(row: Row) -> Replayable:
    """Read `REPLAYABLE_COLUMNS`."""
    registered, open_replay, moved_on = row[DELIVERY.width :]
    return Replayable(rows.stored(row), bool(registered), open_replay, bool(moved_on))


def replay(transaction: Transaction, delivery_id: str, intent: Intent, *, stale_ok: bool = False) -> Delivery:
    """Replay a delivery: the same one, or a new one at the end of its lane."""

    def do() -> str:
        row = _ONE.row(transaction.connection, delivery_id)
        if row is None:
            raise no_delivery(delivery_id)
        found = replayable(row)
        after = found.replayed(new_id(intent.at), intent.at, stale_ok=stale_ok)
        write_replays(transaction, [(found.stored, after)], intent)
        return after.id

    answer = once(transaction, intent, "delivery.replay", delivery_id, do, {"stale_ok": stale_ok})
    return _shown(transaction, answer)


def write_replays(transaction: Transaction, replays: Sequence[lanes.Step], intent: Intent) -> None:
    """Write replays that were decided: deliveries that are ready again, and new ones at the end of their lanes."""
    again = [(stored, after) for stored, after in replays if stored.delivery.id == after.id]
    made = [(stored, after) for stored, after in replays if stored.delivery.id != after.id]
    new = [(replace(after, position=next(transaction.sequences.deliveries)), stored.message) for stored, after in made]
    lanes.change(transaction, again)
    lanes.add(transaction, new)
    lanes.set_heads(transaction, {lanes.lane_of(after) for _, after in replays})
    append(transaction, [entry for stored, after in replays for entry in _entries(stored.delivery, after, intent)])


def _entries(before: Delivery, after: Delivery, intent: Intent) -> list[AuditEntry]:
    def entry(subject: str, action: str, **detail: str) -> AuditEntry:
        return AuditEntry(intent.at, intent.actor, action, subject, intent.reason, detail)

    if before.id == after.id:
        return [entry(before.id, "delivery.replayed")]
    return [entry(before.id, "delivery.replayed", **{"as": after.id}), entry(after.id, "delivery.replay-made")]


# ── discard, hold, release ────────────────────────────────────────────────────────────────────
def discard(transaction: Transaction, delivery_id: str, intent: Intent, *, only: State | None = None) -> Delivery:
    """Give a delivery up, only while it stands as somebody said; its lane moves on."""

    def discarded(delivery: Delivery) -> Delivery:
        if only is not None and delivery.state is not only:
            raise delivery_moved(delivery.id, delivery.state)
        return decisions.discarded(delivery, intent.reason, intent.at)

    return _operate(transaction, delivery_id, intent, "delivery.discarded", discarded)


def hold(transaction: Transaction, delivery_id: str, intent: Intent) -> Delivery:
    """Hold a delivery, and so the lane behind it."""

    def held(delivery: Delivery) -> Delivery:
        return decisions.held(delivery, intent.at)

    return _operate(transaction, delivery_id, intent, "delivery.held", held)


def release(transaction: Transaction, delivery_id: str, intent: Intent) -> Delivery:
    """Lift an operator's hold."""
    return _operate(transaction, delivery_id, intent, "delivery.released", decisions.released)


def _operate(
    transaction: Transaction, delivery_id: str, intent: Intent, action: str, step: Callable[[Delivery], Delivery]
) -> Delivery:
    def do() -> str:
        stored = lanes.one(transaction, delivery_id)
        after = step(stored.delivery)
        if after != stored.delivery:
            lanes.change(transaction, [(stored, after)])
            if after.platform is not None:
                lanes.set_heads(transaction, [lanes.lane_of(after)])
            intended(transaction, intent, delivery_id, action)
        return delivery_id

    return _shown(transaction, once(transaction, intent, action, delivery_id, do))


def _shown(transaction: Transaction, delivery_id: str) -> Delivery:
    delivery = lanes.one(transaction, delivery_id).delivery
    return lanes.shown(transaction, delivery, overlay.holds(transaction.connection, delivery.platform or ""))

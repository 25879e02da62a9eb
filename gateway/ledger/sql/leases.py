"""Leases: ended by their receipts, or lapsed; they are begun as attempts are, in `attempts`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from gateway.errors import HutongError
from gateway.ledger import decisions
from gateway.ledger.errors import no_delivery
from gateway.ledger.records import LeaseSettled, Settlement
from gateway.ledger.sql import lanes, numbers, replies, rows, tables
from gateway.ledger.sql.attempts import touched
from gateway.ledger.sql.auditing import record
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.codecs import micros, moment
from gateway.ledger.sql.rows import StoredDelivery
from gateway.ledger.sql.statements import Prepared
from gateway.ledger.sql.tables import ATTEMPT
from gateway.ledger.sql.writing import Group, Transaction
from gateway.message import IN_TIME, LATE, Attempt, Delivery

_d, _a = tables.deliveries.c, tables.attempts.c

_KEPT = Prepared(
    sa.select(*ATTEMPT.select(tables.attempts))
    .where(_a.delivery == sa.bindparam("delivery"), _a.number == sa.bindparam("number"))
    .order_by(_a.seq.desc())
    .limit(1),
    ("delivery", "number"),
)


def _leased(when: sa.ColumnElement[bool], name: str) -> Prepared:
    return Prepared(
        sa.select(*rows.DELIVERY_COLUMNS)
        .select_from(tables.deliveries.join(tables.messages))
        .where(_d.leased_until.is_not(None), when)
        .order_by(_d.leased_until)
        .limit(sa.bindparam("limit")),
        (name, "limit"),
    )


_OVER = _leased(_d.leased_until <= sa.bindparam("now"), "now")
_BEYOND = _leased(_d.leased_until > sa.bindparam("latest"), "latest")
_FIRST = Prepared(
    sa.select(_d.leased_until).where(_d.leased_until.is_not(None)).order_by(_d.leased_until).limit(1),
    (),
)
_LAST = Prepared(
    sa.select(_d.leased_until).where(_d.leased_until.is_not(None)).order_by(_d.leased_until.desc()).limit(1),
    (),
)


class SettleLease(Struct, frozen=True):
    """What `Ledger.settle_lease` is told."""

    platform: str
    settlement: Settlement

    @property
    def delivery_id(self) -> str:
        """The delivery that the receipt is about."""
        return self.settlement.attempt.delivery_id


class _Ending(Struct, frozen=True):
    """A lease that its receipt ends. `late`: it had lapsed, and its delivery is ready again."""

    platform: str
    settlement: Settlement
    stored: StoredDelivery
    late: bool

    @property
    def attempt(self) -> Attempt:
        """The attempt as it is to be kept."""
        return replace(self.settlement.attempt, receipt=LATE if self.late else IN_TIME)

    @property
    def leased(self) -> StoredDelivery:
        """The delivery as it is leased; one that lapsed is taken up again, since only then its receipt can end it."""
        delivery = self.stored.delivery
        at = self.settlement.attempt.ended_at
        return replace(self.stored, delivery=decisions.resumed(delivery, at)) if self.late else self.stored

    @property
    def after(self) -> Delivery:
        """The delivery as it is to be."""
        return decisions.lease_settled(self.stored.delivery, self.settlement)


def settle(transaction: Transaction, settles: Sequence[SettleLease]) -> Sequence[OperationResult]:
    """End leases by their receipts: for `Ledger.settle_lease`."""
    results: list[OperationResult] = [None] * len(settles)
    waiting = list(range(len(settles)))
    while waiting:
        # Of several receipts for one delivery each sees what the one before it did.
        turn = {settles[index].delivery_id: index for index in reversed(waiting)}
        for index, result in _settle_once(transaction, {index: settles[index] for index in turn.values()}).items():
            results[index] = result
        waiting = [index for index in waiting if index not in turn.values()]
    return results


def _settle_once(transaction: Transaction, settles: Mapping[int, SettleLease]) -> Mapping[int, OperationResult]:
    found = lanes.find(transaction, [each.delivery_id for each in settles.values()])
    results: dict[int, OperationResult] = {}
    ending: dict[int, _Ending] = {}
    for index, each in settles.items():
        try:
            decided = _decided(transaction, found.get(each.delivery_id), each)
        except HutongError as error:
            results[index] = error
            continue
        if isinstance(decided, _Ending):
            ending[index] = decided
        else:
            results[index] = decided
    moved = _end(transaction, list(ending.values()))
    ended = {index: LeaseSettled(one.attempt, lanes.lane_of(one.after) in moved) for index, one in ending.items()}
    return {**results, **ended}


def _decided(transaction: Transaction, stored: StoredDelivery | None, settle: SettleLease) -> _Ending | LeaseSettled:
    if stored is None or stored.delivery.platform != settle.platform:
        raise no_delivery(settle.delivery_id)
    delivery, attempt = stored.delivery, settle.settlement.attempt
    late = stored.head and decisions.is_lapsed(delivery, attempt.number)
    if late or decisions.is_leased(delivery, attempt.number):
        return _Ending(settle.platform, settle.settlement, stored, late)
    row = _KEPT.row(transaction.connection, delivery.position, attempt.number)
    if row is None:
        raise decisions.lease_gone(delivery, attempt.number)
    kept = ATTEMPT.read(row, delivery_id=delivery.id)
    if kept.receipt is None:
        raise decisions.no_lease(delivery)
    if kept.reply != attempt.reply:
        raise decisions.lease_answered(delivery)
    return LeaseSettled(kept, repeated=True)


def _end(transaction: Transaction, ending: Sequence[_Ending]) -> set[lanes.Lane]:
    late = [one for one in ending if one.late]
    lanes.change(transaction, [(one.stored, one.leased.delivery) for one in late])
    lanes.change(transaction, [(one.leased, one.after) for one in ending])
    moved = lanes.set_heads(transaction, {lanes.lane_of(one.after) for one in ending})
    replies.keep(transaction, [(one.attempt, one.after) for one in ending])
    for one in late:
        at, number = one.attempt.ended_at, str(one.attempt.number)
        record(transaction, one.after.id, at, one.platform, "delivery.receipt-late", attempt=number)
    # Last: an alias may tie messages of another case to this one, and change their lanes.
    called = [(replace(one.stored, delivery=one.after), replace(one.settlement, attempt=one.attempt)) for one in ending]
    numbers.learn_aliases(transaction, called)
    return moved


def _touched(connection: sa.Connection, settles: Sequence[SettleLease]) -> Iterable[str]:
    return touched(connection, [each.settlement for each in settles])


SETTLE = Group(settle, _touched)


def lapse(transaction: Transaction, now: datetime, latest: datetime, at: datetime, limit: int) -> Sequence[Delivery]:
    """Let leases lapse whose time is over."""
    over = _OVER.rows(transaction.connection, micros(now), limit)
    beyond = _BEYOND.rows(transaction.connection, micros(latest), limit - len(over))
    found = sorted(map(rows.stored, (*over, *beyond)), key=lambda stored: stored.delivery.position)
    steps = [(stored, decisions.lapsed(stored.delivery, at)) for stored in found]
    lanes.change(transaction, steps)
    lanes.set_heads(transaction, {lanes.lane_of(after) for _, after in steps})
    return [after for _, after in steps]


def next_lapse(connection: sa.Connection, now: datetime, latest: datetime) -> datetime | None:
    """Give when the next lease lapses; `now` when one is over."""
    first, last = _FIRST.row(connection), _LAST.row(connection)
    if first is None or last is None:
        return None
    return now if last[0] > micros(latest) else max(moment(first[0]), now)

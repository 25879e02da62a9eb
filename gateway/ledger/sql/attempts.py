"""Attempts: begun and settled in whole batches; killing, rescuing and assigning one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from adapters.base import OutboundRequest
from gateway.errors import HutongError
from gateway.ledger import decisions
from gateway.ledger.errors import no_delivery
from gateway.ledger.records import Platform, Settlement
from gateway.ledger.sql import lanes, numbers, rows, tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.platforms import one
from gateway.ledger.sql.rows import StoredDelivery
from gateway.ledger.sql.statements import Prepared, inserting, is_state, not_delivered
from gateway.ledger.sql.tables import ATTEMPT, REQUEST
from gateway.ledger.sql.writing import Transaction
from gateway.message import Delivery, State

_m, _d = tables.messages.c, tables.deliveries.c

_REQUESTS = inserting(tables.requests, REQUEST.inserted)
_ATTEMPTS = inserting(tables.attempts, ATTEMPT.inserted)
_SENDING = Prepared(
    sa.select(*rows.DELIVERY_COLUMNS)
    .select_from(tables.deliveries.join(tables.messages))
    .where(is_state(_d.state, State.SENDING), not_delivered(_d.state)),
    (),
)
_HEADERS = Prepared(sa.select(_m.headers).where(_m.seq == sa.bindparam("seq")), ("seq",))


@dataclass(frozen=True, slots=True)
class Begin:
    """What `Ledger.begin` is told."""

    delivery_id: str
    adapter: str
    request: OutboundRequest
    at: datetime


def begin(transaction: Transaction, begins: Sequence[Begin]) -> Sequence[OperationResult]:
    """Begin attempts: the group for `Ledger.begin`."""
    found = lanes.find(transaction, [each.delivery_id for each in begins])
    ids = {each.delivery.platform or "" for each in found.values()}
    platforms = {id: one(transaction.connection, id) for id in ids}
    results: list[OperationResult] = []
    changes: list[tuple[Delivery, bool]] = []
    requests: list[Row] = []
    for each in begins:
        stored = found.get(each.delivery_id)
        if stored is None:
            results.append(no_delivery(each.delivery_id))
            continue
        begun = _begun(stored, each, platforms[stored.delivery.platform or ""])
        results.append(begun is not None)
        if begun is not None:
            # The operations after it in this batch must see it as begun.
            found[begun.id] = replace(stored, delivery=begun)
            changes.append((begun, True))
            if begun.attempts == 1:
                requests.append(REQUEST.write(each.request, delivery=begun.position))
    lanes.change(transaction, changes)
    _REQUESTS.run(transaction.connection, requests)
    return results


def _begun(stored: StoredDelivery, begin: Begin, platform: Platform | None) -> Delivery | None:
    let_out = platform is None or decisions.may_send(platform.holds, probe=True)
    if not (let_out and stored.head and stored.delivery.state in decisions.SENDABLE):
        return None
    return decisions.begun(stored.delivery, begin.adapter, begin.at, decisions.unheld(platform, begin.at))


def settle(transaction: Transaction, settlements: Sequence[Settlement]) -> Sequence[OperationResult]:
    """End attempts: the group for `Ledger.settle`."""
    found = lanes.find(transaction, [each.attempt.delivery_id for each in settlements])
    results: list[OperationResult] = []
    settled: list[tuple[StoredDelivery, Settlement]] = []
    for each in settlements:
        result = _settled(found, each)
        results.append(result)
        if isinstance(result, StoredDelivery):
            # A second settlement of it in this batch must see it as settled, and is a conflict.
            found[result.delivery.id] = result
            settled.append((result, each))
    _write(transaction, settled)
    moved = iter(lanes.follow(transaction, [each.delivery for each, _ in settled]))
    return [next(moved) if isinstance(result, StoredDelivery) else result for result in results]


def _settled(found: dict[str, StoredDelivery], settlement: Settlement) -> OperationResult:
    stored = found.get(settlement.attempt.delivery_id)
    if stored is None:
        return no_delivery(settlement.attempt.delivery_id)
    try:
        return replace(stored, delivery=decisions.settled(stored.delivery, settlement))
    except HutongError as error:
        return error


def _write(transaction: Transaction, settled: Sequence[tuple[StoredDelivery, Settlement]]) -> None:
    lanes.change(transaction, [(each.delivery, decisions.is_open(each.delivery)) for each, _ in settled])
    attempts = [ATTEMPT.write(each.attempt, delivery=stored.delivery.position) for stored, each in settled]
    _ATTEMPTS.run(transaction.connection, attempts)
    numbers.learn_aliases(transaction, settled)


def kill(transaction: Transaction, delivery_id: str, code: str, reason: str, at: datetime) -> None:
    """Make a head dead, through sending."""
    stored = lanes.one(transaction, delivery_id)
    if not stored.head or stored.delivery.state not in decisions.SENDABLE:
        return
    # Two writes: the database's rule `step_allowed` takes no step from ready or waiting to dead.
    lanes.change(transaction, [(decisions.passing_through_sending(stored.delivery, at), True)])
    killed = decisions.killed(stored.delivery, code, reason, at)
    lanes.change(transaction, [(killed, True)])
    lanes.follow(transaction, [killed])


def rescue(transaction: Transaction, at: datetime) -> int:
    """Make what was being sent ready, and in doubt."""
    lost = [rows.stored(row).delivery for row in _SENDING.rows(transaction.connection)]
    rescued = [decisions.rescued(delivery, at) for delivery in lost]
    lanes.change(transaction, [(delivery, True) for delivery in rescued])
    lanes.follow(transaction, rescued)
    return len(rescued)


def assign(transaction: Transaction, delivery_id: str, platform: str, at: datetime) -> bool:
    """Give an unrouted delivery its platform; it keeps the position that it was accepted with."""
    stored = lanes.one(transaction, delivery_id)
    if stored.delivery.state is not State.UNROUTED:
        return False
    after = decisions.assigned(stored.delivery, platform, at)
    # The platform first: a ready delivery without one breaks the database's rule `open_has_platform`.
    lanes.route(transaction, after)
    lanes.change(transaction, [(after, False)])
    lanes.set_head(transaction, lanes.lane_of(after))
    [(headers,)] = _HEADERS.rows(transaction.connection, stored.message)
    numbers.learn(transaction, numbers.number_rows(platform, rows.numbers_in(headers), stored.message))
    return True

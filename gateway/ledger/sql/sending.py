"""The steps of sending: begin and settle for whole batches, the rarer ones one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from adapters.base import OutboundRequest
from gateway.errors import HutongError
from gateway.ledger import decisions
from gateway.ledger.errors import no_delivery
from gateway.ledger.records import Platform, Settlement
from gateway.ledger.sql import lanes, learning, records, rows, states, tables
from gateway.ledger.sql.platforms import one
from gateway.ledger.sql.rows import Row
from gateway.ledger.sql.statements import Prepared, inserting
from gateway.ledger.sql.worker import Outcome
from gateway.ledger.sql.writing import Transaction
from gateway.message import Delivery, State

_m, _d = tables.messages.c, tables.deliveries.c

_REQUESTS = inserting(tables.requests)
_ATTEMPTS = inserting(tables.attempts, [c.name for c in tables.attempts.columns if c.name != "place"])
_SENDING = Prepared(
    sa.select(*rows.DELIVERY_COLUMNS)
    .select_from(tables.deliveries.join(tables.messages))
    .where(states.is_state(_d.state, State.SENDING), _d.state != sa.literal_column(f"'{State.DELIVERED}'")),
    (),
)
_HEADERS = Prepared(sa.select(*rows.MESSAGE_COLUMNS).where(_m.place == sa.bindparam("place")), ("place",))


@dataclass(frozen=True, slots=True)
class Begin:
    """What `Ledger.begin` is told."""

    delivery_id: str
    adapter: str
    request: OutboundRequest
    at: datetime


def begin(transaction: Transaction, begins: Sequence[Begin]) -> Sequence[Outcome]:
    """Begin attempts: the group for `Ledger.begin`."""
    found = lanes.find(transaction, [each.delivery_id for each in begins])
    known = {id: one(transaction.connection, id) for id in {row[rows.PLATFORM] for row in found.values()}}
    outcomes: list[Outcome] = []
    changes: list[tuple[Delivery, bool]] = []
    requests: list[Row] = []
    for each in begins:
        row = found.get(each.delivery_id)
        outcome = no_delivery(each.delivery_id) if row is None else _begun(row, each, known[row[rows.PLATFORM]])
        if row is not None and isinstance(outcome, Delivery):
            found[outcome.id] = _with_state(row, outcome.state)
            changes.append((outcome, True))
            if outcome.attempts == 1:
                requests.append(records.from_request(outcome.position, each.request))
        outcomes.append(True if isinstance(outcome, Delivery) else outcome)
    lanes.change(transaction, changes)
    _REQUESTS.run(transaction.connection, requests)
    return outcomes


def _begun(row: Row, begin: Begin, platform: Platform | None) -> Outcome:
    delivery = rows.delivery(row)
    let_out = platform is None or decisions.may_send(platform.holds, probe=True)
    if not (let_out and row[rows.HEAD] and delivery.state in decisions.SENDABLE):
        return False
    return decisions.begun(delivery, begin.adapter, begin.at, decisions.unheld(platform, begin.at))


def settle(transaction: Transaction, settlements: Sequence[Settlement]) -> Sequence[Outcome]:
    """End attempts: the group for `Ledger.settle`."""
    found = lanes.find(transaction, [each.attempt.delivery_id for each in settlements])
    outcomes: list[Outcome] = []
    settled: list[tuple[Delivery, int, Settlement]] = []
    for each in settlements:
        outcome = _settled(found, each)
        outcomes.append(outcome)
        if isinstance(outcome, Delivery):
            row = found[outcome.id]
            found[outcome.id] = _with_state(row, outcome.state)
            settled.append((outcome, row[rows.MESSAGE], each))
    _write(transaction, settled)
    moved = iter(lanes.follow(transaction, [delivery for delivery, _, _ in settled]))
    return [next(moved) if isinstance(outcome, Delivery) else outcome for outcome in outcomes]


def _settled(found: dict[str, Row], settlement: Settlement) -> Outcome:
    row = found.get(settlement.attempt.delivery_id)
    if row is None:
        return no_delivery(settlement.attempt.delivery_id)
    try:
        return decisions.settled(rows.delivery(row), settlement)
    except HutongError as refusal:
        return refusal


def _with_state(row: Row, state: State) -> Row:
    return (*row[: rows.STATE], state.value, *row[rows.STATE + 1 :])


def _write(transaction: Transaction, settled: Sequence[tuple[Delivery, int, Settlement]]) -> None:
    lanes.change(transaction, [(delivery, decisions.is_open(delivery)) for delivery, _, _ in settled])
    attempts = [records.from_attempt(delivery.position, each.attempt) for delivery, _, each in settled]
    _ATTEMPTS.run(transaction.connection, attempts)
    learning.learn_aliases(transaction, settled)


def kill(transaction: Transaction, delivery_id: str, code: str, reason: str, at: datetime) -> None:
    """Make a head dead, through sending."""
    row = lanes.one(transaction, delivery_id)
    delivery = rows.delivery(row)
    if not row[rows.HEAD] or delivery.state not in decisions.SENDABLE:
        return
    lanes.change(transaction, [(decisions.sending(delivery, at), True)])
    killed = decisions.killed(delivery, code, reason, at)
    lanes.change(transaction, [(killed, True)])
    lanes.follow(transaction, [killed])


def rescue(transaction: Transaction, at: datetime) -> int:
    """Make what was being sent ready, and in doubt."""
    lost = [rows.delivery(row) for row in _SENDING.rows(transaction.connection)]
    rescued = [decisions.rescued(delivery, at) for delivery in lost]
    lanes.change(transaction, [(delivery, True) for delivery in rescued])
    lanes.follow(transaction, rescued)
    return len(rescued)


def assign(transaction: Transaction, delivery_id: str, platform: str, at: datetime) -> bool:
    """Give an unrouted delivery its platform and its place there."""
    row = lanes.one(transaction, delivery_id)
    before = rows.delivery(row)
    if before.state is not State.UNROUTED:
        return False
    after = decisions.assigned(before, platform, at)
    lanes.place(transaction, after)
    lanes.change(transaction, [(after, False)])
    lanes.seat(transaction, lanes.lane_of(after))
    headers = _HEADERS.row(transaction.connection, row[rows.MESSAGE])
    assert headers is not None
    learning.learn(transaction, learning.numbers(platform, rows.numbers(headers), row[rows.MESSAGE]))
    return True

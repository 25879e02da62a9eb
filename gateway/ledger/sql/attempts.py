"""Attempts: begun and settled in whole batches, taken back, given up and rescued; all of it under a claim."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from adapters.base import OutboundRequest
from gateway.errors import HutongError
from gateway.ledger import decisions
from gateway.ledger.errors import no_delivery
from gateway.ledger.records import Claim, Inbox, Intent, Settled, Settlement
from gateway.ledger.sql import lanes, leaves, numbers, overlay, platforms, replies, rows, tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.claims import ClaimOwners, verify
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.encryption import at_rest
from gateway.ledger.sql.rows import StoredDelivery
from gateway.ledger.sql.statements import (
    Prepared,
    PreparedMany,
    inserting,
    inserting_first,
    is_state,
    not_delivered,
)
from gateway.ledger.sql.tables import REQUEST
from gateway.ledger.sql.writing import Group, Transaction
from gateway.message import Delivery, Message, State
from schemas.identifiers.folding import comparison_key

_d, _r, _m = tables.deliveries.c, tables.requests.c, tables.messages.c
_ACTOR = "gateway"

_Tie = tuple[str, Mapping[str, str]]
"""The correlation of a message, and the numbers of its sender that were replaced."""

_TIES = PreparedMany(
    ["id"],
    lambda wanted: sa.select(_m.id, _m.correlation_id, _m.headers).select_from(
        wanted.join(tables.messages, _m.id == wanted.c.id)
    ),
)

_REQUESTS = inserting(tables.requests, REQUEST.inserted)
_REQUESTS_ANEW = inserting_first(tables.requests)
"""One that is there stays; one that was pruned is fixed anew."""

_FORGET_REQUEST = Prepared(sa.delete(tables.requests).where(_r.delivery == sa.bindparam("delivery_")), ("delivery_",))
_SENDING = Prepared(
    sa.select(*rows.DELIVERY_COLUMNS)
    .select_from(tables.deliveries.join(tables.messages))
    .where(
        is_state(_d.state, State.SENDING),
        not_delivered(_d.state),
        _d.platform == sa.bindparam("platform"),
        _d.leased_until.is_(None),
    )
    .order_by(_d.position),
    ("platform",),
)


class Begin(Struct, frozen=True):
    """What `Ledger.begin` is told; or `Ledger.lease`, with an inbox and until when."""

    claim: Claim | Inbox
    delivery_id: str
    adapter: str
    request: OutboundRequest
    at: datetime
    message: Message | None = None
    probe: bool = False
    until: datetime | None = None


class Settle(Struct, frozen=True):
    """What `Ledger.settle` is told."""

    claim: Claim
    settlement: Settlement


# ── what is locked ────────────────────────────────────────────────────────────────────────────
# The lanes: whatever a delivery's step reads or changes is in its lane, or its platform's, and that is its
# claim's. Which lane that is, only who writes alone may change (a retying, or an unrouted one's platform).
def _lanes_begun(connection: sa.Connection, begins: Sequence[Begin]) -> Iterable[str]:
    return lanes.of(connection, [each.delivery_id for each in begins])


def _touched(connection: sa.Connection, settles: Sequence[Settle]) -> Iterable[str]:
    return touched(connection, [each.settlement for each in settles])


def touched(connection: sa.Connection, settlements: Sequence[Settlement]) -> Iterable[str]:
    """Give what settlements lock: the lanes of their deliveries, and the numbers that become known."""
    yield from lanes.of(connection, [each.attempt.delivery_id for each in settlements])
    for settlement in settlements:
        if settlement.alias is not None and settlement.attempt.reference:
            yield comparison_key(settlement.attempt.reference)


# ── steps ─────────────────────────────────────────────────────────────────────────────────────
class _Claimed:
    """The deliveries of a batch, and who has the claims: read once, and kept as the batch changes them."""

    def __init__(self, transaction: Transaction, asked: Sequence[tuple[Claim | Inbox, str]]) -> None:
        self._found = lanes.find(transaction, [delivery_id for _, delivery_id in asked])
        self._owners = ClaimOwners(transaction.connection, (claim for claim, _ in asked))

    def get(self, claim: Claim | Inbox, delivery_id: str) -> StoredDelivery:
        """Give a delivery of the claim's platform; Conflict as `ClaimOwners` says, NotFound `delivery.unknown`."""
        self._owners.verify(claim)
        stored = self._found.get(delivery_id)
        if stored is None or stored.delivery.platform != claim.platform:
            raise no_delivery(delivery_id)
        return stored

    def put(self, stored: StoredDelivery, after: Delivery) -> None:
        """Let the operations that come after in this batch see a delivery as it is now."""
        self._found[after.id] = replace(stored, delivery=after)


def begin(transaction: Transaction, begins: Sequence[Begin]) -> Sequence[OperationResult]:
    """Begin attempts: for `Ledger.begin` and `Ledger.lease`."""
    claimed = _Claimed(transaction, [(each.claim, each.delivery_id) for each in begins])
    holds = overlay.holds(transaction.connection)
    ties = _ties(transaction, [each.message.id for each in begins if each.message is not None])
    results: list[OperationResult] = []
    steps: list[lanes.Step] = []
    first: list[Row] = []
    further: list[Row] = []
    kept = at_rest(transaction.connection)
    for each in begins:
        try:
            stored = claimed.get(each.claim, each.delivery_id)
        except HutongError as error:
            results.append(error)
            continue
        begun = _begun(stored, each, holds, ties)
        results.append(None if begun is None else begun.attempts)
        if begun is not None:
            claimed.put(stored, begun)
            steps.append((stored, begun))
            requests = first if begun.attempts == 1 else further
            requests.append(REQUEST.write(each.request, delivery=begun.position, at_rest=kept))
    lanes.change(transaction, steps)
    _REQUESTS.run(transaction.connection, first)
    _REQUESTS_ANEW.run(transaction.connection, further)
    return results


def _begun(stored: StoredDelivery, begin: Begin, holds: overlay.Holds, ties: Mapping[str, _Tie]) -> Delivery | None:
    holding, delivery, read = holds.get(begin.claim.platform, ()), stored.delivery, begin.message
    if not (stored.head and decisions.may_send(delivery, holding, probe=begin.probe)):
        return None
    # From the second attempt on the request is fixed, whatever its message became since.
    if not delivery.attempts and read is not None and ties.get(read.id) != (read.correlation_id, read.raw_numbers):
        return None
    return decisions.begun(delivery, begin.adapter, begin.at, begin.until)


def _ties(transaction: Transaction, message_ids: Sequence[str]) -> Mapping[str, _Tie]:
    """Give what changes of a message when it is tied to another case."""
    found = _TIES.rows(transaction.connection, [(each,) for each in message_ids])
    return {id: (correlation_id, rows.raw_numbers_in(headers)) for id, correlation_id, headers in found}


def settle(transaction: Transaction, settles: Sequence[Settle]) -> Sequence[OperationResult]:
    """End attempts: for `Ledger.settle`. One that is stale is an error of its own; the others go on."""
    claimed = _Claimed(transaction, [(each.claim, each.settlement.attempt.delivery_id) for each in settles])
    results: list[OperationResult] = []
    done: list[tuple[int, StoredDelivery, Delivery]] = []
    for index, each in enumerate(settles):
        try:
            stored = claimed.get(each.claim, each.settlement.attempt.delivery_id)
            after = decisions.settled(stored.delivery, each.settlement)
        except HutongError as error:
            results.append(error)
            continue
        claimed.put(stored, after)
        done.append((index, stored, after))
        results.append(None)
    moved = _step(transaction, [(stored, after) for _, stored, after in done])
    replies.keep(transaction, [(settles[i].settlement.attempt, after) for i, _, after in done])
    for index, _, after in done:
        held = _held(transaction, settles[index])
        results[index] = Settled(lanes.lane_of(after) in moved, held)
    # Last: an alias may tie messages of another case to this one, and change their lanes.
    called = [(replace(stored, delivery=after), settles[index].settlement) for index, stored, after in done]
    numbers.learn_aliases(transaction, called)
    return results


BEGIN = Group(begin, _lanes_begun)
SETTLE = Group(settle, _touched)


def _held(transaction: Transaction, settle: Settle) -> bool:
    """Put the hold of a settlement, unless the platform was registered anew since its attempt began."""
    hold = settle.settlement.hold
    if hold is None:
        return False
    platform = platforms.one(transaction.connection, settle.claim.platform)
    if platform is None or platform.revision > settle.settlement.revision or not decisions.may_hold(platform, hold.by):
        return False
    platforms.add_hold(transaction, platform, hold, Intent(_ACTOR, hold.reason, settle.settlement.attempt.ended_at))
    return True


def unbegin(transaction: Transaction, claim: Claim, delivery_id: str, attempt: int, at: datetime) -> bool:
    """Take back an attempt in which nothing was sent."""
    stored = _Claimed(transaction, [(claim, delivery_id)]).get(claim, delivery_id)
    if not decisions.is_called(stored.delivery, attempt):
        return False
    after = decisions.unbegun(stored.delivery, at)
    if not after.attempts:
        _FORGET_REQUEST.run(transaction.connection, [(after.position,)])
    _step(transaction, [(stored, after)])
    return True


def kill(
    transaction: Transaction, claim: Claim | Inbox, delivery_id: str, code: str, reason: str, at: datetime
) -> bool:
    """Make a ready head dead."""
    stored = _Claimed(transaction, [(claim, delivery_id)]).get(claim, delivery_id)
    if not stored.head or stored.delivery.state is not State.READY or stored.delivery.held_at is not None:
        return stored.delivery.state is State.DEAD
    after = decisions.killed(stored.delivery, code, reason, at)
    _step(transaction, [(stored, after)])
    leaves.add(transaction, [leaves.given_up(after, at)])
    return True


def rescue(transaction: Transaction, claim: Claim, under_way: Collection[str], at: datetime) -> Sequence[str]:
    """Make what is being sent, but is not under way with the claim's owner, ready and in doubt."""
    verify(transaction.connection, claim)
    sending = map(rows.stored, _SENDING.rows(transaction.connection, claim.platform))
    here = frozenset(under_way)
    lost = [stored for stored in sending if stored.delivery.id not in here]
    _step(transaction, [(stored, decisions.rescued(stored.delivery, at)) for stored in lost])
    return [stored.delivery.id for stored in lost]


def _step(transaction: Transaction, steps: Sequence[lanes.Step]) -> set[lanes.Lane]:
    lanes.change(transaction, steps)
    return lanes.set_heads(transaction, {lanes.lane_of(after) for _, after in steps})

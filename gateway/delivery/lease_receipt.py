"""The receipt by which a platform says what became of a delivery that it fetched."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from adapters.base import ReceiptLevel, RetrySchedule, Verdict, VerdictKind
from gateway.delivery import told
from gateway.delivery.attempt import Attempts
from gateway.delivery.settlement import GAVE_UP, KEPT_REPLY, CallOutcome, settle
from gateway.errors import Conflict
from gateway.ledger import decisions
from gateway.ledger.errors import no_delivery
from gateway.ledger.records import Platform, Work
from gateway.message import LATE, Attempt, Delivery, State
from gateway.telemetry.events import ReceiptLate
from schemas.findings import Text
from schemas.plain import plain
from schemas.reprs import Discreet

_CODES = {VerdictKind.RETRY: "receipt.retry", VerdictKind.DEAD: "receipt.dead"}
"""The codes of what brings neither yes nor no; they say that it is the platform's own word."""

_STATES = {
    VerdictKind.ACCEPTED: State.DELIVERED,
    VerdictKind.REFUSED: State.REFUSED,
    VerdictKind.DEAD: State.DEAD,
    VerdictKind.RETRY: State.WAITING,
}


class LeaseReceipt(Discreet, frozen=True):
    """What a platform says. `verdict` is any but `credentials`; `after` goes with `retry`.

    `attempt` is the lease's number; None: the only lease that it can be about. `body` is the receipt as it came.
    """

    verdict: VerdictKind
    body: bytes
    reference: str | None = None
    reason: str | None = None
    after: timedelta | None = None
    attempt: int | None = None


class ReceiptOutcome(Struct, frozen=True):
    """What a receipt came to: the state it led to, for which attempt, and whether its lease had lapsed before."""

    delivery_id: str
    state: State
    attempt: int
    late: bool


async def settle_receipt(
    attempts: Attempts,
    platform: Platform,
    schedule: RetrySchedule,
    lease: timedelta,
    delivery_id: str,
    receipt: LeaseReceipt,
) -> ReceiptOutcome:
    """Settle a lease by its receipt, as a call is settled by its reply; the same receipt again is answered the same.

    NotFound `delivery.unknown`; Conflict `lease.lapsed`, `lease.answered` or `lease.none` as
    `Ledger.settle_lease` says, and `platform.not-pull` for a platform that never fetched it.
    """
    work = await _work(attempts, platform, delivery_id)
    number = _number(work.delivery, receipt)
    tried = _tried(attempts, work.delivery, receipt, lease)
    settlement = settle(work, number, tried, platform, schedule, attempts.steady(), attempts.longest_asked)
    answered = sha256(receipt.body).digest()
    attempt = replace(settlement.attempt, reply=receipt.body[:KEPT_REPLY], answered=answered)
    try:
        settled = await attempts.ledger.settle_lease(platform.id, replace(settlement, attempt=attempt))
    except Conflict as error:
        raise not_pull(platform.id) if error.code == "lease.none" and not platform.fetches else error from None
    kept, late = settled.attempt, settled.attempt.receipt == LATE
    if not settled.repeated:
        told.tell(attempts.events, work, kept, settlement.state, tried.seconds)
        if late:
            message = work.message
            attempts.events(ReceiptLate(delivery_id, message.id, platform.id, message.type, number, message.trace_id))
    return ReceiptOutcome(delivery_id, _state(kept), number, late)


async def _work(attempts: Attempts, platform: Platform, delivery_id: str) -> Work:
    delivery = await attempts.ledger.delivery(delivery_id)
    message = None if delivery is None else await attempts.ledger.message(delivery.message_id)
    if delivery is None or message is None or delivery.platform != platform.id:
        raise no_delivery(delivery_id)
    return Work(delivery, message)


def _number(delivery: Delivery, receipt: LeaseReceipt) -> int:
    """Tell which lease a receipt is about. Should it be leased again before this is settled, the ledger says so."""
    if receipt.attempt is not None:
        return receipt.attempt
    if decisions.was_leased_twice(delivery):
        raise decisions.lease_gone(delivery, delivery.attempts)
    return delivery.attempts


def _tried(attempts: Attempts, delivery: Delivery, receipt: LeaseReceipt, lease: timedelta) -> CallOutcome:
    verdict = Verdict(
        receipt.verdict,
        reference=None if receipt.reference is None else plain(receipt.reference),
        reason=None if receipt.reason is None else plain(receipt.reason),
        after=receipt.after,
        code=_CODES.get(receipt.verdict),
        # It has the document, for it answers under its id; only a yes tells of more.
        level=ReceiptLevel.BUSINESS if receipt.verdict is VerdictKind.ACCEPTED else ReceiptLevel.TRANSPORT,
    )
    # How long the platform had it: by the clock that leases are given by, so that no step of the wall clock counts.
    left = timedelta(0) if delivery.leased_until is None else delivery.leased_until - attempts.steady()
    had = min(max(lease - left, timedelta(0)), lease)
    return CallOutcome(attempts.clock() - had, had.total_seconds(), verdict)


def _state(kept: Attempt) -> State:
    return State.DEAD if kept.code == GAVE_UP else _STATES[VerdictKind(kept.verdict)]


def not_pull(platform_id: str) -> Conflict:
    """Say that a platform is called, and fetches nothing."""
    return Conflict(
        Text(
            f"平台 {platform_id} 登记为 push（网关主动投递），没有可取的收件箱；如需取件，请管理员改为 mode: pull",
            f"{platform_id} is registered as push: the gateway calls it, and it has no inbox; "
            "to fetch instead, have an administrator register it with mode: pull",
        ),
        code="platform.not-pull",
    )

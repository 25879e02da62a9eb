"""What every ledger decides alike: values in, values out; keeping them is the backend's part."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from gateway.errors import Conflict, Invalid
from gateway.ledger.errors import approval_decided, approval_over, area_in_use, no_area, own_approval
from gateway.ledger.records import (
    PULL,
    ApprovalState,
    Claim,
    Hold,
    Inbox,
    Intent,
    Platform,
    Registry,
    SecondApproval,
    Settlement,
    Unwanted,
)
from gateway.message import KIND_UNWANTED, OPEN, SENDABLE, SHOWN, Delivery, HeldBy, Message, State, may_pass
from schemas import regions
from schemas.findings import Text

DISCARDABLE = (State.READY, State.WAITING, State.DEAD, State.UNROUTED)
"""The states an operator may give a delivery up from."""

REPLAYABLE = (State.DEAD, State.REFUSED, State.DELIVERED)
"""The states a delivery may be replayed from."""


# ── intake ────────────────────────────────────────────────────────────────────────────────────
def is_repeat(first_digest: str | None, digest: str) -> bool:
    """Tell whether a key came before with these bytes; with other bytes: Conflict `idempotency.key-reused`."""
    if first_digest is None:
        return False
    if first_digest == digest:
        return True
    raise Conflict(
        Text(
            "该 Idempotency-Key 已用于另一份内容；请为新内容换用新的键，或原样重发原内容。",
            "This Idempotency-Key was used with other bytes; take a new key for new content, or resend the same bytes.",
        ),
        code="idempotency.key-reused",
    )


def is_duplicate(latest_digest: str | None, digest: str) -> bool:
    """Tell whether a document equals the latest of its identity."""
    return latest_digest == digest


def facts_of(message: Message) -> Mapping[str, str]:
    """Give the facts that a message brings to its correlation: its keys and its region."""
    return {**message.keys, "region": message.region}


def platforms_of(message: Message, deliveries: Sequence[Delivery]) -> tuple[str, ...]:
    """Give the platforms that know a message's numbers: its source and its destinations."""
    platforms = (message.source, *(delivery.platform for delivery in deliveries if delivery.platform))
    return tuple(dict.fromkeys(platforms))


# ── lanes ─────────────────────────────────────────────────────────────────────────────────────
def holder(state: str, type: str, own: HeldBy | None, holds: Collection[Hold]) -> HeldBy | None:
    """Tell what holds deliveries of a type in a state, the first that applies in the order of `HeldBy`.

    `own` is what holds them apart from their platform: their operator, or a dead one ahead in the
    lane. `holds` are their platform's.
    """
    if state not in SENDABLE:
        return None
    reasons = {hold.by for hold in holds if hold.type in (None, type)}
    if own is not None:
        reasons.add(own)
    return next((by for by in HeldBy if by in reasons), None) if reasons else None


def held_by(delivery: Delivery, holds: Collection[Hold], *, parked: bool) -> HeldBy | None:
    """Tell what holds a delivery; `parked` tells that one ahead of it in its lane is dead."""
    own = HeldBy.OPERATOR if delivery.held_at is not None else HeldBy.LANE if parked else None
    return holder(delivery.state, delivery.type, own, holds)


def shown(delivery: Delivery, holds: Collection[Hold], *, parked: bool) -> Delivery:
    """Give a delivery with what holds it laid over its state."""
    by = held_by(delivery, holds, parked=parked)
    return delivery if by is None else replace(delivery, held_by=by)


def in_force(holds: Iterable[Hold], *, probe: bool) -> tuple[Hold, ...]:
    """Give the holds that keep heads from being sent; a probe looks past what a breaker holds."""
    past = (HeldBy.BREAKER, HeldBy.ENDPOINT) if probe else ()
    return tuple(hold for hold in holds if hold.by not in past)


def may_send(delivery: Delivery, holds: Collection[Hold], *, probe: bool) -> bool:
    """Tell whether a head may be sent."""
    if delivery.state not in SENDABLE or delivery.held_at is not None:
        return False
    return not any(hold.type in (None, delivery.type) for hold in in_force(holds, probe=probe))


# ── claims ────────────────────────────────────────────────────────────────────────────────────
def verify_claim(claim: Claim, owner: str | None, epoch: int | None) -> None:
    """Let pass who has the claim: Conflict `claim.lost` when a later one was taken."""
    if (claim.owner, claim.epoch) != (owner, epoch):
        raise Conflict(
            Text(
                f"平台 {claim.platform} 的投递权已由另一进程取得；本进程停止向其投递。",
                f"Another process has taken over delivering to {claim.platform}; this one stops delivering to it.",
            ),
            code="claim.lost",
        )


def verify_inbox(inbox: Inbox, mode: str | None, revision: int | None) -> None:
    """Let pass a platform that fetches for itself and is registered as it was: else Conflict `inbox.closed`."""
    if (mode, revision) != (PULL, inbox.revision):
        raise Conflict(
            Text(
                f"平台 {inbox.platform} 的登记刚被更改；请重新取件。",
                f"The registration of {inbox.platform} was changed just now; ask for its inbox again.",
            ),
            code="inbox.closed",
        )


# ── steps of a delivery ───────────────────────────────────────────────────────────────────────
def wrong_state(delivery: Delivery, wanted: str) -> Conflict:
    """Say that a delivery is not in a state in which this can be done."""
    return Conflict(
        Text(
            f"投递 {delivery.id} 当前为 {delivery.state}，不能执行 {wanted}；请刷新后再看。",
            f"Delivery {delivery.id} is {delivery.state}, which does not allow {wanted}; look at it again.",
        ),
        code="state.wrong",
    )


def _step(delivery: Delivery, state: State, at: datetime, **changes: Any) -> Delivery:
    if not may_pass(delivery.state, state):
        raise wrong_state(delivery, state)
    nothing = {"held_at": None, "due_at": None, "waits_since": None, "leased_until": None}
    return replace(delivery, **{"state": state, **nothing, "changed_at": at, **changes})


def begun(delivery: Delivery, adapter: str, at: datetime, leased_until: datetime | None = None) -> Delivery:
    """Begin an attempt, or lease a delivery; the adapter is fixed at the first one."""
    fixed = delivery.adapter or adapter
    return _step(delivery, State.SENDING, at, attempts=delivery.attempts + 1, adapter=fixed, leased_until=leased_until)


def is_called(delivery: Delivery, attempt: int) -> bool:
    """Tell whether an attempt is under way in which we call the platform; what it fetched is not."""
    return delivery.state is State.SENDING and delivery.leased_until is None and delivery.attempts == attempt


def unbegun(delivery: Delivery, at: datetime) -> Delivery:
    """Take back an attempt that sent nothing; doubt about an earlier one stays, and a first one fixes no adapter."""
    adapter = delivery.adapter if delivery.attempts > 1 else None
    return _step(delivery, State.READY, at, attempts=delivery.attempts - 1, adapter=adapter)


def settled(delivery: Delivery, settlement: Settlement) -> Delivery:
    """End an attempt: compare and set. Conflict `settle.stale` when another attempt is under way, or none."""
    attempt = settlement.attempt
    if not is_called(delivery, attempt.number):
        raise Conflict(
            Text(
                f"投递 {delivery.id} 的第 {attempt.number} 次尝试已不在进行中；其结果未予采用。",
                f"Attempt {attempt.number} of delivery {delivery.id} is not under way any more; it changes nothing.",
            ),
            code="settle.stale",
        )
    return _ended(delivery, settlement)


def _ended(delivery: Delivery, settlement: Settlement) -> Delivery:
    attempt, state = settlement.attempt, settlement.state
    return _step(
        delivery,
        state,
        attempt.ended_at,
        due_at=settlement.due_at or attempt.ended_at if state is State.WAITING else None,
        waits_since=settlement.waits_since if state is State.WAITING else None,
        in_doubt=settlement.in_doubt,
        tried_for=settlement.tried_for,
        reference=attempt.reference or delivery.reference,
        reason=attempt.reason,
        code=attempt.code,
    )


def killed(delivery: Delivery, code: str, reason: str, at: datetime) -> Delivery:
    """Make a delivery that could not be translated dead."""
    return _step(delivery, State.DEAD, at, code=code, reason=reason)


def rescued(delivery: Delivery, at: datetime) -> Delivery:
    """Make a delivery ready and in doubt whose attempt will never end."""
    return _step(delivery, State.READY, at, in_doubt=True)


# ── leases ────────────────────────────────────────────────────────────────────────────────────
LAPSED = "lease.lapsed"
"""The code of a delivery whose lease lapsed, until something else becomes of it."""


def lapsed(delivery: Delivery, at: datetime) -> Delivery:
    """Let a lease lapse: ready again in its place, and in doubt, since its platform has it."""
    return _step(delivery, State.READY, at, in_doubt=True, code=LAPSED, reason=None)


def is_leased(delivery: Delivery, number: int) -> bool:
    """Tell whether a delivery is leased, by that attempt."""
    return delivery.state is State.SENDING and delivery.leased_until is not None and delivery.attempts == number


def is_lapsed(delivery: Delivery, number: int) -> bool:
    """Tell whether the lease of that attempt lapsed and nothing else became of the delivery since."""
    return delivery.state is State.READY and delivery.code == LAPSED and delivery.attempts == number


def was_leased_twice(delivery: Delivery) -> bool:
    """Tell whether a delivery is leased again after a lease that lapsed: a receipt may be about either."""
    return delivery.state is State.SENDING and delivery.leased_until is not None and delivery.code == LAPSED


def resumed(delivery: Delivery, at: datetime) -> Delivery:
    """Take up a lease again that lapsed, so that its late receipt can end it; nothing is counted again."""
    return _step(delivery, State.SENDING, at)


def lease_settled(delivery: Delivery, settlement: Settlement) -> Delivery:
    """End a lease by its receipt, also one that lapsed; an operator's hold stays on what is to be fetched again."""
    leased = resumed(delivery, settlement.attempt.ended_at) if delivery.state is State.READY else delivery
    after = _ended(leased, settlement)
    return replace(after, held_at=delivery.held_at) if after.state in SENDABLE else after


def lease_gone(delivery: Delivery, number: int) -> Conflict:
    """Say that a receipt is about no lease that there is: `lease.lapsed` when there was one, else `lease.none`."""
    if not 1 <= number <= delivery.attempts or is_called(delivery, number):
        return no_lease(delivery)
    return Conflict(
        Text(
            f"投递 {delivery.id} 的租约已到期，且该投递已再次被取走或已另行处理（现为 {delivery.state}）；"
            "该回执未予采用。请在回执中原样带回取件时的 attempt。",
            f"The lease of delivery {delivery.id} lapsed, and it was leased again or dealt with otherwise since "
            f"(it is {delivery.state}): the receipt changes nothing. Send back the `attempt` of the lease in receipts.",
        ),
        code=LAPSED,
    )


def no_lease(delivery: Delivery) -> Conflict:
    """Say that a delivery was never leased by that attempt."""
    return Conflict(
        Text(
            f"投递 {delivery.id} 没有这次租约；请先通过 /v1/inbox 取件，再提交回执。",
            f"There is no such lease of delivery {delivery.id}; fetch it from /v1/inbox first, then send the receipt.",
        ),
        code="lease.none",
    )


def lease_answered(delivery: Delivery) -> Conflict:
    """Say that another receipt was given for a lease."""
    return Conflict(
        Text(
            f"投递 {delivery.id} 的这次租约已有另一份回执（现为 {delivery.state}）；后来的回执未予采用。",
            f"Another receipt was given for this lease of delivery {delivery.id}, which is {delivery.state}; "
            "this one changes nothing.",
        ),
        code="lease.answered",
    )


def assigned(delivery: Delivery, platform: str, at: datetime) -> Delivery:
    """Give an unrouted delivery its platform."""
    return _step(delivery, State.READY, at, platform=platform, reason=None, code=None)


def discarded(delivery: Delivery, reason: str, at: datetime) -> Delivery:
    """Give a delivery up."""
    if delivery.state not in DISCARDABLE:
        raise wrong_state(delivery, "discard")
    code = None if delivery.state is State.UNROUTED else delivery.code
    return _step(delivery, State.DISCARDED, at, reason=reason, code=code)


def held(delivery: Delivery, at: datetime) -> Delivery:
    """Hold a delivery for an operator: its state stays, and `held_at` is laid over it. Held twice is held once."""
    if delivery.state not in SENDABLE:
        raise wrong_state(delivery, "hold")
    return replace(delivery, held_at=delivery.held_at or at)


def released(delivery: Delivery) -> Delivery:
    """Lift an operator's hold; the time to give up starts anew."""
    if delivery.held_at is None:
        raise wrong_state(delivery, "release")
    return replace(delivery, held_at=None, tried_for=0.0)


def replayed(delivery: Delivery, new_id: str, at: datetime, *, moved_on: bool, stale_ok: bool) -> Delivery:
    """Replay a delivery: the same one when dead or refused, a new one under `new_id` when it was delivered."""
    if delivery.state not in REPLAYABLE:
        raise wrong_state(delivery, "replay")
    if moved_on and not stale_ok:
        raise _moved_on(delivery)
    if delivery.state is State.DELIVERED:
        return _again(delivery, new_id, at)
    return _step(delivery, State.READY, at, tried_for=0.0, reason=None, code=None)


def _again(delivery: Delivery, new_id: str, at: datetime) -> Delivery:
    return Delivery(
        id=new_id,
        message_id=delivery.message_id,
        type=delivery.type,
        kind=delivery.kind,
        platform=delivery.platform,
        toward=delivery.toward,
        lane=delivery.lane,
        state=State.READY,
        created_at=at,
        replay_of=delivery.id,
    )


def _moved_on(delivery: Delivery) -> Conflict:
    return Conflict(
        Text(
            f"投递 {delivery.id} 之后，同一事项已有新的投递送达或正在发送；如仍要重新投递旧内容，请加 stale_ok。",
            f"A later delivery of the lane of {delivery.id} was delivered or is being sent; "
            "add stale_ok to replay it anyway.",
        ),
        code="lane.moved_on",
    )


def is_open(delivery: Delivery) -> bool:
    """Tell whether a delivery keeps its place in its lane."""
    return delivery.state in OPEN


# ── platforms ─────────────────────────────────────────────────────────────────────────────────
def registered(platform: Platform, before: Platform | None, revision: int) -> Platform:
    """Register or change a platform: when it was created stays, and so do its holds that are still about it.

    Those for refused credentials are over; and what breakers held, when nobody calls it any more.
    """
    if before is None:
        return replace(platform, holds=(), revision=revision)
    kept = tuple(hold for hold in before.holds if hold.by is not HeldBy.CREDENTIALS and may_hold(platform, hold.by))
    return replace(platform, created_at=before.created_at, holds=kept, revision=revision)


def may_hold(platform: Platform, by: HeldBy) -> bool:
    """Tell whether something may hold a platform: what judges calls does not hold one that nobody calls."""
    return not (platform.fetches and by in (HeldBy.BREAKER, HeldBy.ENDPOINT, HeldBy.CREDENTIALS))


def check_unused(code: str, registry: Registry) -> None:
    """Let an area go that nobody names: NotFound `area.unknown`, Conflict `area.in-use`."""
    if code not in registry.areas:
        raise no_area(code)
    for platform in registry.platforms.values():
        if platform.region == code or any(code in one.split("-") for one in platform.covers):
            raise area_in_use(code, platform.id)
    for area in registry.areas.values():
        if area.parent == code:
            raise area_in_use(code, area.code)


# ── kinds that a region does not have ─────────────────────────────────────────────────────────
def marked(delivery: Delivery, region: str, declared: Iterable[Unwanted]) -> Delivery:
    """Mark an unrouted delivery whose kind is declared unwanted where it would go, or take the mark off.

    `region` is its message's. The deepest declaration that covers the place gives the reason.
    """
    place = _place(delivery.toward or "", region)
    found = [one for one in declared if one.kind == delivery.kind and regions.covers(one.region, place)]
    deepest = max(found, key=lambda one: regions.depth(one.region), default=None)
    if deepest is None:
        return replace(delivery, code=None, reason=None) if delivery.code == KIND_UNWANTED else delivery
    return replace(delivery, code=KIND_UNWANTED, reason=deepest.reason)


def _place(toward: str, region: str) -> str:
    """Give the region whose platform an unrouted delivery seeks."""
    sought = {"nearest": region, "national": regions.NATIONAL}
    return sought[toward] if toward in sought else toward.rpartition(".")[2]


# ── searching ─────────────────────────────────────────────────────────────────────────────────
def check_shown(state: str | None) -> None:
    """Let pass what a delivery may be shown as; any other word: Invalid `state.unknown`."""
    if state is not None and state not in SHOWN:
        raise Invalid(
            Text(
                f"没有状态 {state}；可用的有 {'、'.join(SHOWN)}。",
                f"There is no state {state}; there are {', '.join(SHOWN)}.",
            ),
            code="state.unknown",
        )


def read_cursor(cursor: str | None) -> int | None:
    """Read a cursor: the number of the last item shown. Anything else: Invalid `cursor.unknown`."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise _no_cursor()
    return int(cursor)


def read_clock_cursor(cursor: str | None) -> tuple[int, str] | None:
    """Read a cursor of deadlines: the day and the id of the last one shown; Invalid `cursor.unknown`."""
    if cursor is None:
        return None
    day, _, id = cursor.partition(".")
    if not (day.isascii() and day.isdigit() and len(day) < 8 and re.fullmatch(r"[0-9a-f]{32}", id)):
        raise _no_cursor()
    return int(day), id


def _no_cursor() -> Invalid:
    return Invalid(
        Text("游标无法识别；请从第一页重新开始。", "The cursor is not one of ours; start again at the first page."),
        code="cursor.unknown",
    )


# ── four eyes ─────────────────────────────────────────────────────────────────────────────────
def decided(approval: SecondApproval, state: ApprovalState, intent: Intent) -> SecondApproval:
    """Approve or reject a change; decided before in the same way by the same person, it stays as it is.

    Forbidden `approval.own` for whoever asked and approves; they may reject it, which takes it back. Conflict
    `approval.decided`, `approval.expired`.
    """
    approves = state is ApprovalState.APPROVED
    if approves and intent.actor == approval.asked_by:
        raise own_approval()
    if approval.state is not ApprovalState.PENDING:
        same = approves == (approval.state is not ApprovalState.REJECTED) and approval.decided_by == intent.actor
        if same and approval.state is not ApprovalState.FAILED:
            return approval
        raise approval_decided(approval.id, approval.state)
    if approval.until <= intent.at:
        raise approval_over(approval.id)
    return replace(
        approval, state=state, decided_by=intent.actor, decided_at=intent.at, decision="" if approves else intent.reason
    )

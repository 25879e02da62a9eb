"""What every ledger decides alike: values in, values out; keeping them is the backend's part."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.clock import new_id
from gateway.errors import Conflict, Invalid
from gateway.ledger.records import Platform, Settlement
from gateway.message import OPEN, Delivery, HeldBy, Message, State, may_pass
from schemas.findings import Text

SENDABLE = (State.READY, State.WAITING)
"""The states a head may be sent from."""

DISCARDABLE = (State.READY, State.WAITING, State.HELD, State.DEAD, State.UNROUTED)
"""The states an operator may give a delivery up from."""

HOLD_ORDER = (HeldBy.PAUSED, HeldBy.CREDENTIALS, HeldBy.BREAKER, HeldBy.OPERATOR)
"""Of several holds on a platform the first of these is shown: what people decided before what machines did."""


# ── intake ────────────────────────────────────────────────────────────────────────────────────
def is_repeat(first_digest: str | None, digest: str) -> bool:
    """Tell whether a key came before with these bytes; with other bytes: Conflict `idempotency.key-reused`."""
    if first_digest is None:
        return False
    if first_digest == digest:
        return True
    raise Conflict(
        Text(
            "该 Idempotency-Key 已用于另一份内容;请为新内容换用新的键,或原样重发原内容。",
            "This Idempotency-Key was used with other bytes; take a new key for new content, or resend the same bytes.",
        ),
        code="idempotency.key-reused",
    )


def is_duplicate(latest_digest: str | None, digest: str) -> bool:
    """Tell whether a document equals the latest of its identity."""
    return latest_digest == digest


def said(message: Message) -> Mapping[str, str]:
    """Give what a message says about its correlation: its keys and its region."""
    return {**message.keys, "region": message.region}


def speakers(message: Message, deliveries: Sequence[Delivery]) -> tuple[str, ...]:
    """Give the platforms that know a message's numbers: its source and its destinations."""
    platforms = (message.source, *(delivery.platform for delivery in deliveries if delivery.platform))
    return tuple(dict.fromkeys(platforms))


# ── lanes ─────────────────────────────────────────────────────────────────────────────────────
def head_of(lane: Sequence[Delivery]) -> Delivery | None:
    """Choose the head of a lane from its open deliveries in order: one being sent stays the head."""
    sending = (delivery for delivery in lane if delivery.state is State.SENDING)
    return next(sending, lane[0] if lane else None)


def shown_state(
    state: State, held_by: HeldBy | None, holds: Collection[HeldBy], *, parked: bool
) -> tuple[State, HeldBy | None]:
    """Give a state as it is shown: `parked` tells that one ahead of the delivery in its lane is dead."""
    if state not in SENDABLE:
        return state, held_by
    by = HeldBy.LANE if parked else next((hold for hold in HOLD_ORDER if hold in holds), None)
    return (state, held_by) if by is None else (State.HELD, by)


def shown(delivery: Delivery, holds: Collection[HeldBy], *, parked: bool) -> Delivery:
    """Give a delivery as it is shown."""
    state, held_by = shown_state(delivery.state, delivery.held_by, holds, parked=parked)
    return delivery if state is delivery.state else replace(delivery, state=state, held_by=held_by)


def may_send(holds: Collection[HeldBy], *, probe: bool) -> bool:
    """Tell whether a platform's holds let its heads out; a probe looks past the breaker only."""
    return not (set(holds) - {HeldBy.BREAKER} if probe else holds)


def is_sendable(delivery: Delivery, now: datetime) -> bool:
    """Tell whether a head is ready, or waiting and due."""
    if delivery.state is State.WAITING:
        return delivery.due_at is None or delivery.due_at <= now
    return delivery.state is State.READY


# ── steps of a delivery ───────────────────────────────────────────────────────────────────────
def wrong_state(delivery: Delivery, wanted: str) -> Conflict:
    """Say that a delivery is not in a state in which this can be done."""
    return Conflict(
        Text(
            f"投递 {delivery.id} 当前为 {delivery.state},不能执行 {wanted};请刷新后再看。",
            f"Delivery {delivery.id} is {delivery.state}, which does not allow {wanted}; look at it again.",
        ),
        code="state.wrong",
    )


def _step(delivery: Delivery, state: State, at: datetime, **changes: Any) -> Delivery:
    if not may_pass(delivery.state, state):
        raise wrong_state(delivery, state)
    return replace(delivery, **{"state": state, "held_by": None, "due_at": None, "changed_at": at, **changes})


def begun(delivery: Delivery, adapter: str, at: datetime, unheld: float) -> Delivery:
    """Begin an attempt; adapter and start on the unheld clock are fixed at the first one."""
    return _step(
        delivery,
        State.SENDING,
        at,
        attempts=delivery.attempts + 1,
        adapter=delivery.adapter or adapter,
        trying_since=unheld if delivery.trying_since is None else delivery.trying_since,
    )


def settled(delivery: Delivery, settlement: Settlement) -> Delivery:
    """End an attempt."""
    attempt, state = settlement.attempt, settlement.state
    if delivery.state is not State.SENDING:
        raise wrong_state(delivery, state)
    return _step(
        delivery,
        state,
        attempt.ended_at,
        due_at=settlement.due_at or attempt.ended_at if state is State.WAITING else None,
        in_doubt=settlement.in_doubt,
        reference=attempt.reference or delivery.reference,
        reason=attempt.reason,
        code=attempt.code,
    )


def passing_through_sending(delivery: Delivery, at: datetime) -> Delivery:
    """Pass through sending without an attempt, on the way to dead."""
    return _step(delivery, State.SENDING, at)


def killed(delivery: Delivery, code: str, reason: str, at: datetime) -> Delivery:
    """Make a delivery that could not be translated dead."""
    return _step(passing_through_sending(delivery, at), State.DEAD, at, code=code, reason=reason)


def rescued(delivery: Delivery, at: datetime) -> Delivery:
    """Make a delivery that was being sent when the process died ready, and in doubt."""
    return _step(delivery, State.READY, at, in_doubt=True)


def assigned(delivery: Delivery, platform: str, at: datetime) -> Delivery:
    """Give an unrouted delivery its platform."""
    return _step(delivery, State.READY, at, platform=platform)


def discarded(delivery: Delivery, reason: str, at: datetime) -> Delivery:
    """Give a delivery up."""
    if delivery.state not in DISCARDABLE:
        raise wrong_state(delivery, "discard")
    return _step(delivery, State.DISCARDED, at, reason=reason)


def held(delivery: Delivery, at: datetime) -> Delivery:
    """Hold a delivery for an operator."""
    if delivery.state not in SENDABLE:
        raise wrong_state(delivery, "hold")
    return _step(delivery, State.HELD, at, held_by=HeldBy.OPERATOR)


def released(delivery: Delivery, at: datetime) -> Delivery:
    """Lift an operator's hold; the time to give up starts anew."""
    if delivery.state is not State.HELD or delivery.held_by is not HeldBy.OPERATOR:
        raise wrong_state(delivery, "release")
    return _step(delivery, State.READY, at, trying_since=None)


def replayed(delivery: Delivery, at: datetime, *, moved_on: bool, stale_ok: bool) -> Delivery:
    """Replay a delivery: the same one when dead or refused, a new one when it was delivered."""
    if delivery.state not in (State.DEAD, State.REFUSED, State.DELIVERED):
        raise wrong_state(delivery, "replay")
    if moved_on and not stale_ok:
        raise _moved_on(delivery)
    if delivery.state is State.DELIVERED:
        return _again(delivery, at)
    return _step(delivery, State.READY, at, trying_since=None, reason=None, code=None)


def _again(delivery: Delivery, at: datetime) -> Delivery:
    return Delivery(
        id=new_id(at),
        message_id=delivery.message_id,
        type=delivery.type,
        kind=delivery.kind,
        platform=delivery.platform,
        lane=delivery.lane,
        state=State.READY,
        created_at=at,
        replay_of=delivery.id,
    )


def _moved_on(delivery: Delivery) -> Conflict:
    return Conflict(
        Text(
            f"投递 {delivery.id} 之后同一事项已有新的投递送达;如仍要重放旧内容,请加 stale_ok。",
            f"A later delivery of the lane of {delivery.id} was delivered; add stale_ok to replay it anyway.",
        ),
        code="lane.moved_on",
    )


def is_open(delivery: Delivery) -> bool:
    """Tell whether a delivery keeps its position in its lane."""
    return delivery.state in OPEN


# ── platforms ─────────────────────────────────────────────────────────────────────────────────
def registered(platform: Platform, before: Platform | None) -> Platform:
    """Register or change a platform: its birth, holds and held time stay as they are."""
    if before is None:
        return replace(platform, holds=frozenset(), held_seconds=0.0, held_since=None)
    return replace(
        platform,
        created_at=before.created_at,
        holds=before.holds,
        held_seconds=before.held_seconds,
        held_since=before.held_since,
    )


def with_hold(platform: Platform, by: HeldBy, at: datetime) -> Platform:
    """Add a hold; the unheld clock stops at the first one."""
    return replace(platform, holds=platform.holds | {by}, held_since=platform.held_since or at)


def without_hold(platform: Platform, by: HeldBy, at: datetime) -> Platform:
    """Lift a hold; when it was the last, the time they lasted is counted as held."""
    holds = platform.holds - {by}
    if holds or platform.held_since is None:
        return replace(platform, holds=holds)
    lasted = max(0.0, (at - platform.held_since).total_seconds())
    return replace(platform, holds=holds, held_since=None, held_seconds=platform.held_seconds + lasted)


def unheld(platform: Platform | None, at: datetime) -> float:
    """Give the unheld clock of a platform; one we do not know was never held."""
    return at.timestamp() if platform is None else platform.unheld(at)


# ── pages ─────────────────────────────────────────────────────────────────────────────────────
def read_cursor(cursor: str | None) -> int | None:
    """Read a cursor: the number of the last item shown. Anything else: Invalid `cursor.unknown`."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise Invalid(
            Text("游标无法识别;请从第一页重新开始。", "The cursor is not one of ours; start again at the first page."),
            code="cursor.unknown",
        )
    return int(cursor)

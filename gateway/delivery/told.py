"""What is told of an attempt and of its delivery, whether the platform was called or fetched it."""

from __future__ import annotations

from datetime import datetime

from gateway.ledger.records import Work
from gateway.message import Attempt, State
from gateway.telemetry.events import AttemptEnded, DeliverySettled, Events

_SETTLED = (State.DELIVERED, State.REFUSED, State.DEAD)


def tell(events: Events, work: Work, attempt: Attempt, state: State, seconds: float) -> None:
    """Tell of an attempt that ended, and of its delivery when that came to an end with it."""
    events(
        AttemptEnded(
            delivery_id=work.delivery.id,
            message_id=work.message.id,
            platform=work.delivery.platform or "",
            type=work.message.type,
            number=attempt.number,
            verdict=attempt.verdict,
            status=attempt.status,
            seconds=seconds,
            code=attempt.code,
            trace_id=work.message.trace_id,
            started_at=attempt.started_at,
            waited=_seconds(work, attempt.started_at),
        )
    )
    if state in _SETTLED:
        events(settled(work, state, attempt.code, attempt.number, attempt.ended_at))


def settled(work: Work, state: State, code: str | None, attempts: int, at: datetime) -> DeliverySettled:
    """Give what is told of a delivery that came to an end."""
    return DeliverySettled(
        delivery_id=work.delivery.id,
        message_id=work.message.id,
        platform=work.delivery.platform or "",
        type=work.message.type,
        state=state.value,
        attempts=attempts,
        seconds=_seconds(work, at),
        code=code,
        trace_id=work.message.trace_id,
    )


def _seconds(work: Work, at: datetime) -> float:
    """Give how long after its message was received something happened, by the wall clock."""
    return max(0.0, (at - work.message.received_at).total_seconds())

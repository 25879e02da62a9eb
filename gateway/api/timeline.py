"""A message's timeline: received, accepted, and of each attempt sent and answered; and what people did to it.

With these four moments it is decidable whose a delay was: between received and sent it is ours, between
sent and answered the platform's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from gateway.api.models import TimelineEntry
from gateway.ledger.records import AuditEntry
from gateway.message import Attempt, Delivery, Message

_GATEWAY = "gateway"
_OPERATOR = "operator"

READINGS = frozenset({"personal.unmasked"})
"""What people do without changing anything; it is nobody's business but the auditors'."""


def timeline(
    message: Message,
    deliveries: Iterable[Delivery],
    attempts: Mapping[str, Sequence[Attempt]],
    audit: Iterable[AuditEntry],
) -> list[TimelineEntry]:
    """Give what happened, in order; `attempts` are those of each delivery."""
    received = TimelineEntry(
        at=message.received_at,
        actor=message.source,
        action="message.received",
        subject=message.id,
        reason="",
        detail={},
    )
    tried = [entry for each in deliveries for one in attempts[each.id] for entry in _hop(each, one)]
    done = [TimelineEntry.of(each) for each in audit]
    return [received, *sorted([*done, *tried], key=lambda entry: entry.at)]


def nameless(entries: Iterable[AuditEntry], platforms: Collection[str | None]) -> list[AuditEntry]:
    """Give entries as `platforms` see them: of what people did neither who nor why, and of what they read nothing."""
    known = {_GATEWAY, *platforms}
    entries = (each for each in entries if each.action not in READINGS)
    return [each if each.actor in known else replace(each, actor=_OPERATOR, reason="", detail={}) for each in entries]


def _hop(delivery: Delivery, attempt: Attempt) -> Iterator[TimelineEntry]:
    """Give the two ends of an attempt. What nobody answered ended here, when it was given up."""
    number = {"attempt": attempt.number}
    yield TimelineEntry(
        at=attempt.started_at, actor=_GATEWAY, action="delivery.sent", subject=delivery.id, reason="", detail=number
    )
    answered = attempt.status is not None
    yield TimelineEntry(
        at=attempt.ended_at,
        actor=(delivery.platform or "") if answered else _GATEWAY,
        action="delivery.answered" if answered else "delivery.unanswered",
        subject=delivery.id,
        reason=attempt.code or "",
        detail={**number, "verdict": attempt.verdict, "status": attempt.status},
    )

"""The request a delivery makes: written once at its first attempt, the same bytes ever after."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.base import OutboundRequest, Sending
from gateway.ledger.records import Platform, Work
from gateway.message import effective_document, with_value
from gateway.telemetry.trace import span_id, traceparent


def outbound(work: Work, platform: Platform) -> Sending:
    """Give what an adapter may use: the document as the case knows it, in the platform's own numbers."""
    document: dict[str, Any] = effective_document(work.message)
    for field, alias in work.aliases.items():
        document = with_value(document, field, alias)
    return Sending(
        type=work.message.type,
        document=document,
        settings=platform.settings,
        delivery_id=work.delivery.id,
        message_id=work.message.id,
        accepted_at=work.message.received_at,
    )


def keyed(request: OutboundRequest, key: str, trace_id: str | None) -> OutboundRequest:
    """Add the headers that every call carries and that never change over its resends."""
    fixed = {"Idempotency-Key": key, "webhook-id": key, "traceparent": traceparent(trace_id, span_id(key))}
    return OutboundRequest(request.method, request.path, {**request.headers, **fixed}, request.body)


def stamped(request: OutboundRequest, now: datetime) -> OutboundRequest:
    """Add the moment of this attempt (seconds since 1970)."""
    headers = {**request.headers, "webhook-timestamp": str(int(now.timestamp()))}
    return OutboundRequest(request.method, request.path, headers, request.body)

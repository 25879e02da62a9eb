"""Messages and deliveries, as they are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from gateway.api.wire.base import Wire
from gateway.api.wire.problem import FieldError
from gateway.message import HeldBy, State


class AttemptView(Wire):
    """One try of one delivery."""

    number: int
    started_at: datetime
    ended_at: datetime
    verdict: str
    status: int | None = Field(description="The HTTP status, None without an answer")
    reference: str | None
    reason: str | None
    code: str | None
    reply: str | None = Field(default=None, description="The beginning of the reply; operators only")


class ReceiptView(Wire):
    """The platform's acceptance: its own number for what it took."""

    reference: str | None
    at: datetime | None


class DeliveryView(Wire):
    """One message to one platform, as it stands."""

    id: str
    message_id: str
    type: str
    kind: str
    platform: str | None
    lane: str
    position: int
    state: State
    held_by: HeldBy | None
    due_at: datetime | None
    in_doubt: bool
    attempts: int
    reference: str | None
    reason: str | None
    code: str | None
    adapter: str | None
    replay_of: str | None
    created_at: datetime
    changed_at: datetime | None


class DeliveryDetail(DeliveryView):
    """A delivery with each of its attempts and, once accepted, its receipt."""

    tries: list[AttemptView]
    receipt: ReceiptView | None


class TimelineEntry(Wire):
    """Something that was done to the message or one of its deliveries."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    detail: dict[str, Any]


class MessageView(Wire):
    """A message's headers."""

    id: str
    type: str
    state: str
    source: str
    operation: str
    adapter: str
    region: str
    ordering_key: str
    correlation_id: str
    causation_id: str | None
    corrects: str | None
    received_at: datetime
    keys: dict[str, str]
    trace_id: str | None


class EnrichedView(Wire):
    """A value the case already knew, and the message it came from."""

    value: str
    message_id: str


class MessageDetail(MessageView):
    """A message with its warnings, what was filled in, its deliveries and its timeline."""

    warnings: list[FieldError]
    enriched: dict[str, EnrichedView]
    deliveries: list[DeliveryDetail]
    timeline: list[TimelineEntry]


class MessagePage(Wire):
    """Messages, newest first. `cursor` continues after the last; None: there is no more."""

    messages: list[MessageView]
    cursor: str | None


class DeliveryPage(Wire):
    """Deliveries, newest first."""

    deliveries: list[DeliveryView]
    cursor: str | None


class LineageView(Wire):
    """Where one canonical value came from."""

    field: str
    title: str
    path: str
    converters: list[str]
    codes: str | None
    note: str | None


class LineageList(Wire):
    """The lineage of a message's document, field by field."""

    adapter: str
    operation: str
    fields: list[LineageView]
    enriched: dict[str, EnrichedView]

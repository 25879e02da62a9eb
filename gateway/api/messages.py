"""Messages: what was accepted, where it went, its exact bytes and its canonical document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Response
from msgspec.structs import replace
from pydantic import BaseModel, Field

from gateway.api.deliveries import DeliveryDetail, ShownReplies, delivery_detail
from gateway.api.inbound.answer import message_state
from gateway.api.limits import StrictRoute
from gateway.api.masking import MASKED, TheMasking, document_masked, finding_masked, native_masked, words_masked
from gateway.api.models import Cursor, FieldError, Limit, Moment, RestModel, Shown, TimelineEntry, in_utc
from gateway.api.openapi import CANONICAL_EXAMPLE, NATIVE_BYTES, problems
from gateway.api.rights import Caller, Role, TheHub, TheIncoming, has_role, searched_platform
from gateway.api.sight import TheSight, message_in_sight, page_in_sight
from gateway.api.timeline import nameless, timeline
from gateway.errors.problems import tell_warnings
from gateway.ledger.errors import body_pruned, no_message
from gateway.ledger.records import MessageFilter
from gateway.message import Delivery, Message
from schemas.findings import Text


class MessageQuery(BaseModel):
    """What is looked for among messages: each field of the ledger's filter, and which page.

    The options of `hutong message list` are made from these fields.
    """

    type: str | None = Field(default=None, max_length=100, description="Message type", examples=["case.transferred"])
    platform: str | None = Field(default=None, max_length=100, description="Source or destination")
    case_number: str | None = Field(default=None, max_length=200)
    credit_code: str | None = Field(default=None, max_length=100)
    correlation_id: str | None = Field(default=None, max_length=200)
    state: Shown | None = Field(default=None, description="Some delivery of it stands so")
    since: Moment = None
    until: Moment = None
    cursor: Cursor = None
    limit: Limit = 50


class MessageView(RestModel):
    """A message, as lists show it: its attributes of these names, and `state`, which sums up its deliveries."""

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


class EnrichedView(RestModel):
    """A value the case already knew, and the message it came from."""

    value: str
    message_id: str


class MessageDetail(MessageView):
    """A message with its warnings, what was filled in, its deliveries and its timeline."""

    warnings: list[FieldError]
    enriched: dict[str, EnrichedView]
    deliveries: list[DeliveryDetail]
    timeline: list[TimelineEntry]


class MessagePage(RestModel):
    """Messages, newest first. `cursor` continues after the last; None: there is no more."""

    messages: list[MessageView]
    cursor: str | None


class LineageView(RestModel):
    """Where one canonical value came from."""

    field: str
    title: str
    path: str
    converters: list[str]
    codes: str | None
    note: str | None


class LineageList(RestModel):
    """The lineage of a message's document, field by field."""

    adapter: str
    operation: str
    fields: list[LineageView]
    enriched: dict[str, EnrichedView]


router = APIRouter(prefix="/v1/messages", tags=["messages"], route_class=StrictRoute)

MessageId = Annotated[str, Path(max_length=100, description="The message's id, as its 202 said it")]

_ONLY_YOUR_OWN = Text(
    "平台只能查询自己的消息；请去掉 platform 参数",
    "A platform may only search its own messages; leave `platform` out",
)


@router.get("", summary="Find messages · 查找消息", responses=problems(401, 403, 422, 429))
async def find(hub: TheHub, caller: Caller, sight: TheSight, query: Annotated[MessageQuery, Query()]) -> MessagePage:
    """Find messages, newest first. Platforms find their own, people those of their regions.

    A page may be shorter than asked for, and even empty: there is more while it has a `cursor`.
    """
    asked = MessageFilter(**{name: getattr(query, name) for name in MessageFilter.__struct_fields__})
    looked_for = replace(
        asked,
        platform=searched_platform(caller, asked.platform, _ONLY_YOUR_OWN),
        since=in_utc(asked.since, hub.zone),
        until=in_utc(asked.until, hub.zone),
    )

    async def seen_by_caller(message: Message) -> bool:
        if caller.platform is None and sight.message(message, ()):
            return True
        deliveries = await hub.ledger.deliveries_of(message.id)
        # A search by state finds a message by anybody's delivery: how others' stand must not be told by that.
        told = query.state is None or any(
            each.shown == query.state for each in deliveries if sight.delivery(message, each)
        )
        return told and sight.message(message, deliveries)

    page = await page_in_sight(
        lambda cursor: hub.ledger.find_messages(looked_for, cursor, query.limit), seen_by_caller, query.cursor
    )
    theirs = defaultdict[str, list[Delivery]](list)
    for delivery in await hub.ledger.deliveries_of(*(one.id for one in page.items)):
        theirs[delivery.message_id].append(delivery)
    seen = {one.id: [each for each in theirs[one.id] if sight.delivery(one, each)] for one in page.items}
    return MessagePage(messages=[_view(one, seen[one.id]) for one in page.items], cursor=page.cursor)


@router.get("/{message_id}", summary="Show a message · 查看消息", responses=problems(401, 403, 404, 429))
async def show(
    hub: TheHub, caller: Caller, sight: TheSight, masking: TheMasking, incoming: TheIncoming, message_id: MessageId
) -> MessageDetail:
    """Give its headers, state, warnings, deliveries with attempts and receipts, and its timeline.

    A platform sees its own deliveries, and the source those of all; of what people did, neither who nor why.
    """
    message, seen = await message_in_sight(hub, sight, message_id)
    bodies = has_role(caller, Role.BODY_READER)
    masked = await masking.hides_message(message)
    told = ShownReplies(message, masked=masked) if bodies else None
    attempts = {one.id: await hub.ledger.attempts_of(one.id) for one in seen}
    details = [delivery_detail(one, attempts[one.id], caller, replies=told) for one in seen]
    done = [entry for subject in (message_id, *(one.id for one in seen)) for entry in await hub.ledger.audit(subject)]
    platforms = {message.source, *(one.platform for one in seen)}
    return MessageDetail(
        **_headers(message, seen),
        warnings=[
            FieldError(**_warning(one, bodies=bodies or caller.platform is not None, masked=masked))
            for one in tell_warnings(message.warnings, incoming.language)
        ],
        enriched=_enriched(message, masked=masked) if bodies or caller.platform else {},
        deliveries=details,
        timeline=timeline(message, seen, attempts, done if caller.platform is None else nameless(done, platforms)),
    )


@router.get(
    "/{message_id}/native",
    summary="The exact bytes received · 原始报文",
    responses=problems(401, 403, 404, 410) | NATIVE_BYTES,
    response_class=Response,
)
async def native(hub: TheHub, sight: TheSight, masking: TheMasking, message_id: MessageId) -> Response:
    """Give the body as it arrived; `Record-Index` says which record of a package the message is.

    A package holds other records of its sender: whoever works for some regions sees it if the sender is of one.
    """
    message, _ = await message_in_sight(hub, sight, message_id)
    if not sight.package(message):
        raise no_message(message_id)
    found = await hub.ledger.native(message_id)
    if found is None:
        raise body_pruned(message_id)
    await masking.read_message(message, "native")
    headers = {"record-index": str(found.index), "x-content-type-options": "nosniff"}
    if await masking.hides_message(message):
        return Response(native_masked(hub, message, found.body), 200, headers | MASKED, "application/json")
    return Response(found.body, 200, headers, found.content_type or "application/octet-stream")


@router.get(
    "/{message_id}/canonical",
    summary="The canonical document · 规范文书",
    responses=problems(401, 403, 404, 410) | CANONICAL_EXAMPLE,
    response_model=dict[str, object],
)
async def canonical(hub: TheHub, sight: TheSight, masking: TheMasking, message_id: MessageId) -> Response:
    """Give the document as every platform's adapter is handed it, before enrichment."""
    message, _ = await message_in_sight(hub, sight, message_id)
    if not message.document:
        raise body_pruned(message_id)
    await masking.read_message(message, "canonical")
    if await masking.hides_message(message):
        return Response(orjson.dumps(document_masked(message.type, message.document)), 200, MASKED, "application/json")
    return Response(orjson.dumps(message.document), 200, None, "application/json")


@router.get("/{message_id}/lineage", summary="Where each value came from · 字段来源", responses=problems(401, 403, 404))
async def lineage(hub: TheHub, sight: TheSight, masking: TheMasking, message_id: MessageId) -> LineageList:
    """Say for each canonical field which native path, converters and code table gave it."""
    message, _ = await message_in_sight(hub, sight, message_id)
    name, _, version = message.adapter.partition("@")
    adapter = hub.adapters.get(name, version or None)
    found = adapter.lineage(message.operation) if message.operation in adapter.receives else ()
    return LineageList(
        adapter=message.adapter,
        operation=message.operation,
        fields=[LineageView.of(one) for one in found],
        enriched=_enriched(message, masked=await masking.hides_message(message)),
    )


def _view(message: Message, deliveries: Sequence[Delivery]) -> MessageView:
    return MessageView(**_headers(message, deliveries))


def _headers(message: Message, deliveries: Sequence[Delivery]) -> dict[str, Any]:
    kept = {name: getattr(message, name) for name in MessageView.model_fields if name != "state"}
    return {**kept, "state": message_state(deliveries)}


def _warning(warning: Mapping[str, Any], *, bodies: bool, masked: bool) -> dict[str, Any]:
    shown = finding_masked(warning) if masked else dict(warning)
    return shown if bodies else {**shown, "value": None}


def _enriched(message: Message, *, masked: bool) -> dict[str, EnrichedView]:
    shown = words_masked if masked else str
    return {
        field: EnrichedView(value=shown(one.value), message_id=one.message_id)
        for field, one in message.enriched.items()
    }

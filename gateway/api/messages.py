"""Messages: what was accepted, where it went, and the exact bytes and words of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from gateway.api import views, wire
from gateway.api.callers import Admin, Caller, TheHub, TheIncoming
from gateway.api.openapi import CANONICAL_EXAMPLE, NATIVE_BYTES, problems
from gateway.api.query import Cursor, Limit, Moment
from gateway.api.strict import StrictRoute
from gateway.errors import Forbidden, NotFound
from gateway.hub import Hub, Principal
from gateway.ledger.records import MessageFilter
from gateway.message import Delivery, Message, State
from schemas.findings import Text

router = APIRouter(prefix="/v1/messages", tags=["messages"], route_class=StrictRoute)

MessageId = Annotated[str, Path(max_length=100, description="The message's id, as its 202 said it")]

_UNKNOWN = Text("没有这个消息；请核对 message_id", "There is no such message; check the message_id")
_FOREIGN = Text(
    "只有来源平台、目的平台和运维人员可以查看此消息",
    "Only its source, its destinations and the operators may see this message",
)
_ONLY_YOUR_OWN = Text(
    "平台只能查询自己的消息；请去掉 platform 参数",
    "A platform may only search its own messages; leave `platform` out",
)


@router.get("", summary="Find messages · 查找消息", responses=problems(401, 403, 422))
async def find(
    hub: TheHub,
    caller: Caller,
    type: Annotated[str | None, Query(max_length=100, examples=["case.transferred"])] = None,
    platform: Annotated[str | None, Query(max_length=100, description="Source or destination")] = None,
    case_number: Annotated[str | None, Query(max_length=200)] = None,
    credit_code: Annotated[str | None, Query(max_length=100)] = None,
    correlation_id: Annotated[str | None, Query(max_length=200)] = None,
    state: Annotated[State | None, Query(description="Some delivery of it stands so")] = None,
    since: Moment = None,
    until: Moment = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> wire.MessagePage:
    """Find messages, newest first. Platforms find their own, operators find all."""
    looked_for = MessageFilter(
        type=type,
        platform=_scope(caller, platform),
        case_number=case_number,
        credit_code=credit_code,
        correlation_id=correlation_id,
        state=state,
        since=since,
        until=until,
    )
    page = await hub.ledger.find_messages(looked_for, cursor, limit)
    shown = [views.message_view(one, await hub.ledger.deliveries_of(one.id)) for one in page.items]
    return wire.MessagePage(messages=shown, cursor=page.cursor)


@router.get("/{message_id}", summary="Show a message · 查看消息", responses=problems(401, 403, 404))
async def show(hub: TheHub, caller: Caller, incoming: TheIncoming, message_id: MessageId) -> wire.MessageDetail:
    """Give its headers, state, warnings, deliveries with attempts and receipts, and its timeline."""
    message = await kept(hub, message_id)
    deliveries = await hub.ledger.deliveries_of(message_id)
    _check_concerned(caller, message, deliveries)
    seen = [one for one in deliveries if _may_see(caller, message, one)]
    details = [views.delivery_detail(one, await hub.ledger.attempts_of(one.id), replies=caller.admin) for one in seen]
    done = [entry for subject in (message_id, *(one.id for one in seen)) for entry in await hub.ledger.audit(subject)]
    return views.message_detail(message, details, deliveries, done, incoming.language)


@router.get(
    "/{message_id}/native",
    summary="The exact bytes received · 原始报文",
    responses=problems(401, 403, 404) | NATIVE_BYTES,
    response_class=Response,
)
async def native(hub: TheHub, actor: Admin, message_id: MessageId) -> Response:
    """Give the body as it arrived; `Record-Index` says which record of a package the message is."""
    found = await hub.ledger.native(message_id)
    if found is None:
        raise NotFound(_UNKNOWN)
    headers = {"record-index": str(found.index), "x-content-type-options": "nosniff"}
    return Response(found.body, 200, headers, found.content_type or "application/octet-stream")


@router.get(
    "/{message_id}/canonical",
    summary="The canonical document · 规范文书",
    responses=problems(401, 403, 404) | CANONICAL_EXAMPLE,
)
async def canonical(hub: TheHub, actor: Admin, message_id: MessageId) -> dict[str, object]:
    """Give the document as every platform's adapter is handed it, before enrichment."""
    return dict((await kept(hub, message_id)).document)


@router.get("/{message_id}/lineage", summary="Where each value came from · 字段来源", responses=problems(401, 403, 404))
async def lineage(hub: TheHub, actor: Admin, message_id: MessageId) -> wire.LineageList:
    """Say for each canonical field which native path, converters and code table gave it."""
    message = await kept(hub, message_id)
    name, _, version = message.adapter.partition("@")
    adapter = hub.adapters.get(name, version or None)
    fields = adapter.lineage(message.operation) if message.operation in adapter.receives else ()
    return wire.LineageList(
        adapter=message.adapter,
        operation=message.operation,
        fields=[views.lineage_view(one) for one in fields],
        enriched=views.enriched_view(message.enriched),
    )


async def kept(hub: Hub, message_id: str) -> Message:
    """Give a message; NotFound when there is none of that id."""
    message = await hub.ledger.message(message_id)
    if message is None:
        raise NotFound(_UNKNOWN)
    return message


def _scope(caller: Principal, platform: str | None) -> str | None:
    if caller.admin:
        return platform
    own = caller.platform.id if caller.platform else None
    if platform is not None and platform != own:
        raise Forbidden(_ONLY_YOUR_OWN)
    return own


def _check_concerned(caller: Principal, message: Message, deliveries: Sequence[Delivery]) -> None:
    own = caller.platform.id if caller.platform else None
    concerned = own is not None and own in {message.source, *(one.platform for one in deliveries)}
    if not (caller.admin or concerned):
        raise Forbidden(_FOREIGN)


def _may_see(caller: Principal, message: Message, delivery: Delivery) -> bool:
    """A destination sees its own delivery; the source and the operators see them all."""
    own = caller.platform.id if caller.platform else None
    return caller.admin or own in (message.source, delivery.platform)

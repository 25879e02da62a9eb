"""Deliveries: find them, see what was sent, and replay, discard, hold or release them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from gateway.api import views, wire
from gateway.api.callers import Admin, TheHub
from gateway.api.openapi import NATIVE_BYTES, problems
from gateway.api.query import Cursor, Limit
from gateway.api.strict import StrictRoute
from gateway.errors import NotFound
from gateway.hub import Hub
from gateway.ledger.records import DeliveryFilter
from gateway.message import Delivery, State
from schemas.findings import Text

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"], route_class=StrictRoute)

DeliveryId = Annotated[str, Path(max_length=100, description="The delivery's id")]

_UNKNOWN = Text("没有这个投递；请核对 delivery_id", "There is no such delivery; check the delivery id")
_UNSENT = Text(
    "这个投递还没有发送过，没有可看的报文",
    "This delivery was not sent yet, so there are no bytes to show",
)


@router.get("", summary="Find deliveries · 查找投递", responses=problems(401, 403, 422))
async def find(
    hub: TheHub,
    actor: Admin,
    state: Annotated[State | None, Query(examples=["dead"])] = None,
    platform: Annotated[str | None, Query(max_length=100, examples=["penalty.330000"])] = None,
    message_id: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> wire.DeliveryPage:
    """Find deliveries, newest first."""
    page = await hub.ledger.find_deliveries(DeliveryFilter(state, platform, message_id), cursor, limit)
    return wire.DeliveryPage(deliveries=[views.delivery_view(one) for one in page.items], cursor=page.cursor)


@router.get("/{delivery_id}", summary="Show a delivery · 查看投递", responses=problems(401, 403, 404))
async def show(hub: TheHub, actor: Admin, delivery_id: DeliveryId) -> wire.DeliveryDetail:
    """Give a delivery with each of its attempts, the platform's replies included."""
    delivery = await _kept(hub, delivery_id)
    return views.delivery_detail(delivery, await hub.ledger.attempts_of(delivery_id), replies=True)


@router.get(
    "/{delivery_id}/sent",
    summary="The exact bytes sent · 已发报文",
    responses=problems(401, 403, 404) | NATIVE_BYTES,
    response_class=Response,
)
async def sent(hub: TheHub, actor: Admin, delivery_id: DeliveryId) -> Response:
    """Give the body of the request as it left; `Sent-Method` and `Sent-Path` say where to."""
    await _kept(hub, delivery_id)
    request = await hub.ledger.sent(delivery_id)
    if request is None:
        raise NotFound(_UNSENT)
    kinds = {name.lower(): value for name, value in request.headers.items()}
    headers = {
        "sent-method": request.method,
        "sent-path": _header_safe(request.path),
        "x-content-type-options": "nosniff",
    }
    return Response(request.body, 200, headers, kinds.get("content-type", "application/octet-stream"))


@router.post(
    "/{delivery_id}/replay", summary="Replay a delivery · 重新投递", responses=problems(401, 403, 404, 409, 415, 422)
)
async def replay(hub: TheHub, actor: Admin, delivery_id: DeliveryId, order: wire.ReplayReason) -> wire.DeliveryView:
    """Send a dead or refused one again under its key and in its place; a delivered one as a new delivery."""
    again = await hub.deliveries.replay(delivery_id, actor=actor, reason=order.reason, stale_ok=order.stale_ok)
    return views.delivery_view(again)


@router.post(
    "/{delivery_id}/discard", summary="Give a delivery up · 放弃投递", responses=problems(401, 403, 404, 409, 415, 422)
)
async def discard(hub: TheHub, actor: Admin, delivery_id: DeliveryId, order: wire.Reason) -> wire.DeliveryView:
    """Give up a delivery that is not settled; its lane moves on."""
    return views.delivery_view(await hub.deliveries.discard(delivery_id, actor=actor, reason=order.reason))


@router.post(
    "/{delivery_id}/hold", summary="Hold a delivery · 暂缓投递", responses=problems(401, 403, 404, 409, 415, 422)
)
async def hold(hub: TheHub, actor: Admin, delivery_id: DeliveryId, order: wire.Reason) -> wire.DeliveryView:
    """Hold a delivery, and so the lane behind it, until it is released."""
    return views.delivery_view(await hub.deliveries.hold(delivery_id, actor=actor, reason=order.reason))


@router.post(
    "/{delivery_id}/release", summary="Release a delivery · 解除暂缓", responses=problems(401, 403, 404, 409, 415, 422)
)
async def release(hub: TheHub, actor: Admin, delivery_id: DeliveryId, order: wire.Reason) -> wire.DeliveryView:
    """Lift an operator's hold; a hold for any other reason stays."""
    return views.delivery_view(await hub.deliveries.release(delivery_id, actor=actor, reason=order.reason))


async def _kept(hub: Hub, delivery_id: str) -> Delivery:
    delivery = await hub.ledger.delivery(delivery_id)
    if delivery is None:
        raise NotFound(_UNKNOWN)
    return delivery


def _header_safe(path: str) -> str:
    return path.encode("ascii", "backslashreplace").decode("ascii").replace("\r", "").replace("\n", "")

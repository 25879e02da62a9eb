"""Kinds of platforms that a region does not have: declared with a reason, listed, withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.models import Reason, RestModel
from gateway.api.openapi import problems
from gateway.api.rights import Actor, Intends, TheHub
from gateway.hub import Hub
from gateway.ledger.records import Unwanted


class UnwantedView(RestModel):
    """A region, with all that lies in it, has no platform of a kind: since when that was said, and why."""

    kind: str
    region: str
    region_name: str
    reason: str
    at: datetime


class UnwantedList(RestModel):
    """Every declaration, by kind and region."""

    unwanted: list[UnwantedView] = Field(description="What is unrouted for one of these is shown as `unwanted`")


router = APIRouter(prefix="/v1/unwanted", tags=["platforms"], route_class=StrictRoute)

Kind = Annotated[str, Path(max_length=100, description="A kind of platform", examples=["credit-publicity"])]
Region = Annotated[str, Path(max_length=6, description="A code of GB/T 2260, or of an area", examples=["330000"])]
Why = Annotated[str, Query(max_length=1000, description="Why it is withdrawn; it is recorded")]


@router.get("", summary="Kinds that regions do not have · 地区未设的平台类别", responses=problems(401, 403))
async def find(hub: TheHub, actor: Actor) -> UnwantedList:
    """Give every declaration, by kind and region."""
    return UnwantedList(unwanted=[_view(hub, one) for one in await hub.platforms.unwanted()])


@router.get("/{kind}/{region}", summary="Show a declaration · 查看声明", responses=problems(401, 403, 404, 422))
async def show(hub: TheHub, actor: Actor, kind: Kind, region: Region) -> UnwantedView:
    """Give one declaration; what was not declared is `unwanted.unknown`."""
    return _view(hub, await hub.platforms.unwanted_at(kind, region))


@router.put(
    "/{kind}/{region}",
    summary="Declare that a region has no such platform · 声明本地区未设该类平台",
    responses=problems(400, 401, 403, 409, 415, 422),
)
async def put(hub: TheHub, intends: Intends, kind: Kind, region: Region, order: Reason) -> UnwantedView:
    """Let deliveries that wait for such a platform count as `unwanted`; a platform that comes still gets them."""
    return _view(hub, await hub.platforms.declare_unwanted(kind, region, intends(order.reason)))


@router.delete(
    "/{kind}/{region}",
    status_code=204,
    summary="Withdraw a declaration · 撤回声明",
    responses=problems(400, 401, 403, 404, 409, 422),
)
async def delete(hub: TheHub, intends: Intends, kind: Kind, region: Region, reason: Why = "") -> Response:
    """Withdraw it: what waits for such a platform is `unrouted` again."""
    await hub.platforms.withdraw_unwanted(kind, region, intends(reason))
    return Response(status_code=204)


def _view(hub: Hub, unwanted: Unwanted) -> UnwantedView:
    name = hub.platforms.directory.coverage.name(unwanted.region)
    return UnwantedView(
        kind=unwanted.kind, region=unwanted.region, region_name=name, reason=unwanted.reason, at=unwanted.at
    )

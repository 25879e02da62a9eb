"""Functional areas and bodies that have no code of GB/T 2260: put, listed, deleted; routing follows at once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.models import RestModel
from gateway.api.openapi import problems
from gateway.api.rights import Actor, Intends, TheHub
from gateway.hub import Hub
from gateway.ledger.records import Area


class AreaOrder(RestModel):
    """What an area is called and where it lies; days are `YYYY-MM-DD`, and may be left out."""

    title: str = Field(max_length=100, examples=["济南高新技术产业开发区"])
    parent: str = Field(max_length=6, description="The region or area that it lies in", examples=["370100"])
    valid_from: str | None = Field(default=None, max_length=10, description="The first day it was there")
    valid_to: str | None = Field(default=None, max_length=10, description="The last day; documents then have a warning")


class AreaView(RestModel):
    """An area, with its full name, and when it was put."""

    code: str
    title: str
    name: str = Field(description="With all that it lies in, the widest first")
    parent: str
    valid_from: str | None
    valid_to: str | None
    at: datetime


class AreaList(RestModel):
    """Every area, by code."""

    areas: list[AreaView]


router = APIRouter(prefix="/v1/areas", tags=["platforms"], route_class=StrictRoute)

AreaCode = Annotated[
    str,
    Path(max_length=6, description="Six digits, or two capital letters and four digits", examples=["370171", "LY0001"]),
]


@router.get("", summary="Functional areas · 功能区", responses=problems(401, 403))
async def find(hub: TheHub, actor: Actor) -> AreaList:
    """Give every area, by code."""
    return AreaList(areas=[_view(hub, one) for one in await hub.platforms.areas()])


@router.get("/{code}", summary="Show an area · 查看功能区", responses=problems(401, 403, 404, 422))
async def show(hub: TheHub, actor: Actor, code: AreaCode) -> AreaView:
    """Give one area; what is no area is `area.unknown`."""
    return _view(hub, await hub.platforms.area(code))


@router.put(
    "/{code}",
    summary="Add or change an area · 登记功能区",
    responses=problems(400, 401, 403, 409, 415, 422),
)
async def put(hub: TheHub, intends: Intends, code: AreaCode, order: AreaOrder) -> AreaView:
    """Let platforms be registered for it and documents name it; what waited for a platform of it goes out."""
    intent = intends("")
    area = Area(code, order.title, order.parent, intent.at, order.valid_from, order.valid_to)
    return _view(hub, await hub.platforms.put_area(area, intent))


@router.delete(
    "/{code}",
    status_code=204,
    summary="Delete an area · 删除功能区",
    responses=problems(400, 401, 403, 404, 409, 422),
)
async def delete(hub: TheHub, intends: Intends, code: AreaCode) -> Response:
    """Forget an area that no platform and no other area names."""
    await hub.platforms.delete_area(code, intends(""))
    return Response(status_code=204)


def _view(hub: Hub, area: Area) -> AreaView:
    kept = {name: getattr(area, name) for name in AreaView.model_fields if name != "name"}
    return AreaView(**kept, name=hub.platforms.directory.coverage.name(area.code))

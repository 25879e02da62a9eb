"""Adapters: which wire formats this gateway speaks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from gateway.api import views, wire
from gateway.api.callers import Admin, TheHub
from gateway.api.openapi import problems

router = APIRouter(prefix="/v1/adapters", tags=["adapters"])


@router.get("", summary="List adapters · 适配器列表", responses=problems(401, 403))
async def find(hub: TheHub, actor: Admin) -> wire.AdapterList:
    """Give every installed adapter in every version."""
    return wire.AdapterList(adapters=[views.adapter_view(one) for one in hub.adapters.all()])


@router.get("/{name}/{version}", summary="Show an adapter · 查看适配器", responses=problems(401, 403, 404))
async def show(
    hub: TheHub,
    actor: Admin,
    name: Annotated[str, Path(max_length=100, examples=["penalty"])],
    version: Annotated[str, Path(max_length=50, examples=["1.0.0"])],
) -> wire.AdapterView:
    """Give what an adapter receives and sends, and the settings it needs."""
    return views.adapter_view(hub.adapters.get(name, version))

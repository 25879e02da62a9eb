"""Adapters: which wire formats this gateway speaks, and the life of each version."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from gateway.api import views, wire
from gateway.api.callers import Admin, TheHub
from gateway.api.openapi import problems
from gateway.api.strict import StrictRoute
from gateway.hub import Hub
from gateway.releases import Release

PATH = "/v1/adapters"
"""Where bundles are uploaded."""

router = APIRouter(prefix=PATH, tags=["adapters"], route_class=StrictRoute)

Name = Annotated[str, Path(max_length=100, description="The adapter's name", examples=["penalty"])]
Version = Annotated[str, Path(max_length=50, description="Its semantic version", examples=["1.0.0"])]

_ZIP: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "适配包的 zip 文件 · the bundle as a zip; `hutong adapter pack` writes one",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_KEPT: dict[int | str, dict[str, Any]] = {
    200: {"description": "It was there already, with the same content", "model": wire.AdapterDetail}
}


@router.get("", summary="List adapters · 适配器列表", responses=problems(401, 403))
async def find(hub: TheHub, actor: Admin) -> wire.AdapterList:
    """Give every version of every adapter with its state and who speaks it."""
    return wire.AdapterList(adapters=[views.adapter_view(one) for one in await hub.releases.all()])


@router.post(
    "",
    status_code=201,
    summary="Upload a bundle · 上传适配包",
    responses=problems(401, 403, 409, 413, 422) | _KEPT,
    openapi_extra=_ZIP,
)
async def upload(hub: TheHub, actor: Admin, request: Request, response: Response) -> wire.AdapterDetail:
    """Keep a bundle (a zip) as a draft. The same content again is no new version; other content needs a new number."""
    release, new = await hub.releases.upload(await request.body(), actor=actor)
    response.status_code = 201 if new else 200
    return await _detail(hub, release)


@router.get("/{name}/{version}", summary="Show an adapter · 查看适配器", responses=problems(401, 403, 404))
async def show(hub: TheHub, actor: Admin, name: Name, version: Version) -> wire.AdapterDetail:
    """Give what a version receives and sends, the settings it needs, its last proof and its history."""
    return await _detail(hub, await hub.releases.find(name, version))


@router.post("/{name}/{version}/check", summary="Prove a version · 检查适配器", responses=problems(401, 403, 404, 409))
async def check(hub: TheHub, actor: Admin, name: Name, version: Version) -> wire.AdapterDetail:
    """Prove a version as `hutong adapter check` does, and keep the report; a draft that passes is `checked`."""
    return await _detail(hub, await hub.releases.check(name, version, actor=actor))


@router.post(
    "/{name}/{version}/activate",
    summary="Activate a version · 启用适配器",
    responses=problems(401, 403, 404, 409, 415, 422),
)
async def activate(
    hub: TheHub, actor: Admin, name: Name, version: Version, order: wire.Activation | None = None
) -> wire.AdapterDetail:
    """Let the platforms that follow this adapter speak this version from now on; the one before is retired.

    What is under way ends with the version it began with. Activating an earlier version goes back.
    """
    wanted = order or wire.Activation()
    release = await hub.releases.activate(name, version, actor=actor, reason=wanted.reason, force=wanted.force)
    return await _detail(hub, release)


@router.post(
    "/{name}/rollback",
    summary="Go back to the version before · 回退适配器",
    responses=problems(401, 403, 409, 415, 422),
)
async def rollback(hub: TheHub, actor: Admin, name: Name, order: wire.StepReason | None = None) -> wire.AdapterDetail:
    """Activate the version that was active before the present one."""
    return await _detail(hub, await hub.releases.rollback(name, actor=actor, reason=order.reason if order else ""))


@router.post(
    "/{name}/{version}/retire",
    summary="Retire a version · 停用适配器",
    responses=problems(401, 403, 404, 409, 415, 422),
)
async def retire(
    hub: TheHub, actor: Admin, name: Name, version: Version, order: wire.StepReason | None = None
) -> wire.AdapterDetail:
    """Take a version out of use, once no platform speaks it; it stays kept for what it once translated."""
    release = await hub.releases.retire(name, version, actor=actor, reason=order.reason if order else "")
    return await _detail(hub, release)


async def _detail(hub: Hub, release: Release) -> wire.AdapterDetail:
    kept = release.kept
    return views.adapter_detail(release, await hub.releases.history(kept.name, kept.version))

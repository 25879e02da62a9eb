"""Platforms: register them, change them, pause them, ask whether they answer, issue credentials."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from gateway.api import views, wire
from gateway.api.callers import Admin, TheHub
from gateway.api.openapi import problems
from gateway.api.strict import StrictRoute
from gateway.errors import HutongError
from gateway.hub import Hub
from gateway.ledger.records import Platform

router = APIRouter(prefix="/v1/platforms", tags=["platforms"], route_class=StrictRoute)

PlatformId = Annotated[str, Path(max_length=100, description="Kind and GB/T 2260 region", examples=["penalty.330000"])]


@router.get("", summary="List platforms · 平台列表", responses=problems(401, 403))
async def find(hub: TheHub, actor: Admin) -> wire.PlatformList:
    """Give every platform, by id."""
    return wire.PlatformList(platforms=[_view(hub, one) for one in await hub.platforms.all()])


@router.put(
    "/{platform_id}", summary="Register or change a platform · 登记平台", responses=problems(401, 403, 404, 415, 422)
)
async def put(hub: TheHub, actor: Admin, platform_id: PlatformId, order: wire.PlatformSettings) -> wire.PlatformView:
    """Register a platform; deliveries that waited for one like it start at once."""
    platform = await hub.platforms.put(
        platform_id, order.adapter, order.version, order.settings, order.mode, actor=actor, dossier=order.dossier
    )
    return _view(hub, platform)


@router.get("/{platform_id}", summary="Show a platform · 查看平台", responses=problems(401, 403, 404))
async def show(hub: TheHub, actor: Admin, platform_id: PlatformId) -> wire.PlatformView:
    """Give a platform; secrets are named, never shown."""
    return _view(hub, await hub.platforms.get(platform_id))


@router.get("/{platform_id}/drift", summary="What drifted · 格式漂移", responses=problems(401, 403, 404))
async def drift(hub: TheHub, actor: Admin, platform_id: PlatformId) -> wire.DriftReport:
    """Give which of its fields nobody mapped, vanished, changed their type or hold unknown codes, with counts."""
    await hub.platforms.get(platform_id)
    return views.drift_report(platform_id, hub.observers.drift.pages(platform_id))


@router.delete(
    "/{platform_id}", status_code=204, summary="Forget a platform · 注销平台", responses=problems(401, 403, 404, 409)
)
async def delete(hub: TheHub, actor: Admin, platform_id: PlatformId) -> Response:
    """Forget a platform that has nothing left to receive."""
    await hub.platforms.delete(platform_id, actor=actor)
    return Response(status_code=204)


@router.post("/{platform_id}/pause", summary="Pause a platform · 暂停平台", responses=problems(401, 403, 404, 415, 422))
async def pause(hub: TheHub, actor: Admin, platform_id: PlatformId, order: wire.Reason) -> wire.PlatformView:
    """Hold everything to a platform, until it is resumed; nothing is dropped."""
    return _view(hub, await hub.platforms.pause(platform_id, actor=actor, reason=order.reason))


@router.post(
    "/{platform_id}/resume", summary="Resume a platform · 恢复平台", responses=problems(401, 403, 404, 415, 422)
)
async def resume(hub: TheHub, actor: Admin, platform_id: PlatformId, order: wire.Reason) -> wire.PlatformView:
    """Let deliveries to a paused platform go on, in order."""
    return _view(hub, await hub.platforms.resume(platform_id, actor=actor, reason=order.reason))


@router.post("/{platform_id}/ping", summary="Does it answer? · 连通测试", responses=problems(401, 403, 404))
async def ping(hub: TheHub, actor: Admin, platform_id: PlatformId) -> wire.PingView:
    """Call the platform's address once; any HTTP answer counts."""
    return views.ping_view(await hub.platforms.ping(platform_id))


@router.post(
    "/{platform_id}/credentials",
    status_code=201,
    summary="Issue a credential · 签发凭据",
    responses=problems(401, 403, 404),
)
async def credentials(hub: TheHub, actor: Admin, platform_id: PlatformId) -> wire.Credential:
    """Make a credential for the platform's calls; it is shown this once and kept only as a hash."""
    return wire.Credential(credential=await hub.platforms.issue_credential(platform_id, actor=actor))


def _view(hub: Hub, platform: Platform) -> wire.PlatformView:
    try:
        adapter = hub.adapters.of(platform)
    except HutongError:
        adapter = None
    return views.platform_view(platform, adapter)

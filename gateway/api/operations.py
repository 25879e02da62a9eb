"""What watches the gateway itself: health and metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from gateway.api import wire
from gateway.api.callers import TheHub, TheIncoming
from gateway.api.openapi import problems
from gateway.errors import HutongError
from gateway.telemetry.metrics import CONTENT_TYPE

router = APIRouter(tags=["operations"])

_TEXT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Prometheus text format",
        "content": {"text/plain": {"schema": {"type": "string"}, "example": "hutong_backlog 0.0\n"}},
    }
}
_NOT_READY: dict[int | str, dict[str, Any]] = {503: {"model": wire.Health, "description": "Send nothing for now"}}


@router.get("/health/live", summary="Is the process alive? · 存活", responses=problems())
async def live() -> wire.Health:
    """Answer as long as the process can answer at all; restart it when it does not."""
    return wire.Health(status="ok")


@router.get("/health/ready", summary="Can it take documents? · 就绪", responses=_NOT_READY | problems() | _NOT_READY)
async def ready(hub: TheHub, incoming: TheIncoming) -> Response:
    """Answer 200 when the ledger can be read and the gateway is running, else 503."""
    try:
        await hub.check()
    except HutongError as error:
        health = wire.Health(status="unavailable", detail=error.detail.say(incoming.language))
        return JSONResponse(health.model_dump(), 503)
    return JSONResponse(wire.Health(status="ok").model_dump())


@router.get("/metrics", summary="Prometheus metrics · 指标", responses=problems() | _TEXT, response_class=Response)
async def metrics(hub: TheHub, request: Request) -> Response:
    """Give counters, durations and the backlog as it stands."""
    return Response(hub.metrics.exposition(await hub.ledger.backlog(), hub.clock()), 200, None, CONTENT_TYPE)

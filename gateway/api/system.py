"""The gateway itself: health, metrics, and the documentation page, which works with no internet."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import Field
from starlette.responses import JSONResponse

from gateway.api.models import RestModel
from gateway.api.openapi import problems
from gateway.api.rights import TheHub, TheIncoming, check_metrics
from gateway.errors import HutongError, NotFound
from gateway.telemetry.metrics import CONTENT_TYPE
from schemas.findings import Text


class HealthView(RestModel):
    """Whether the gateway lives, and whether it can take documents."""

    status: Literal["ok", "unavailable"]
    detail: str | None = None
    code: str | None = Field(default=None, description="Why not: such as `ledger.disk-full` or `ledger.superseded`")


router = APIRouter(tags=["operations"])

_TEXT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Prometheus text format",
        "content": {"text/plain": {"schema": {"type": "string"}, "example": "hutong_backlog 0.0\n"}},
    }
}

_NOT_READY: dict[int | str, dict[str, Any]] = {503: {"model": HealthView, "description": "Send nothing for now"}}


@router.get("/health/live", summary="Is the process alive? · 存活", responses=problems())
async def live() -> HealthView:
    """Answer as long as the process can answer at all; restart it when it does not."""
    return HealthView(status="ok")


@router.get("/health/ready", summary="Can it take documents? · 就绪", responses=_NOT_READY | problems() | _NOT_READY)
async def ready(hub: TheHub, incoming: TheIncoming) -> Response:
    """Answer 200 when the gateway is running and its ledger really writes, else 503 with the reason."""
    try:
        await hub.check()
    except HutongError as error:
        health = HealthView(status="unavailable", detail=error.detail.say(incoming.language), code=error.code)
        return JSONResponse(health.model_dump(), 503)
    return JSONResponse(HealthView(status="ok").model_dump())


@router.get(
    "/metrics",
    summary="Prometheus metrics · 指标",
    responses=problems(401, 403) | _TEXT,
    response_class=Response,
    dependencies=[Depends(check_metrics)],
)
async def metrics(hub: TheHub) -> Response:
    """Give counters, durations, and how backlog, holds, contacts, claims and breakers stand."""
    return Response(await hub.exposition(), 200, None, CONTENT_TYPE)


_ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon.png": "image/png",
}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>互通 Hutong · 接口文档</title>
<link rel="icon" type="image/png" href="docs/assets/favicon.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/assets/start.js"></script>
</body>
</html>
"""

_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  persistAuthorization: false,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""

_UNKNOWN = Text("没有这个文件；接口文档在 /docs", "There is no such file; the documentation is at /docs")


@cache
def _content(name: str) -> bytes:
    """Give a file's bytes: the same ones to everybody, however many ask."""
    return files("fastapi_offline").joinpath("static", name).read_bytes()


@router.get("/docs", include_in_schema=False)
async def page() -> Response:
    """Show the interface documentation."""
    return Response(_PAGE, 200, _HEADERS, "text/html; charset=utf-8")


@router.get("/docs/assets/{name}", include_in_schema=False)
def asset(name: str) -> Response:
    """Give one of the page's files, read on a thread of the framework's."""
    if name == "start.js":
        return Response(_START, 200, _HEADERS, "text/javascript; charset=utf-8")
    if name not in _ASSETS:
        raise NotFound(_UNKNOWN, code="not-found")
    return Response(_content(name), 200, {**_HEADERS, "cache-control": "public, max-age=86400"}, _ASSETS[name])

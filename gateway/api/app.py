"""The application: the hot paths in front, the framework behind them, one door for both."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from gateway.api import (
    adapters,
    deliveries,
    docs,
    documents,
    enterprises,
    faults,
    hot_paths,
    messages,
    openapi,
    operations,
    platforms,
    rejections,
    replays,
    trials,
)
from gateway.api.bounds import Bounded
from gateway.api.front import Front
from gateway.api.inbound import Inbound
from gateway.api.samples import samples
from gateway.hub import Hub
from gateway.releases.upload import LARGEST
from gateway.settings import Settings

LARGEST_REQUEST = 1024 * 1024
"""Bytes of a request that is not a document; documents are bounded by their platform's adapter."""

_RESOURCES = (
    messages,
    deliveries,
    rejections,
    replays,
    platforms,
    adapters,
    trials,
    enterprises,
    documents,
    operations,
    docs,
)

_TAGS = [
    {"name": "inbound", "description": "报送 · Hand documents in"},
    {"name": "messages", "description": "消息 · What was accepted"},
    {"name": "deliveries", "description": "投递 · Where it went"},
    {"name": "rejections", "description": "拒收 · What was not accepted"},
    {"name": "enterprises", "description": "一企一档 · Everything known about an enterprise"},
    {"name": "platforms", "description": "平台 · Who is connected"},
    {"name": "adapters", "description": "适配器 · Which formats are spoken"},
    {"name": "schemas", "description": "文书结构 · The canonical documents"},
    {"name": "operations", "description": "运行 · Health and metrics"},
]


def create_app(hub: Hub, settings: Settings | None = None) -> Front:
    """Make the ASGI application of a hub. Starting and stopping the hub stays with the caller."""
    return Front(Inbound(hub), Bounded(_framework(hub), LARGEST_REQUEST, {adapters.PATH: LARGEST}))


def _framework(hub: Hub) -> FastAPI:
    app = FastAPI(
        title="互通 Hutong",
        version=version("hutong"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=_TAGS,
    )
    app.state.hub = hub
    for resource in _RESOURCES:
        app.include_router(resource.router)
    faults.install(app)
    app.openapi = cache(lambda: _description(app, hub))  # type: ignore[method-assign]
    return app


def _description(app: FastAPI, hub: Hub) -> dict[str, Any]:
    found = samples(hub.adapters.all())
    canonical = [one for one in found if one.adapter == CANONICAL]
    return openapi.describe(app, hot_paths.paths(found, canonical), hot_paths.MODELS)


CANONICAL = "canonical"
"""The bundled adapter whose native words are the canonical ones."""

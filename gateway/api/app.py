"""The application: the hot paths first, the framework's calls behind them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import orjson
from fastapi import FastAPI, Response

from gateway.api import (
    adapters,
    approvals,
    areas,
    assessments,
    attachments,
    audit,
    backlog,
    bundle_keys,
    calendar,
    cases,
    clocks,
    credentials,
    deliveries,
    documents,
    enterprises,
    inbox,
    messages,
    openapi,
    people,
    platforms,
    problem_documents,
    reconciliation,
    rejections,
    replays,
    reports,
    retention,
    system,
    trials,
    unmasking,
    unwanted,
)
from gateway.api.authenticator import Authenticator
from gateway.api.inbound import openapi as inbound_openapi
from gateway.api.inbound.asgi import Application, Inbound
from gateway.api.inbound.batch import Batch
from gateway.api.limits import SizeLimit
from gateway.hub import Hub
from gateway.releases.upload import LARGEST
from gateway.settings import Settings

LARGEST_REQUEST = 1024 * 1024
"""Bytes of a request that is not a document; documents are bounded by their platform's adapter."""

_RESOURCES = (
    audit,
    messages,
    attachments,
    inbox,
    deliveries,
    rejections,
    replays,
    reconciliation,
    platforms,
    areas,
    credentials,
    people,
    approvals,
    unmasking,
    unwanted,
    backlog,
    calendar,
    cases,
    assessments,
    clocks,
    reports,
    adapters,
    bundle_keys,
    trials,
    enterprises,
    documents,
    retention,
    system,
)

_TAGS = [
    {"name": "inbound", "description": "报送 · Hand documents in"},
    {"name": "inbox", "description": "收件箱 · What a platform fetches that cannot be called"},
    {"name": "messages", "description": "消息 · What was accepted"},
    {"name": "attachments", "description": "附件 · Files that documents name"},
    {"name": "deliveries", "description": "投递 · Where it went"},
    {"name": "rejections", "description": "拒收 · What was not accepted"},
    {"name": "enterprises", "description": "一企一档 · Everything known about an enterprise"},
    {"name": "cases", "description": "案件 · Cases across all systems, and the calendar of their deadlines"},
    {"name": "audit", "description": "审计 · What was done, and its proof"},
    {"name": "reports", "description": "通报 · The regular report"},
    {"name": "platforms", "description": "平台 · Who is connected"},
    {"name": "people", "description": "人员 · Who works with the gateway"},
    {"name": "adapters", "description": "适配器 · Which formats are spoken"},
    {"name": "schemas", "description": "文书结构 · The canonical documents"},
    {"name": "operations", "description": "运行 · Health, metrics, and what waits"},
]


def create_app(hub: Hub, settings: Settings | None = None) -> Application:
    """Make the ASGI application of a hub. Starting and stopping the hub stays with the caller."""
    settings = settings or Settings()
    largest = settings.attachment_megabytes * 1024 * 1024
    larger = {adapters.PATH: LARGEST, attachments.PATH: largest, reconciliation.PATH: reconciliation.LARGEST}
    rest = SizeLimit(_framework(hub), LARGEST_REQUEST, larger)
    authenticator = Authenticator(hub, metrics_open=settings.metrics_open)
    return Application(authenticator, Inbound(hub), Batch(hub, authenticator), rest, hub.loop_watch)


def _framework(hub: Hub) -> FastAPI:
    app = FastAPI(
        title="互通 Hutong",
        version=version("hutong"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        openapi_tags=_TAGS,
    )
    app.state.hub = hub
    for resource in _RESOURCES:
        app.router.routes.extend(resource.router.routes)  # as they are: to include a router builds each route again
    problem_documents.install(app)
    app.openapi = cache(lambda: _description(app, hub))  # type: ignore[method-assign]
    written = cache(lambda: orjson.dumps(app.openapi()))

    def described() -> Response:
        """Describe every call; written at the first request, on a thread of the framework's."""
        return Response(written(), 200, None, "application/json")

    app.add_api_route("/openapi.json", described, include_in_schema=False)
    return app


def _description(app: FastAPI, hub: Hub) -> dict[str, Any]:
    hot = inbound_openapi.paths(hub.adapters.all())
    return openapi.describe(app, hot, inbound_openapi.MODELS)

"""FastAPI, taskiq on Redis Streams and aiohttp: the fastest of the pipelines that a Python team would put together.

Durable as Redis is with `appendfsync always`: a document is acknowledged when it was delivered. It does
not keep an order per case, remembers no receipt, and checks one fixed token.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from fastapi import FastAPI, HTTPException, Request
from taskiq import TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker
from translation import to_canonical, to_native

broker = RedisStreamBroker(url=os.environ["REDIS"])
_TOKEN = f"Bearer {os.environ['TOKEN']}"
_session: dict[str, aiohttp.ClientSession] = {}


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def open_session(state: TaskiqState) -> None:
    """Open the worker's connections."""
    _session["http"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64))


@broker.task
async def deliver(document: dict[str, Any]) -> None:
    """Send one document; what is not accepted stays on the stream."""
    headers = {"Authorization": "Bearer x"}
    async with _session["http"].post(os.environ["SINK"], json=to_native(document), headers=headers) as response:
        answer = await response.json()
    if answer["code"] != "0000":
        raise RuntimeError(answer)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    await broker.startup()
    yield
    await broker.shutdown()


app = FastAPI(lifespan=_lifespan)


@app.post("/", status_code=202)
async def take(request: Request) -> dict[str, str]:
    """Take a document: on the stream, and fsynced, when this answers."""
    if request.headers.get("authorization") != _TOKEN:
        raise HTTPException(401)
    await deliver.kiq(to_canonical(await request.json()))
    return {"state": "accepted"}

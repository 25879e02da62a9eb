"""FastAPI, Celery on Redis (acks_late) and httpx: what most Python teams would write.

Durable as Redis is with `appendfsync always`. It does not keep an order per case, remembers no
receipt, and checks one fixed token.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import anyio.to_thread
import httpx
from celery import Celery
from fastapi import FastAPI, HTTPException, Request
from translation import to_canonical, to_native

celery = Celery("with_celery", broker=os.environ["REDIS"])
celery.conf.update(task_acks_late=True, task_ignore_result=True, worker_prefetch_multiplier=4)
_TOKEN = f"Bearer {os.environ['TOKEN']}"


@cache
def _client() -> httpx.Client:
    return httpx.Client()


@celery.task(name="deliver")  # type: ignore[untyped-decorator]
def deliver(document: dict[str, Any]) -> None:
    """Send one document; what is not accepted is not acknowledged."""
    headers = {"Authorization": "Bearer x"}
    answer = _client().post(os.environ["SINK"], json=to_native(document), headers=headers).json()
    if answer["code"] != "0000":
        raise RuntimeError(answer)


app = FastAPI()


@app.post("/", status_code=202)
async def take(request: Request) -> dict[str, str]:
    """Take a document: in Redis, and fsynced, when this answers."""
    if request.headers.get("authorization") != _TOKEN:
        raise HTTPException(401)
    document = to_canonical(await request.json())
    await anyio.to_thread.run_sync(deliver.delay, document)
    return {"state": "accepted"}

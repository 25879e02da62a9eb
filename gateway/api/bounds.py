"""Stops requests that are larger than anything an operator has to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException

from gateway.api.incoming import Event, Incoming, Receive, Scope, Send


class Bounded:
    """An application whose requests have a body of at most `limit` bytes; a larger one is its 413.

    `larger` names the paths that take more.
    """

    def __init__(self, app: Any, limit: int, larger: Mapping[str, int] | None = None) -> None:
        self.app = app
        self._limit = limit
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; the error is raised where the body is read, so that it is answered as all are."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Incoming.of(scope).headers.get("content-length", "")
        limit = self._larger.get(scope["path"], self._limit)
        size = 0

        async def counted() -> Event:
            nonlocal size
            if declared.isdecimal() and int(declared[:20]) > limit:
                raise HTTPException(413)
            event = await receive()
            size += len(event.get("body", b""))
            if size > limit:
                raise HTTPException(413)
            return event

        await self.app(scope, counted, send)

"""What every request is held to before its call sees it: a known caller, a largest body, unambiguous JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import jiter
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gateway.api import rights
from gateway.api.inbound.encoding import Inflate, coding_of
from gateway.api.inbound.request import Event, Incoming, Receive, Scope, Send, too_large
from schemas.budget import STANDARD, BudgetExceeded
from schemas.measure import measure

_CALL = STANDARD.lowered({"items": 5_000})
"""The bounds of what a call is told in JSON."""


class SizeLimit:
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
        inflate: Inflate | None = None
        size = 0

        # Length and coding are judged in `counted`, not before the call: raised there, the error passes
        # through the framework's handlers and becomes a problem document, and who is not known is told so
        # first. Bytes are counted as well, since a chunked body declares no length.
        async def counted() -> Event:
            nonlocal size, inflate
            if not size and (coding := coding_of(scope)):
                inflate = inflate or Inflate(coding, limit, too_large(limit))
            if declared.isdecimal() and int(declared[:20]) > limit:
                raise HTTPException(413)
            event = await receive()
            size += len(event.get("body", b""))
            if size > limit:
                raise HTTPException(413)
            if inflate is not None and event["type"] == "http.request":
                more = event.get("more_body", False)
                return {**event, "body": await inflate(event.get("body", b""), last=not more)}
            return event

        await self.app(scope, counted, send)


class _Beyond(HTTPException):
    """A body beyond the budget: the framework lets only its own exceptions through where it parses."""

    def __init__(self, broken: BudgetExceeded) -> None:
        super().__init__(broken.status)
        self.broken = broken


class StrictRequest(Request):
    """A request whose JSON must be unambiguous, and within the bounds of what any call takes.

    The framework makes every fault of what it is handed: of sixty thousand unknown fields one each.
    """

    async def json(self) -> Any:
        """Parse the body; raises JSONDecodeError, which the framework turns into a 422."""
        body = await self.body()
        try:
            tree = jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True, partial_mode=False)
            measure(tree, _CALL, texts=False)
        except BudgetExceeded as broken:
            raise _Beyond(broken) from None
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from error
        return tree


class StrictRoute(APIRoute):
    """A route whose caller is known before its body is read, and whose JSON is read strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Admit the caller, then hand the framework's handler a strict request."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            # The framework reads and parses the body before it asks who is calling, and tells nothing of why a
            # body cannot be read: so both are done here, and it finds the body read.
            await rights.admit(request)
            read = StrictRequest(request.scope, request.receive)
            try:
                await read.body()
            except ClientDisconnect:
                raise HTTPException(400) from None  # nobody is there to hear it
            try:
                return await handle(read)
            except _Beyond as beyond:
                raise beyond.broken from None

        return strict


class StreamedRoute(APIRoute):
    """A route whose caller is known before its body is read, which the call itself reads as it comes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Admit the caller, then hand on the request with nothing of its body read."""
        handle = super().get_route_handler()

        async def streamed(request: Request) -> Response:
            await rights.admit(request)
            try:
                return await handle(request)
            except ClientDisconnect:
                raise HTTPException(400) from None  # nobody is there to hear it

        return streamed

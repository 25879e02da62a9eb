"""The front door: sends the hot paths past the framework, and answers what nobody foresaw."""

from __future__ import annotations

from typing import Any

import structlog

from gateway.api.answers import Answered, internal, problem_answer
from gateway.api.inbound import Inbound
from gateway.api.incoming import Event, Gone, Incoming, Receive, Scope, Send, linger
from schemas.findings import Text

PREFIX = "/v1/inbound/"
SUBMISSIONS = "/v1/messages"

_log = structlog.get_logger("hutong.api")


class Front:
    """The whole application: the hot paths itself, everything else through the framework."""

    def __init__(self, inbound: Inbound, rest: Any) -> None:
        self._inbound = inbound
        self.rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; no exception of ours ever reaches the server."""
        if scope["type"] != "http":
            await self.rest(scope, receive, send)
            return
        operation = hot(scope)
        if operation is None and scope["method"] == "HEAD":
            await _guarded(self.rest, {**scope, "method": "GET"}, receive, _bodiless(send))
        elif operation is None:
            await _guarded(self.rest, scope, receive, send)
        else:
            await self._take(scope, receive, send, operation or None)

    async def _take(self, scope: Scope, receive: Receive, send: Send, operation: str | None) -> None:
        incoming = Incoming.of(scope)
        if scope["method"] != "POST":
            await answer(incoming, receive, send, _only_post(incoming))
            return
        try:
            answered = await self._inbound(scope, receive, operation)
        except Gone:
            return
        except Exception:
            answered = unforeseen(scope)
        await answer(incoming, receive, send, answered)


def hot(scope: Scope) -> str | None:
    """Give the operation of an inbound request, `""` for a canonical submission, None for any other."""
    path: str = scope["path"]
    if path.startswith(PREFIX) and "/" not in path[len(PREFIX) :] and len(path) > len(PREFIX):
        return path[len(PREFIX) :]
    return "" if path == SUBMISSIONS and scope["method"] == "POST" else None


async def answer(incoming: Incoming, receive: Receive, send: Send, answered: Answered) -> None:
    """Send an answer; one that closes the connection first lets the caller finish speaking."""
    headers = [
        (b"content-type", answered.content_type.encode("latin-1")),
        (b"content-length", str(len(answered.body)).encode()),
        *((name.encode(), value.encode("latin-1")) for name, value in answered.headers.items()),
    ]
    if answered.close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": answered.body, "more_body": answered.close})
    if answered.close:
        await linger(incoming, receive)
        await send({"type": "http.response.body", "body": b""})


async def _guarded(rest: Any, scope: Scope, receive: Receive, send: Send) -> None:
    started = False

    async def watch(event: Event) -> None:
        nonlocal started
        started = started or event["type"] == "http.response.start"
        await send(event)

    try:
        await rest(scope, receive, watch)
    except Exception:
        answered = unforeseen(scope)
        if not started:
            await answer(Incoming.of(scope), receive, send, answered)


def _bodiless(send: Send) -> Send:
    """Answer a HEAD as its GET would be, without the body (RFC 9110, 9.3.2)."""

    async def headers_only(event: Event) -> None:
        await send({**event, "body": b""} if event["type"] == "http.response.body" else event)

    return headers_only


def unforeseen(scope: Scope) -> Answered:
    """Record an exception that nobody foresaw and give the answer that admits it."""
    incoming = Incoming.of(scope)
    _log.exception("request.failed", method=scope["method"], path=scope["path"], trace_id=incoming.trace_id)
    return internal(language=incoming.language, trace_id=incoming.trace_id)


def _only_post(incoming: Incoming) -> Answered:
    return problem_answer(
        "method.not-allowed",
        405,
        Text("此地址只接受 POST", "This address only takes POST"),
        language=incoming.language,
        trace_id=incoming.trace_id,
        headers={"allow": "POST"},
    )

"""The whole application on bare ASGI: documents in and receipts out here, everything else through the framework."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog

from adapters.base import Adapter
from gateway.api import rights
from gateway.api.authenticator import Authenticator
from gateway.api.inbound.answer import (
    ANSWER,
    HttpAnswer,
    accept_answer,
    dry_run_answer,
    error_answer,
    internal_answer,
    native_error_answer,
    problem_answer,
)
from gateway.api.inbound.batch import Batch
from gateway.api.inbound.encoding import coding_of
from gateway.api.inbound.request import (
    SUBMISSIONS,
    Event,
    Gone,
    Incoming,
    Receive,
    Scope,
    Send,
    check_length,
    declared_length,
    dry_run,
    idempotency_key,
    read_body,
)
from gateway.errors import Busy, HutongError, Unauthenticated
from gateway.hub import Hub
from gateway.intake.steps import IntakeCall
from gateway.ledger.records import Platform
from gateway.telemetry.events import IntakeBusy
from gateway.telemetry.loop import LoopWatch, doing
from schemas.findings import Rejected, Text

PREFIX = "/v1/inbound/"

MANY = 250
"""Records whose answer is written beside the event loop."""

BATCH = "/batch"
"""What stands behind an operation whose records come in one stream."""

_log = structlog.get_logger("hutong.api")


class Application:
    """The whole application: the hot paths itself, everything else through the framework."""

    def __init__(
        self, authenticator: Authenticator, inbound: Inbound, batch: Batch, rest: Any, watch: LoopWatch
    ) -> None:
        self._authenticator = authenticator
        self._inbound = inbound
        self._batch = batch
        self.rest = rest
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; no exception of ours reaches the server."""
        if scope["type"] != "http":
            await self.rest(scope, receive, send)
            return
        await self._watch.steps(self._serve(scope, receive, send), operation="unknown caller")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = hot_operation(scope)
        if operation is not None or not self._authenticator.is_open(scope["path"]):
            try:
                assertion = self._authenticator.know(scope)
                if assertion is not None:
                    whole = batch_operation(scope) is not None  # its records are taken in as they come
                    receive = await self._authenticator.prove(scope, receive, assertion, whole=whole)
            except Gone:
                return
            except (HutongError, Rejected) as stranger:
                incoming = Incoming.of(scope)
                refused = error_answer(stranger, language=incoming.language, trace_id=incoming.trace_id)
                await answer(_bodiless(send) if scope["method"] == "HEAD" else send, refused)
                return
        if operation is not None:
            await self._take(scope, send, lambda: self._inbound(scope, receive, operation or None))
        elif (batch := batch_operation(scope)) is not None:
            await self._take(scope, send, lambda: self._batch(scope, receive, send, batch))
        elif scope["method"] == "HEAD":
            await _guarded(self.rest, {**scope, "method": "GET"}, receive, _bodiless(send))
        else:
            await _guarded(self.rest, scope, receive, send)

    async def _take(self, scope: Scope, send: Send, answered_by: Callable[[], Awaitable[HttpAnswer | None]]) -> None:
        """Answer with what comes of it; None: it has answered itself."""
        incoming = Incoming.of(scope)
        if scope["method"] != "POST":
            await answer(send, _only_post(incoming))
            return
        try:
            answered = await answered_by()
        except Gone:  # the caller closed the connection: there is nobody to answer
            return
        except Exception:
            answered = unforeseen(scope)
        if answered is None:
            return
        at_once = scope.get("extensions", {}).get(ANSWER)
        if at_once is None or answered.close or not at_once(answered.status, answered.head, answered.body):
            await answer(send, answered)


def batch_operation(scope: Scope) -> str | None:
    """Give the operation of a batch, None for any other request."""
    path: str = scope["path"]
    if not path.endswith(BATCH):
        return None
    operation = path.removeprefix(PREFIX).removesuffix(BATCH)
    return operation if path == f"{PREFIX}{operation}{BATCH}" and operation and "/" not in operation else None


def hot_operation(scope: Scope) -> str | None:
    """Give the operation of an inbound request, `""` for a canonical submission, None for any other."""
    path: str = scope["path"]
    if path.startswith(PREFIX) and "/" not in path[len(PREFIX) :] and len(path) > len(PREFIX):
        return path[len(PREFIX) :]
    return "" if path == SUBMISSIONS and scope["method"] == "POST" else None


SUBMIT = "messages"
"""The operation under which canonical documents are handed in: `POST /v1/messages`."""


class Inbound:
    """Takes documents from platforms, in their own format or in the canonical one."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, operation: str | None) -> HttpAnswer:
        """Answer one document or package. `operation` None: the body is a canonical submission."""
        incoming = Incoming.of(scope)
        try:
            platform = rights.sender_of(self._hub, scope)
            await rights.keep_pace(self._hub, platform)
            adapter = self._hub.adapters.of(platform)
            doing(platform.id, operation or SUBMIT)
            coding = coding_of(scope)
        except (HutongError, Rejected) as error:
            return error_answer(error, language=incoming.language, trace_id=incoming.trace_id)
        # The caller is known and admitted before its body is read: what nobody may send, or what there is no
        # room for, is not even received.
        try:
            budget = platform.bounded(adapter.budget)
            check_length(incoming, budget.body)
            key = idempotency_key(scope)
            with self._hub.admission.enter(declared_length(incoming)) as take:
                body = await read_body(receive, budget.body, take, coding)
                call = _call(platform, operation or SUBMIT, body, incoming, key, adapter)
                return await self._answered(call, operation, adapter, incoming, dry=dry_run(scope["query_string"]))
        except Busy as busy:
            self._hub.events(IntakeBusy(platform.id))
            return error_answer(busy, language=incoming.language, trace_id=incoming.trace_id)
        except Unauthenticated as stranger:  # its body is not what it signed
            return error_answer(stranger, language=incoming.language, trace_id=incoming.trace_id)
        except (HutongError, Rejected) as error:
            return native_error_answer(adapter, operation, error, incoming)

    async def _answered(
        self, call: IntakeCall, operation: str | None, adapter: Adapter, incoming: Incoming, *, dry: bool
    ) -> HttpAnswer:
        most = call.platform.bounded(adapter.budget).answer
        if dry:
            preview = await (self._hub.preview(call) if operation else self._hub.preview_submission(call))
            return await _written(len(preview.entries), partial(dry_run_answer, preview, incoming.language, most))
        outcome = await (self._hub.receive(call) if operation else self._hub.submit(call))
        write = partial(accept_answer, adapter, operation, outcome, incoming.language, most)
        return await _written(len(outcome.receipt.entries), write)


async def _written(entries: int, write: Callable[[], HttpAnswer]) -> HttpAnswer:
    """Write an answer; one that tells of many records beside the event loop, so that others are served meanwhile."""
    return await asyncio.to_thread(write) if entries > MANY else write()


def _call(
    platform: Platform, operation: str, body: bytes, incoming: Incoming, key: str | None, adapter: Adapter
) -> IntakeCall:
    kind = incoming.headers.get("content-type")
    return IntakeCall(platform, operation, body, kind, key, incoming.trace_id, adapter, incoming.caller_span)


async def answer(send: Send, answered: HttpAnswer) -> None:
    """Send an answer."""
    headers = [
        (b"content-type", answered.content_type.encode("latin-1")),
        (b"content-length", str(len(answered.body)).encode()),
        *((name.encode(), value.encode("latin-1")) for name, value in answered.headers.items()),
    ]
    if answered.close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": answered.body})


async def _guarded(rest: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request by the framework; an exception is answered with a 500 unless an answer had begun."""
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
            await answer(send, answered)


def _bodiless(send: Send) -> Send:
    """Answer a HEAD as its GET would be, without the body (RFC 9110, 9.3.2)."""

    async def headers_only(event: Event) -> None:
        await send({**event, "body": b""} if event["type"] == "http.response.body" else event)

    return headers_only


def unforeseen(scope: Scope) -> HttpAnswer:
    """Log an unexpected exception and give the 500 that answers it."""
    incoming = Incoming.of(scope)
    _log.exception("request.failed", method=scope["method"], path=scope["path"], trace_id=incoming.trace_id)
    return internal_answer(language=incoming.language, trace_id=incoming.trace_id)


def _only_post(incoming: Incoming) -> HttpAnswer:
    return problem_answer(
        "method.not-allowed",
        405,
        Text("此地址只接受 POST", "This address only takes POST"),
        language=incoming.language,
        trace_id=incoming.trace_id,
        headers={"allow": "POST"},
    )

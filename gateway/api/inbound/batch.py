"""`POST /v1/inbound/{operation}/batch`: records of any number in one stream, an answer a line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager

from gateway.api import rights
from gateway.api.authenticator import Authenticator
from gateway.api.inbound.answer import HttpAnswer, error_answer
from gateway.api.inbound.batch_run import BatchCall, BatchRun
from gateway.api.inbound.encoding import Inflate, coding_of
from gateway.api.inbound.request import Gone, Incoming, Receive, Scope, Send, dry_run, idempotency_key, offset
from gateway.api.inbound.spool import AnswerSpool, SpoolRoom
from gateway.clock import monotonic
from gateway.errors import Busy, HutongError
from gateway.hub import Hub
from gateway.intake.translator import unknown_operation
from gateway.ledger.records import Platform
from gateway.telemetry.events import BatchEnded, IntakeBusy
from gateway.telemetry.loop import doing
from schemas.findings import Rejected, Text

_FREE = 16 * 1024 * 1024
"""Bytes that any compressed stream may become."""

_SHARE = 100
"""Beyond that, so many bytes may come of each: no records of anybody's are so much alike."""


class Batch:
    """Takes batches from platforms."""

    def __init__(self, hub: Hub, authenticator: Authenticator) -> None:
        self._hub = hub
        self._authenticator = authenticator
        self._room = SpoolRoom(hub.batches.answer_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, operation: str) -> HttpAnswer | None:
        """Answer a batch line by line; gives the one answer to what is wrong with the whole, before any line."""
        incoming = Incoming.of(scope)
        try:
            platform = rights.sender_of(self._hub, scope)
            await rights.keep_pace(self._hub, platform)
            doing(platform.id, operation)
            call, coding = self._call(scope, incoming, operation, platform), coding_of(scope)
            run = BatchRun(self._hub, call, AnswerSpool(self._room), send)
            with self._admitted(run, platform.id):
                return await self._served(run, call, receive, coding)
        except (HutongError, Rejected) as error:
            return error_answer(error, language=incoming.language, trace_id=incoming.trace_id)

    def _call(self, scope: Scope, incoming: Incoming, operation: str, platform: Platform) -> BatchCall:
        """Read what is asked for; Rejected and NotFound when it cannot be."""
        adapter = self._hub.adapters.of(platform)
        if operation not in adapter.receives:
            raise unknown_operation(adapter, operation)
        budget = platform.bounded(adapter.budget)
        return BatchCall(
            sender=platform.id,
            platform=lambda: self._sender(scope),
            operation=operation,
            adapter=adapter,
            cutter=adapter.cutter(operation, incoming.headers.get("content-type"), budget=budget),
            incoming=incoming,
            key=idempotency_key(scope),
            offset=offset(scope["query_string"]),
            dry=dry_run(scope["query_string"]),
        )

    def _sender(self, scope: Scope) -> Platform:
        """Give the platform as it is by now: its credential may have been revoked since the batch began."""
        self._authenticator.know_again(scope)
        return rights.sender_of(self._hub, scope)

    @contextmanager
    def _admitted(self, run: BatchRun, sender: str) -> Iterator[None]:
        """Let a batch in as one call; Busy when there is no room, now or for any batch."""
        with ExitStack() as entered:
            try:
                entered.enter_context(self._hub.batches.enter(run.stop))
                entered.enter_context(self._hub.admission.enter())
            except Busy:
                self._hub.events(IntakeBusy(sender))
                raise
            yield

    async def _served(self, run: BatchRun, call: BatchCall, receive: Receive, coding: str | None) -> HttpAnswer | None:
        began = monotonic()
        try:
            return await run.serve(_pieces(receive, coding), lambda: _forgotten(receive))
        finally:
            found = run.lines
            self._hub.events(
                BatchEnded(
                    call.sender,
                    call.operation,
                    run.outcome,
                    found.accepted,
                    found.duplicates,
                    found.rejected,
                    monotonic() - began,
                )
            )


async def _pieces(receive: Receive, coding: str | None) -> AsyncIterator[bytes]:
    """Give the body as it comes, decompressed; Gone when its sender leaves before its end."""
    inflate = Inflate(coding, _FREE, _expands(), share=_SHARE) if coding else None
    while True:
        event = await receive()
        if event["type"] != "http.request":
            raise Gone
        arrived: bytes = event.get("body", b"")
        more = event.get("more_body", False)
        for piece in inflate.pieces(arrived, last=not more) if inflate else (arrived,):
            yield piece
        if not more:
            return


async def _forgotten(receive: Receive) -> None:
    """Read what still comes of a body, and forget it."""
    while (event := await receive())["type"] == "http.request" and event.get("more_body", False):
        pass


def _expands() -> Rejected:
    return Rejected(
        "encoding.expands",
        Text(
            f"压缩数据解压后超过其 {_SHARE} 倍；请检查文件，或不压缩发送",
            f"The compressed stream becomes more than {_SHARE} times itself; look at the file, or send it uncompressed",
        ),
        status=413,
    )

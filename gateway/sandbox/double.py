"""The double as a web application: the platform's own addresses, and its fault knobs and records under `/_double`."""

from __future__ import annotations

import asyncio
import codecs
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from adapters.adapter import DeclarativeAdapter
from adapters.base import Reply, Verdict, VerdictKind
from adapters.formats import json
from gateway.clock import Clock, system_clock
from gateway.sandbox.patterns import ReceivedCall
from gateway.sandbox.platform import PlatformDouble
from gateway.sandbox.witness import WitnessDouble
from schemas.findings import Rejected

RESET = "hutong.reset"
"""The ASGI extension under which a server offers to break the connection."""

_CONTROLS = "/_double"
_LARGEST = 16 * 1024 * 1024
_PIECES = 10


def _known(charset: str) -> str:
    try:
        codecs.lookup(charset)
    except LookupError:
        raise ValueError("not a charset Python knows") from None
    return charset


class FaultKnobs(BaseModel):
    """What goes wrong with every call while it is set; with nothing set the double behaves well.

    `error_rate`: the share of calls (0 to 1) that get `status` (500 unless given) instead of an
    answer; with `status` and no rate, every call. `retry_after_s` goes with that status (429 unless
    given). `refuse`: a business no. `reset_after_accept`: the connection breaks after a document was
    taken and before the answer, once a key. `reset_before_read`: it breaks before anything is read.
    `slow_body_ms`: the answer's body takes that long. `charset`: the answer is written in another
    charset than it says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency_ms: Annotated[int, Field(ge=0, le=600_000)] = 0
    error_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    retry_after_s: Annotated[int, Field(ge=0, le=86_400)] | None = None
    refuse: bool = False
    reset_after_accept: bool = False
    reset_before_read: bool = False
    slow_body_ms: Annotated[int, Field(ge=0, le=600_000)] = 0
    charset: Annotated[str, AfterValidator(_known)] | None = None

    def failure(self, chance: float) -> int | None:
        """Give the status that replaces the answer, or None; `chance` is a random number in [0, 1)."""
        if self.error_rate is not None:
            return (self.status or 500) if chance < self.error_rate else None
        if self.status is not None:
            return self.status
        return 429 if self.retry_after_s is not None else None


class Double:
    """An ASGI application that is the platform of a bundle.

    A call that it is told to break needs a server with the reset extension (`gateway.sandbox.serve`);
    without it the application raises ConnectionResetError.
    """

    def __init__(
        self,
        adapter: DeclarativeAdapter,
        *,
        clock: Clock = system_clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.platform = PlatformDouble(adapter, clock)
        self.witness = WitnessDouble(clock)
        self.faults = FaultKnobs()
        self._chance = chance
        self._controls = Starlette(
            routes=[
                Route(f"{_CONTROLS}/received", self._show, methods=["GET"]),
                Route(f"{_CONTROLS}/received", self._forget, methods=["DELETE"]),
                Route(f"{_CONTROLS}/faults", self._misbehave, methods=["PUT"]),
                Route(f"{_CONTROLS}/heads", self._take_head, methods=["POST"]),
                Route(f"{_CONTROLS}/heads", self._show_heads, methods=["GET"]),
                Route(f"{_CONTROLS}/witness", self._show_witness, methods=["GET"]),
                Route(f"{_CONTROLS}/records", self._keep_records, methods=["PUT"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(f"{_CONTROLS}/"):
            await self._controls(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    def misbehave(self, **faults: Any) -> None:
        """Set the faults from now on; none given: be well."""
        self.faults = FaultKnobs(**faults)
        self.platform.refusing = self.faults.refuse

    # ── the platform ──────────────────────────────────────────────────────────────────────────
    def fetched(self, message_type: str, call: ReceivedCall) -> Verdict | None:
        """Take a document that was fetched; give what its answer would mean, None when that is lost."""
        status = self.faults.failure(self._chance())
        if status is not None:
            return Verdict(VerdictKind.RETRY, reason=f"HTTP {status}")
        answer, taken = self.platform.answer(call)
        if taken and self.faults.reset_after_accept:
            return None
        return self.platform.adapter.judge(message_type, answer.written(None))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        faults = self.faults
        if faults.reset_before_read:
            _break(scope)
            return
        call = await _call(scope, receive)
        if faults.latency_ms:
            await asyncio.sleep(faults.latency_ms / 1000)
        status = faults.failure(self._chance())
        if status is not None:
            await _reply(send, _failure(status, faults), faults)
            return
        before = self.platform.arrivals(call)
        answer, taken = self.platform.answer(call)
        if taken and faults.reset_after_accept:
            _break(scope)
            return
        is_document = self.platform.arrivals(call) > before
        await _reply(send, answer.written(faults.charset), faults)
        if is_document:
            self.platform.answered(call, before)

    # ── its controls ──────────────────────────────────────────────────────────────────────────
    async def _show(self, request: Request) -> Response:
        return _json(self.platform.received())

    async def _forget(self, request: Request) -> Response:
        self.platform.memory.clear()
        return Response(status_code=204)

    async def _misbehave(self, request: Request) -> Response:
        try:
            faults = FaultKnobs.model_validate_json(await request.body() or b"{}")
        except ValidationError as error:
            return _json({"errors": error.errors(include_url=False, include_context=False)}, 422)
        self.misbehave(**faults.model_dump())
        return _json(faults.model_dump(exclude_defaults=True))

    async def _take_head(self, request: Request) -> Response:
        status = self.faults.failure(self._chance())
        if status is not None:
            return Response(status_code=status)
        status, answer = self.witness.take(await request.body())
        return _json(answer, status)

    async def _show_heads(self, request: Request) -> Response:
        return Response(self.witness.heads(), media_type="application/x-ndjson")

    async def _show_witness(self, request: Request) -> Response:
        return _json({"witness": f"{_CONTROLS}/heads", "witness_key": self.witness.key.public.hex()})

    async def _keep_records(self, request: Request) -> Response:
        try:
            records = json.parse(await request.body())
        except Rejected as rejected:
            return _json({"errors": [rejected.detail.en]}, 422)
        known = sorted(self.platform.adapter.queries)
        lists = isinstance(records, dict) and all(isinstance(found, list) for found in records.values())
        if not lists or not set(records) <= set(known):
            return _json({"errors": [f"an object of lists is expected, under the names of queries: {known}"]}, 422)
        self.platform.records = records
        return _json({name: len(found) for name, found in self.platform.records.items()})


def _json(content: Any, status: int = 200) -> Response:
    return Response(json.dump(content), status, media_type="application/json")


def _failure(status: int, faults: FaultKnobs) -> Reply:
    headers = {"content-type": "text/plain; charset=utf-8"}
    if faults.retry_after_s is not None:
        headers["retry-after"] = str(faults.retry_after_s)
    return Reply(status, headers, f"HTTP {status}".encode())


async def _call(scope: Scope, receive: Receive) -> ReceivedCall:
    body = bytearray()
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body") or len(body) > _LARGEST:
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    path = scope.get("raw_path") or scope["path"].encode()
    return ReceivedCall(
        scope["method"], path.decode("ascii"), scope["query_string"].decode("ascii"), headers, bytes(body)
    )


async def _reply(send: Send, reply: Reply, faults: FaultKnobs) -> None:
    headers = {**reply.headers, "content-length": str(len(reply.body))}
    await send({"type": "http.response.start", "status": reply.status, "headers": _raw(headers)})
    if faults.slow_body_ms:
        await _drip(send, reply.body, faults.slow_body_ms / 1000)
    await send({"type": "http.response.body", "body": b"" if faults.slow_body_ms else reply.body})


async def _drip(send: Send, body: bytes, seconds: float) -> None:
    size = max(1, -(-len(body) // _PIECES))
    for start in range(0, len(body), size):
        await asyncio.sleep(seconds / _PIECES)
        await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _break(scope: Scope) -> None:
    reset: Callable[[], None] | None = scope.get("extensions", {}).get(RESET)
    if reset is None:
        raise ConnectionResetError("this server cannot break a connection")
    reset()


async def _live(receive: Receive, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return

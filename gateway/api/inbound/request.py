"""What a request says about itself before its document is parsed: headers, language, trace, body."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct
from pydantic import Field

from gateway.api.inbound.encoding import Inflate
from gateway.api.models import RestModel
from gateway.intake.admission import Take
from gateway.intake.receiver import check_key
from gateway.telemetry.trace import trace_of
from schemas.findings import Rejected, Text

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

SUBMISSIONS = "/v1/messages"
"""Where canonical documents are handed in."""

_WANTED = {
    b"accept-language": "accept-language",
    b"authorization": "authorization",
    b"content-length": "content-length",
    b"content-type": "content-type",
    b"expect": "expect",
    b"idempotency-key": "idempotency-key",
    b"traceparent": "traceparent",
}
"""The headers that are looked at, by their bytes."""

_NONE: frozenset[str] = frozenset()

_RANGE = re.compile(r"\s*([A-Za-z*]+)[^;,]*(?:;\s*q\s*=\s*([0-9.]+))?")


class Gone(Exception):
    """The caller left before its request was complete; there is nobody to answer."""


class Incoming(Struct, frozen=True):
    """The headers that matter, the trace the request belongs to, and the caller's span in it, if it has one."""

    headers: dict[str, str]
    twice: frozenset[str]
    """Those that came more than once; `headers` has their last."""
    language: str
    trace_id: str
    caller_span: str | None

    @classmethod
    def of(cls, scope: Scope) -> Incoming:
        """Read a request's headers once; later code asks `request` of the same scope."""
        known: Incoming | None = scope.get("hutong.incoming")
        if known is not None:
            return known
        found: dict[str, str] = {}
        twice = _NONE
        for name, value in scope["headers"]:
            if (known_as := _WANTED.get(name)) is not None:
                if known_as in found:
                    twice |= {known_as}
                found[known_as] = value.decode("latin-1")
        said, trace = found.get("accept-language"), trace_of(found.get("traceparent"))
        incoming = cls(found, twice, language(said), *trace)
        scope["hutong.incoming"] = incoming
        return incoming


def idempotency_key(scope: Scope) -> str | None:
    """Give the key under which the caller may ask the same again (Idempotency-Key), None without one.

    Rejected `idempotency.key-invalid` (400) when there are two, or when it cannot be kept.
    """
    incoming = Incoming.of(scope)
    key = incoming.headers.get("idempotency-key")
    if "idempotency-key" in incoming.twice:
        raise Rejected(
            "idempotency.key-invalid",
            Text(
                "请求中有多个 Idempotency-Key；请只保留一个",
                "The request has more than one Idempotency-Key; send only one",
            ),
            status=400,
        )
    if key is not None:
        check_key(key)
    return key


def declared_length(incoming: Incoming) -> int:
    """Give the length that a request says its body has, 0 when it says none."""
    declared = incoming.headers.get("content-length", "")
    return int(declared[:20]) if declared.isdecimal() else 0


def language(header: str | None) -> str:
    """Choose `en` when the caller prefers English to Chinese, else `zh-CN` (RFC 9110, 12.5.4)."""
    if not header:
        return "zh-CN"
    weights: dict[str, float] = {}
    for part in header[:200].split(","):
        found = _RANGE.match(part)
        if found:
            weights.setdefault(found[1].lower(), _weight(found[2]))
    chinese = weights.get("zh", weights.get("*", 0.0))
    return "en" if weights.get("en", 0.0) > chinese else "zh-CN"


def _weight(text: str | None) -> float:
    try:
        return 1.0 if text is None else float(text)
    except ValueError:
        return 0.0


def check_length(incoming: Incoming, limit: int) -> None:
    """Reject a body that says it is larger than its platform may send: Rejected (413)."""
    if declared_length(incoming) > limit:
        raise too_large(limit)


async def read_body(receive: Receive, limit: int, take: Take, coding: str | None = None) -> bytes:
    """Read a body of at most `limit` bytes, decompressed; Rejected (413) as soon as it is known to be larger.

    `take` is told of every byte that there is to keep, and raises Busy when there is no room for more.
    """
    event = await receive()
    first: bytes = event.get("body", b"")
    if coding is None and not event.get("more_body") and event["type"] == "http.request" and len(first) <= limit:
        take(len(first))
        return first
    return await _read_rest(event, receive, limit, take, coding)


async def _read_rest(event: Event, receive: Receive, limit: int, take: Take, coding: str | None) -> bytes:
    inflate = Inflate(coding, limit, too_large(limit)) if coding else None
    parts: list[bytes] = []
    arrived = 0
    while True:
        if event["type"] != "http.request":
            raise Gone
        part: bytes = event.get("body", b"")
        more = event.get("more_body", False)
        arrived += len(part)
        if arrived > limit:
            raise too_large(limit)
        if inflate is not None:
            part = await inflate(part, last=not more)
        parts.append(part)
        take(len(part))
        if not more:
            return b"".join(parts)
        event = await receive()


def too_large(limit: int) -> Rejected:
    """Reject a body that is larger than its platform may send."""
    return Rejected(
        "body.too-large",
        Text(
            f"请求体超过 {limit} 字节的上限；请拆成多次发送",
            f"The body is larger than the {limit} bytes allowed; send it in several parts",
        ),
        status=413,
    )


def dry_run(query: bytes) -> bool:
    """Tell whether the caller only wants to see what would become of its document."""
    value = _asked(query, "dry_run", "false").lower()
    if value in ("true", "1", "yes", ""):
        return True
    if value in ("false", "0", "no"):
        return False
    raise Rejected(
        "request.invalid",
        Text("dry_run 只能是 true 或 false", "dry_run is either true or false"),
        status=422,
    )


def offset(query: bytes) -> int:
    """Give how many records the caller passes over; Rejected for what is no such number."""
    value = _asked(query, "offset", "0")
    if value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        return int(value)
    raise Rejected(
        "request.invalid",
        Text("offset 须为不小于 0 的整数", "offset is a whole number from 0 on"),
        status=422,
    )


_DIGITS = 15


def _asked(query: bytes, name: str, otherwise: str) -> str:
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)).get(name, otherwise) if query else otherwise


class Submission(RestModel):
    """A canonical document, handed in by a platform whose adapter is canonical."""

    type: str = Field(description="The message type, such as `case.transferred`", examples=["case.transferred"])
    document: dict[str, Any] = Field(description="The canonical document; see `/schemas/{document}/{version}`")
    region: str | None = Field(default=None, description="GB/T 2260 code, when the document names none")
    correlation_id: str | None = Field(default=None, description="Ties it to an earlier message's case")
    causation_id: str | None = Field(default=None, description="The message that caused this one")
    corrects: str | None = Field(default=None, description="The message that this document corrects")

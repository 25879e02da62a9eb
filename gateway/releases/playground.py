"""Try a version on a body or a document: nothing is kept, nothing is sent; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from adapters.adapter import DeclarativeAdapter
from adapters.base import Adapter, OutboundRequest, Sending, Translation
from adapters.records import translated
from schemas.catalog import TYPES
from schemas.documents import check
from schemas.findings import Rejected, Text

_AT = datetime(2026, 9, 1, tzinfo=UTC)
_ID = "00000000-0000-7000-8000-000000000000"

MOST_RECORDS = 1000


@dataclass(frozen=True, slots=True)
class Tried:
    """One record of a body: its translation, or why there is none."""

    index: int
    outcome: Translation | Rejected


def read(adapter: Adapter, operation: str, body: Any, content_type: str | None) -> Sequence[Tried]:
    """Translate a native body: JSON values, or text as the platform would write it.

    Rejected `operation.unknown`, or whatever refuses the body as a whole.
    """
    if operation not in adapter.receives:
        raise _unknown(adapter, operation, sorted(adapter.receives))
    package = adapter.read(operation, _bytes(adapter, operation, body), content_type)
    outcomes = translated(adapter, operation, package.records[:MOST_RECORDS])
    return [Tried(record.index, outcome) for record, outcome in outcomes]


def write(adapter: Adapter, message_type: str, document: Any, settings: Mapping[str, Any]) -> OutboundRequest:
    """Write a canonical document; a setting that is not given is written as `{name}`.

    Rejected `operation.unknown`, `document.invalid`, or what cannot be written.
    """
    if message_type not in adapter.sends:
        raise _unknown(adapter, message_type, sorted(adapter.sends))
    checked = check(TYPES[message_type].document, document)
    stand_ins = {name: f"{{{name}}}" for name, one in adapter.settings.items() if one.required}
    return adapter.translate_out(Sending(message_type, checked.document, {**stand_ins, **settings}, _ID, _ID, _AT))


def text(adapter: Adapter, message_type: str, request: OutboundRequest) -> str:
    """Give a written body as text, in the character set it was written in."""
    return request.body.decode(_charset(adapter, "sends", message_type), "backslashreplace")


def _bytes(adapter: Adapter, operation: str, body: Any) -> bytes:
    if not isinstance(body, str):
        return orjson.dumps(body)
    charset = _charset(adapter, "receives", operation)
    try:
        return body.encode(charset)
    except (UnicodeEncodeError, LookupError):
        raise Rejected(
            "body.charset",
            Text(f"文本含有 {charset} 无法表示的字符", f"The text holds characters that {charset} cannot write"),
        ) from None


def _charset(adapter: Adapter, section: str, name: str) -> str:
    return adapter.compiled.formats[section, name].charset if isinstance(adapter, DeclarativeAdapter) else "utf-8"


def _unknown(adapter: Adapter, name: str, known: Sequence[str]) -> Rejected:
    listed = "、".join(known) or "—"
    text = Text(
        f"{adapter.name} {adapter.version} 没有 {name}；可用：{listed}",
        f"{adapter.name} {adapter.version} has no {name}; it has: {listed}",
    )
    return Rejected("operation.unknown", text, status=404)

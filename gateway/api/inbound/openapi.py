"""The OpenAPI of the hot paths, written by hand because the framework does not see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from pydantic import BaseModel

from adapters.adapter import DeclarativeAdapter, bundled
from adapters.base import Adapter
from adapters.bundle.files import digest, read
from adapters.formats import BODY_FORMATS, STREAMS, SUFFIXES
from gateway.api.inbound.answer import AcceptedMessage, AcceptedPackage, DryRun, DryRunPackage
from gateway.api.inbound.batch_lines import MEDIA_TYPE, BatchLine
from gateway.api.inbound.request import Submission
from gateway.api.openapi import problems

MODELS: tuple[type[BaseModel], ...] = (
    AcceptedMessage,
    AcceptedPackage,
    BatchLine,
    DryRun,
    DryRunPackage,
    Submission,
)

_CANONICAL = "canonical"
"""The bundled adapter whose native format is the canonical one."""

_REPEATED = {
    "Idempotent-Replayed": {
        "description": "`true` when this key and these bytes came before: the first answer again",
        "schema": {"type": "string", "enum": ["true"]},
    }
}

_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "dry_run",
        "in": "query",
        "required": False,
        "description": "试运行：只返回转换结果与路由，不保存 · translate and route only, store nothing",
        "schema": {"type": "boolean", "default": False},
    },
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "同一键加同样字节返回首次应答；同一键不同字节为 409 · scoped to platform and operation",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    },
    {
        "name": "Accept-Language",
        "in": "header",
        "required": False,
        "description": "The language of problems and warnings: zh-CN, unless English is preferred",
        "schema": {"type": "string", "default": "zh-CN"},
    },
]

_ACCEPTED_EXAMPLE = {
    "message_id": "0199f1c2-7c3a-7e55-a7c1-5f2a8e0d9b11",
    "type": "case.transferred",
    "state": "ready",
    "duplicate": False,
    "warnings": [],
    "deliveries": [
        {
            "id": "0199f1c2-7c3a-7e55-a7c1-6a1f0c2d3e44",
            "platform": "penalty.330000",
            "kind": "penalty",
            "state": "ready",
        }
    ],
    "receipt": {
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "leaf": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        "key_id": "3b1c22f0a9d54e71",
        "signature": "0.1..R0sZ…",
    },
}


def paths(adapters: Iterable[Adapter]) -> dict[str, Any]:
    """Describe `POST /v1/inbound/{operation}`, its `/batch`, and `POST /v1/messages`."""
    found = _examples(adapters)
    canonical = [one for one in found if one.adapter == _CANONICAL]
    return {
        "/v1/inbound/{operation}": {"post": _inbound(found)},
        "/v1/inbound/{operation}/batch": {"post": _batch(found)},
        "/v1/messages": {"post": _submit(canonical)},
    }


def _operation(examples: Sequence[NativeExample]) -> dict[str, Any]:
    return {
        "name": "operation",
        "in": "path",
        "required": True,
        "description": "An operation that the platform's adapter receives",
        "schema": {"type": "string", "examples": sorted({one.operation for one in examples})},
    }


def _inbound(examples: Sequence[NativeExample]) -> dict[str, Any]:
    return {
        "tags": ["inbound"],
        "operationId": "receive",
        "summary": "Hand a document in, in your own format · 以本平台格式报送",
        "description": (
            "The body is the platform's own document or package, in its own format and character set. 202 means "
            "durable: it will be delivered at least once, in order per case. A package answers record by record; "
            "202 when any record was accepted, 422 when none was. Adapters may declare an answer in the caller's "
            "own format, which then replaces both the receipt and the problem document."
        ),
        "security": [{"bearer": []}],
        "parameters": [_operation(examples), *_PARAMETERS],
        "requestBody": {"required": True, "content": _native(examples) or {"application/json": {}}},
        "responses": _responses("AcceptedMessage", "AcceptedPackage", "DryRun", "DryRunPackage"),
    }


_OFFSET = {
    "name": "offset",
    "in": "query",
    "required": False,
    "description": "续传：跳过前 N 条记录，序号仍从文件开头计 · pass over N records; indexes count from the start",
    "schema": {"type": "integer", "minimum": 0, "default": 0},
}


def _batch(examples: Sequence[NativeExample]) -> dict[str, Any]:
    streams = {kind: {"schema": {"type": "string"}} for one in STREAMS.values() for kind in one.media_types[:1]}
    lines = {"schema": _ref("BatchLine"), "examples": _LINES}
    return {
        "tags": ["inbound"],
        "operationId": "receiveBatch",
        "summary": "Hand a file of any length in, record by record · 成批报送",
        "description": (
            "As the operation's format is: one JSON document a line (NDJSON), CSV with a header and a record a row, or "
            "an XML package of the operation's `split`; of any length, also compressed. Each record is taken as a "
            "single document is, in order, and answered by a line in the same order, while the file is still being "
            "sent. A bad record stops no other. A cut keeps what was accepted: send the same file again with `offset` "
            "= the last index answered + 1; under an Idempotency-Key every record is then taken once, whatever was "
            "answered. A last line with `ended` says from which index to go on. The sender need not read before "
            "everything is sent."
        ),
        "security": [{"bearer": []}],
        "parameters": [_operation(examples), _OFFSET, *_PARAMETERS],
        "requestBody": {"required": True, "content": streams},
        "responses": {
            "200": {"description": "A line for each record, in order", "content": {MEDIA_TYPE: lines}},
            **{str(status): one for status, one in problems(400, 401, 404, 405, 413, 415, 422, 429).items()},
        },
    }


_LINES = {
    "accepted": {
        "summary": "受理 · accepted",
        "value": {
            "index": 0,
            "message_id": _ACCEPTED_EXAMPLE["message_id"],
            "type": "case.transferred",
            "state": "ready",
            "duplicate": False,
        },
    },
    "ended": {
        "summary": "到此为止，请以 offset=7 续传 · it ended here: go on with offset=7",
        "value": {
            "index": 7,
            "problem": {
                "type": "urn:hutong:problem:gateway.stopping",
                "title": "网关正在停止",
                "status": 503,
                "detail": "网关正在停止；之前的记录已处理，请稍后从这里（offset）继续发送",
                "code": "gateway.stopping",
            },
            "ended": True,
        },
    },
}


def _submit(canonical: Sequence[NativeExample]) -> dict[str, Any]:
    examples = {
        one.operation: {"summary": one.operation, "value": {"type": one.operation, "document": one.value}}
        for one in canonical
    }
    media = {"schema": _ref("Submission"), "examples": examples}
    return {
        "tags": ["inbound"],
        "operationId": "submit",
        "summary": "Hand a canonical document in · 报送规范文书",
        "description": "For platforms that speak canonical; see `/schemas/{document}/{version}` for each document.",
        "security": [{"bearer": []}],
        "parameters": _PARAMETERS,
        "requestBody": {"required": True, "content": {"application/json": media}},
        "responses": _responses("AcceptedMessage", None, "DryRun", None),
    }


def _responses(accepted: str, package: str | None, dry_run: str, dry_runs: str | None) -> dict[str, Any]:
    taken = {"schema": _either(accepted, package), "example": _ACCEPTED_EXAMPLE}
    seen = {"schema": _either(dry_run, dry_runs)}
    answers: dict[str, Any] = {
        "200": {"description": "What a dry run found; nothing was stored", "content": {"application/json": seen}},
        "202": {
            "description": "Durable: accepted for delivery",
            "headers": _REPEATED,
            "content": {"application/json": taken},
        },
    }
    errors = problems(400, 401, 403, 404, 405, 409, 413, 415, 422, 429)
    if package is not None:
        errors[422]["content"]["application/json"] = {"schema": _ref(package)}
    return answers | {str(status): described for status, described in errors.items()}


def _either(one: str, other: str | None) -> dict[str, Any]:
    return {"anyOf": [_ref(one), _ref(other)]} if other else _ref(one)


def _ref(model: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model}"}


def _native(examples: Sequence[NativeExample]) -> dict[str, Any]:
    """Give the request body of an inbound call: one example an operation, in the platform's own format."""
    content: dict[str, Any] = {}
    for one in examples:
        media = content.setdefault(one.media_type, {"schema": _body_schema(one.media_type), "examples": {}})
        media["examples"][f"{one.adapter}.{one.operation}"] = {
            "summary": f"{one.title} · {one.operation}",
            "value": one.value,
        }
    return content


def _body_schema(media_type: str) -> dict[str, Any]:
    return {} if media_type == "application/json" else {"type": "string"}


@dataclass(frozen=True, slots=True)
class NativeExample:
    """One native document: `value` is its JSON, or its text in any other format."""

    adapter: str
    title: str
    operation: str
    media_type: str
    value: Any


def _examples(adapters: Iterable[Adapter]) -> list[NativeExample]:
    """Give the first sample of each operation that a bundled adapter receives.

    Anybody may read this page: what a province uploads stays out of it, whatever name and version it has.
    """
    own = [one for one in adapters if isinstance(one, DeclarativeAdapter) and _is_bundled(one)]
    return [example for adapter in own for example in _of(adapter)]


def _is_bundled(adapter: DeclarativeAdapter) -> bool:
    return adapter.digest in _bundled_digests()


@cache
def _bundled_digests() -> frozenset[str]:
    """The contents of the bundled adapters: an upload with the name of one is still another bundle."""
    return frozenset(digest(read(folder)) for folder in bundled().values())


def _of(adapter: DeclarativeAdapter) -> Iterator[NativeExample]:
    for operation in adapter.receives:
        folder = f"samples/{operation}/"
        named = sorted(name for name in adapter.bundle.files if name.startswith(folder) and ".native." in name)
        if named:
            yield _example(adapter, operation, named[0])


def _example(adapter: DeclarativeAdapter, operation: str, name: str) -> NativeExample:
    extension = name.rpartition(".")[2]
    text = adapter.bundle.files[name].decode(_charset(adapter, operation), "replace")
    value = orjson.loads(text) if extension == "json" else text
    written = SUFFIXES.get(extension, BODY_FORMATS["form"])
    return NativeExample(adapter.name, adapter.title, operation, written.media_type, value)


def _charset(adapter: DeclarativeAdapter, operation: str) -> str:
    manifest = adapter.bundle.manifest
    receives = manifest.receives[operation]
    charset = (receives.format or manifest.format).charset or manifest.format.charset or "utf-8"
    return "gb18030" if charset.lower() in ("gbk", "gb2312") else charset

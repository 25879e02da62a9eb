"""The OpenAPI of the hot paths, written beside them because no framework sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from gateway.api import wire
from gateway.api.openapi import native_examples, problems
from gateway.api.samples import Sample

MODELS: tuple[type[BaseModel], ...] = (
    wire.AcceptedMessage,
    wire.AcceptedPackage,
    wire.Preview,
    wire.PreviewPackage,
    wire.Submission,
)

_REPLAYED = {
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
}


def paths(samples: Sequence[Sample], canonical: Sequence[Sample]) -> dict[str, Any]:
    """Describe `POST /v1/inbound/{operation}` and `POST /v1/messages`."""
    return {
        "/v1/inbound/{operation}": {"post": _inbound(samples)},
        "/v1/messages": {"post": _submit(canonical)},
    }


def _inbound(samples: Sequence[Sample]) -> dict[str, Any]:
    operations = sorted({one.operation for one in samples})
    operation = {
        "name": "operation",
        "in": "path",
        "required": True,
        "description": "An operation that the platform's adapter receives",
        "schema": {"type": "string", "examples": operations},
    }
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
        "parameters": [operation, *_PARAMETERS],
        "requestBody": {"required": True, "content": native_examples(samples) or {"application/json": {}}},
        "responses": _responses("AcceptedMessage", "AcceptedPackage", "Preview", "PreviewPackage"),
    }


def _submit(canonical: Sequence[Sample]) -> dict[str, Any]:
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
        "responses": _responses("AcceptedMessage", None, "Preview", None),
    }


def _responses(accepted: str, package: str | None, preview: str, previews: str | None) -> dict[str, Any]:
    taken = {"schema": _either(accepted, package), "example": _ACCEPTED_EXAMPLE}
    seen = {"schema": _either(preview, previews)}
    answers: dict[str, Any] = {
        "200": {"description": "What a dry run found; nothing was stored", "content": {"application/json": seen}},
        "202": {
            "description": "Durable: accepted for delivery",
            "headers": _REPLAYED,
            "content": {"application/json": taken},
        },
    }
    refused = problems(400, 401, 403, 404, 405, 409, 413, 415, 422)
    if package is not None:
        refused[422]["content"]["application/json"] = {"schema": _ref(package)}
    return answers | {str(status): described for status, described in refused.items()}


def _either(one: str, other: str | None) -> dict[str, Any]:
    return {"anyOf": [_ref(one), _ref(other)]} if other else _ref(one)


def _ref(model: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model}"}

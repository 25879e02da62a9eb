"""The OpenAPI document: the framework's part, the hot paths beside it, and the problem documents of each call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.api.models import Problem
from gateway.errors.problems import MEDIA_TYPE, TYPE_PREFIX, title

Paths = dict[str, Any]

_REF = "#/components/schemas/{model}"

_CODES: Mapping[int, str] = {
    400: "request.unreadable",
    401: "credential.unknown",
    403: "right.missing",
    404: "not-found",
    405: "method.not-allowed",
    408: "attachment.slow",
    409: "state.wrong",
    410: "body.pruned",
    413: "body.too-large",
    415: "media-type.unsupported",
    422: "request.invalid",
    429: "intake.busy",
    500: "internal",
    503: "unavailable",
}

_ALWAYS = (500, 503)
"""Any call may answer with these."""

_DESCRIPTION = """
互通（Hutong）连接生态环境执法各业务平台：平台用**自己的格式**调用 `POST /v1/inbound/{operation}`，
网关转换、落盘后返回 202，再以各接收平台的格式按序至少投递一次。

Platforms call `POST /v1/inbound/{operation}` in **their own format**; the gateway translates the document, makes it
durable before it answers 202, and delivers it at least once, in order per case, in each receiver's own format.

Every error is a problem document (RFC 9457), in Chinese unless `Accept-Language: en`.
"""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problem documents that a call may answer with."""
    return {status: _problem(status) for status in sorted({*statuses, *_ALWAYS})}


def _problem(status: int) -> dict[str, Any]:
    code = _CODES[status]
    name = title(code, status)
    example = {
        "type": f"{TYPE_PREFIX}{code}",
        "title": name.zh,
        "status": status,
        "detail": name.zh,
        "code": code,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}, "example": example}}
    return {"description": f"{name.zh} · {name.en}", "content": content}


_BYTES = {"schema": {"type": "string", "format": "binary"}}

NATIVE_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The exact bytes, with the content type they had",
        "content": {"application/json": {}, "application/xml": _BYTES, "application/octet-stream": _BYTES},
    }
}

CANONICAL_EXAMPLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The canonical document",
        "content": {
            "application/json": {
                "example": {
                    "case_number": "浙环罚立〔2026〕12号",
                    "name": "某某化工有限公司超标排放水污染物案",
                    "party": {"name": "某某化工有限公司"},
                    "region": "330100",
                }
            }
        },
    }
}


def describe(app: FastAPI, hot_operation: Paths, extra: Sequence[type[BaseModel]]) -> dict[str, Any]:
    """Write the whole document: the framework's calls, then `hot` beside them with the models of `extra`."""
    document = get_openapi(
        title="互通 Hutong",
        version=app.version,
        description=_DESCRIPTION,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(_models([Problem, *extra]))
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    _replace_invalid(document["paths"])
    for path, operations in hot_operation.items():
        document["paths"].setdefault(path, {}).update(operations)
    document["paths"] = dict(sorted(document["paths"].items()))
    return document


def _replace_invalid(paths: Paths) -> None:
    """Describe our own 422 where the framework wrote its own."""
    for item in paths.values():
        for operation in item.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                operation["responses"]["422"] = _problem(422)


def _models(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    _, top = models_json_schema([(one, "serialization") for one in models], ref_template=_REF)
    return dict(top["$defs"])

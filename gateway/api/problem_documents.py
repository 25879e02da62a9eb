"""Every error that leaves the application, the framework's and our own, as a problem document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from gateway.api.inbound.answer import HttpAnswer, error_answer, problem_bytes
from gateway.api.inbound.asgi import hot_operation, unforeseen
from gateway.api.inbound.request import Incoming, Scope
from gateway.errors import HutongError
from gateway.errors.problems import problem
from schemas.findings import Finding, Rejected, Text

_BY_STATUS: Mapping[int, tuple[str, Text]] = {
    400: (
        "request.unreadable",
        Text("请求无法读取；请检查 JSON 是否完整", "The request cannot be read; check that its JSON is complete"),
    ),
    404: (
        "not-found",
        Text("没有这个地址；接口清单见 /docs", "There is no such address; /docs lists them all"),
    ),
    405: (
        "method.not-allowed",
        Text("此地址不支持该方法；可用方法见 Allow 头", "This address does not take that method; see the Allow header"),
    ),
    413: ("body.too-large", Text("请求体过大；请缩小后再发", "The body is too large; send less at once")),
}

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

_OTHER = Text("请求未能完成", "The request was not carried out")

_CHINESE: Mapping[str, str] = {
    "missing": "必填项缺失",
    "extra_forbidden": "没有这个字段，请删除或检查拼写",
    "string_type": "应为字符串",
    "string_too_short": "不能为空",
    "string_too_long": "过长",
    "string_pattern_mismatch": "格式不对",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "greater_than_equal": "数值过小",
    "less_than_equal": "数值过大",
    "enum": "不在允许的取值之内",
    "literal_error": "不在允许的取值之内",
    "dict_type": "应为对象",
    "list_type": "应为数组",
    "model_attributes_type": "应为 JSON 对象",
    "model_type": "应为 JSON 对象",
    "datetime_from_date_parsing": "应为 ISO 8601 时间，例如 2026-09-01T08:00:00+08:00",
    "datetime_parsing": "应为 ISO 8601 时间，例如 2026-09-01T08:00:00+08:00",
    "json_invalid": "JSON 不完整或不合规范",
}

_FIELDS = Text(
    "请求有不合要求之处，见 errors；改正后重发",
    "Parts of the request are not acceptable, see errors; correct them and send it again",
)

_NOT_JSON = Text(
    "此接口接收 JSON；请把 Content-Type 设为 application/json",
    "This call takes JSON; set Content-Type to application/json",
)


def install(app: FastAPI) -> None:
    """Make every error that leaves the application a problem document."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HutongError, _ours)
    app.add_exception_handler(Rejected, _ours)
    app.add_exception_handler(Exception, _unforeseen)


def _respond(answered: HttpAnswer) -> Response:
    headers = {**answered.headers, **({"connection": "close"} if answered.close else {})}
    return Response(answered.body, answered.status, headers, answered.content_type)


async def _ours(request: Request, error: Exception) -> Response:
    incoming = Incoming.of(request.scope)
    assert isinstance(error, HutongError | Rejected)
    return _respond(error_answer(error, language=incoming.language, trace_id=incoming.trace_id))


async def _http(request: Request, error: Exception) -> Response:
    incoming = Incoming.of(request.scope)
    assert isinstance(error, HTTPException)
    code, detail = _BY_STATUS.get(error.status_code, (f"http.{error.status_code}", _OTHER))
    body = problem(code, error.status_code, detail, language=incoming.language, trace_id=incoming.trace_id)
    headers = {"allow": ", ".join(_allowed(request))} if error.status_code == 405 else error.headers
    return _respond(problem_bytes(body, headers))


def _allowed(request: Request) -> Sequence[str]:
    """Give every method that the address takes: the framework only names those of its first match."""
    return [method for method in _METHODS if _takes(request, {**request.scope, "method": method})]


def _takes(request: Request, asked: Scope) -> bool:
    if asked["method"] == "POST" and hot_operation(asked) is not None:
        return True
    answered_as = {**asked, "method": "GET"} if asked["method"] == "HEAD" else asked
    return any(route.matches(answered_as)[0] is Match.FULL for route in request.app.routes)


async def _validation(request: Request, error: Exception) -> Response:
    incoming = Incoming.of(request.scope)
    assert isinstance(error, RequestValidationError)
    if _wrong_media_type(error, incoming):
        body = problem("media-type.unsupported", 415, _NOT_JSON, language=incoming.language, trace_id=incoming.trace_id)
        return _respond(problem_bytes(body))
    findings = [_finding(one) for one in error.errors()]
    body = problem("request.invalid", 422, _FIELDS, findings, language=incoming.language, trace_id=incoming.trace_id)
    return _respond(problem_bytes(body))


async def _unforeseen(request: Request, error: Exception) -> Response:
    return _respond(unforeseen(request.scope))


def _wrong_media_type(error: RequestValidationError, incoming: Incoming) -> bool:
    """The framework hands a body over as bytes when its media type is not JSON."""
    kind = incoming.headers.get("content-type", "").partition(";")[0].strip().lower()
    json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    return isinstance(error.body, bytes) and not json


def _finding(error: Mapping[str, Any]) -> Finding:
    kind = str(error["type"])
    english = str(error["msg"])
    return Finding(
        code=f"request.{kind.replace('_', '-')}",
        message=Text(_CHINESE.get(kind, f"不合要求：{english}"), english),
        path=_path(error["loc"]),
    )


def _path(location: Sequence[Any]) -> str:
    """Say where in the request: `query.since`, `body.filter.state`."""
    return ".".join(str(part) for part in location)

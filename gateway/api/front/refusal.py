"""Why a connection is refused before anybody knows whose it is, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import orjson

from gateway.api.front.bounds import FrontBounds
from gateway.errors.problems import MEDIA_TYPE, problem
from schemas.findings import Text


class Why(StrEnum):
    """Why a connection was refused or closed: the problem's code, and the label of the metric."""

    MALFORMED = "request.malformed"
    HEADER_SLOW = "header.slow"
    BODY_SLOW = "body.slow"
    URL_LONG = "url.too-long"
    HEADER_LARGE = "header.too-large"
    HEADERS_MANY = "header.too-many"
    CONNECTIONS = "connections.too-many"
    ADDRESS = "connections.address"
    DISPLACED = "connections.displaced"
    """There was room for nobody else, and this one had waited longest without asking anything."""
    PIPELINED = "request.pipelined"
    """It asked more at once than is queued; its connection is cut."""
    UNREAD = "answer.unread"
    """It did not read what it was answered; its connection is cut."""


_STATUS: Mapping[Why, int] = {
    Why.MALFORMED: 400,
    Why.HEADER_SLOW: 408,
    Why.BODY_SLOW: 408,
    Why.URL_LONG: 414,
    Why.HEADER_LARGE: 431,
    Why.HEADERS_MANY: 431,
    Why.CONNECTIONS: 503,
    Why.ADDRESS: 503,
    Why.DISPLACED: 503,
}

_PHRASES = {
    400: b"Bad Request",
    408: b"Request Timeout",
    414: b"URI Too Long",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}

_SOON = {503: (b"retry-after: 5",)}


def refusal(why: Why, bounds: FrontBounds, language: str = "zh-CN") -> bytes:
    """Write the whole answer to whoever is refused: a problem document, and the end of the connection."""
    status = _STATUS[why]
    body = orjson.dumps(problem(why, status, _detail(why, bounds), language=language))
    head = [
        b"HTTP/1.1 %d %s" % (status, _PHRASES[status]),
        b"content-type: " + MEDIA_TYPE.encode(),
        b"content-length: %d" % len(body),
        *_SOON.get(status, ()),
        b"connection: close",
    ]
    return b"\r\n".join([*head, b"", body])


def _detail(why: Why, bounds: FrontBounds) -> Text:
    zh, en = _DETAILS[why]
    known = {name: getattr(bounds, name) for name in bounds.__struct_fields__}
    return Text(zh.format(**known), en.format(**known))


_DETAILS: Mapping[Why, tuple[str, str]] = {
    Why.MALFORMED: ("不是合规的 HTTP/1.1 请求；请检查客户端", "This is no HTTP/1.1 request; check the client"),
    Why.HEADER_SLOW: (
        "{header_seconds:g} 秒内未收到完整的请求头；请检查网络后重发",
        "The headers did not arrive within {header_seconds:g} s; check the network and send it again",
    ),
    Why.BODY_SLOW: (
        "请求体到达过慢（须在 {body_seconds:g} 秒内有数据，平均不低于每秒 {body_rate} 字节）；请检查网络后重发",
        "The body came too slowly (something every {body_seconds:g} s, on average {body_rate} bytes a second); "
        "check the network and send it again",
    ),
    Why.URL_LONG: (
        "网址超过 {url_bytes} 字节；请缩短查询条件",
        "The address is longer than {url_bytes} bytes: ask less",
    ),
    Why.HEADER_LARGE: (
        "请求头总长超过 {header_bytes} 字节；请减少请求头（例如 Cookie）",
        "The headers are larger than {header_bytes} bytes together; send fewer or shorter ones (cookies, say)",
    ),
    Why.HEADERS_MANY: ("请求头超过 {headers} 个；请减少", "There are more than {headers} headers; send fewer"),
    Why.CONNECTIONS: (
        "网关的连接数已满；请稍后再试",
        "The gateway takes no more connections; try again soon",
    ),
    Why.ADDRESS: (
        "来自同一地址的连接超过 {per_address} 个；请复用连接",
        "More than {per_address} connections come from this address; use them again instead of opening others",
    ),
    Why.DISPLACED: (
        "连接闲置而网关连接数已满；请重新连接",
        "It was idle and the room was needed; connect again",
    ),
}

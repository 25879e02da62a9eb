"""What a bundle may write into an HTTP request: a path on the platform itself, and headers that carry only text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from adapters import placeholders
from adapters.misfit import Misfit

MAX_LENGTH = 1000
MAX_HEADERS = 32

OURS = frozenset({"idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature", "traceparent"})
"""What the gateway itself says with every call."""

FRAMING = frozenset(
    [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        "expect",
    ]
)
"""What the connection says: a bundle that could would speak to somebody else, or split one call in two."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOT_IN_PATH = re.compile(r"[\x00-\x20\x7f\\#]")


def path(text: str) -> str:
    """Check a request path, a template; raises ValueError for one that leads anywhere but below `base_url`."""
    template = placeholders.parse(text)
    literal = "".join(part.literal or "x" for part in template.parts)
    if not literal.startswith("/") or literal.startswith("//") or len(text) > MAX_LENGTH:
        raise Misfit("路径以一个 / 开头，在 base_url 之下", "a path begins with one / and stays below base_url")
    if _NOT_IN_PATH.search(literal) or _PERCENT.search(literal) or _control(unquote(literal)):
        raise Misfit(
            "路径中不能有空白、控制字符、\\、# 或不完整的 % 转义",
            "a path holds no blanks, control characters, \\ or #, and % only before two digits",
        )
    if any(segment in (".", "..") for segment in unquote(literal.partition("?")[0]).split("/")):
        raise Misfit("路径中不能有 . 或 .. 段", "a path has no segments . and ..")
    return text


def headers(named: Mapping[str, str]) -> Mapping[str, str]:
    """Check headers by name and template; raises ValueError."""
    if len(named) > MAX_HEADERS or len({name.lower() for name in named}) < len(named):
        raise Misfit(f"至多 {MAX_HEADERS} 个名称各异的请求头", f"at most {MAX_HEADERS} headers, each name once")
    for name, text in named.items():
        header(name)
        value(text)
    return named


def header(name: str) -> str:
    """Check a header's name; raises ValueError."""
    if not _TOKEN.fullmatch(name):
        raise Misfit(f"{name[:40]!r} 不能作为请求头的名称", f"{name[:40]!r} cannot be the name of a header")
    if name.lower() in FRAMING | OURS:
        raise Misfit(f"请求头 {name} 由网关自己填写", f"the gateway itself writes the header {name}")
    return name


def value(text: str) -> str:
    """Check a template that goes into a header; raises ValueError."""
    placeholders.parse(text)
    if _control(text) or len(text) > MAX_LENGTH:
        raise Misfit("请求头中不能有换行和控制字符", "a header holds no line breaks or control characters")
    return text


def action(text: str) -> str:
    """Check a SOAP action; raises ValueError."""
    if _control(text) or '"' in text or len(text) > MAX_LENGTH:
        raise Misfit(
            "action 中不能有引号、换行和控制字符", "an action holds no quotes, line breaks or control characters"
        )
    return text


def _control(text: str) -> bool:
    return any(ord(character) < 32 or ord(character) == 127 for character in text)

"""The single values that adapter.yaml holds: how each is checked, and what an editor's schema says of it.

Among them is what a bundle may write into an HTTP request: a path on the platform itself, and headers
that carry only text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from adapters import paths, placeholders
from adapters.formats.charsets import FAMILY
from adapters.formats.charsets import canonical as canonical_charset
from adapters.formats.format import as_text
from adapters.source import BadValue

MAX_LENGTH = 1000
MAX_HEADERS = 32

GATEWAY_HEADERS = frozenset({"idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature", "traceparent"})
"""What the gateway itself writes into every call."""

CONNECTION_HEADERS = frozenset(
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
"""What belongs to the connection. A bundle that set these could reach another host, or split one call in two."""

_WEB = re.compile(r"https?://[^\s/?#@\\]+(/[^\s#\\]*)?")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOT_IN_PATH = re.compile(r"[\x00-\x20\x7f\\#]")
DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")
SIZE = re.compile(r"([0-9]{1,12})(B|KB|MB)")
RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)/(s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KB": 1024, "MB": 1024 * 1024}


def empty(value: Any) -> Any:
    """Read a key without a value as an empty mapping."""
    return {} if value is None else value


def is_web(text: str) -> bool:
    """Tell whether a text is an http or https address."""
    return _WEB.fullmatch(text) is not None


def _duration(text: Any) -> timedelta:
    """Read `250ms`, `10s`, `10m`, `72h` or `3d`; raises ValueError."""
    number, unit = _parts(DURATION, text, "10s, 10m, 72h")
    return timedelta(seconds=float(number) * _SECONDS[unit])


def _size(text: Any) -> int:
    """Read `512KB` or `2MB` (1 KB is 1024 bytes); raises ValueError."""
    number, unit = _parts(SIZE, text, "512KB, 2MB")
    return int(number) * _BYTES[unit]


def _rate(text: Any) -> float:
    """Read `50/s` or `600/m` as requests a second; raises ValueError."""
    number, unit = _parts(RATE, text, "50/s, 600/m")
    return float(number) / _SECONDS[unit]


def _parts(pattern: re.Pattern[str], text: Any, examples: str) -> tuple[str, str]:
    match = pattern.fullmatch(str(text))
    if match is None or not float(match[1]):
        raise BadValue(f"写法如 {examples}", f"write it like {examples}")
    return match[1], match[2]


def _path(text: str) -> str:
    paths.in_body(text)
    return text


def _list_path(text: str) -> str:
    if not text.endswith(paths.ITEMS):
        raise BadValue("应以 [] 结尾", "it must end in []")
    return _path(text)


def _scalar(value: Any) -> str:
    if isinstance(value, dict | list):
        raise BadValue("应为单个值", "a plain value is expected")
    return as_text(value)


def _charset(name: Any) -> str:
    found = canonical_charset(str(name))
    if found is None:
        raise BadValue("字符集为 utf-8、gb2312、gbk 或 gb18030", "the charsets are utf-8, gb2312, gbk, gb18030")
    return found


def _delimiter(value: Any) -> Any:
    return "\t" if value == "tab" else value


def _request_path(text: str) -> str:
    """Check a request path, a template; raises ValueError for one that leads anywhere but below `base_url`."""
    template = placeholders.parse(text)
    literal = "".join(part.literal or "x" for part in template.parts)
    if not literal.startswith("/") or literal.startswith("//") or len(text) > MAX_LENGTH:
        raise BadValue("路径以一个 / 开头，在 base_url 之下", "a path begins with one / and stays below base_url")
    if _NOT_IN_PATH.search(literal) or _PERCENT.search(literal) or _control(unquote(literal)):
        raise BadValue(
            "路径中不能有空白、控制字符、\\、# 或不完整的 % 转义",
            "a path holds no blanks, control characters, \\ or #, and % only before two digits",
        )
    if any(segment in (".", "..") for segment in unquote(literal.partition("?")[0]).split("/")):
        raise BadValue("路径中不能有 . 或 .. 段", "a path has no segments . and ..")
    return text


def _headers(named: Mapping[str, str]) -> Mapping[str, str]:
    """Check headers by name and template; raises ValueError."""
    if len(named) > MAX_HEADERS or len({name.lower() for name in named}) < len(named):
        raise BadValue(f"至多 {MAX_HEADERS} 个名称各异的请求头", f"at most {MAX_HEADERS} headers, each name once")
    for name, text in named.items():
        _header_name(name)
        _header_value(text)
    return named


def _header_name(name: str) -> str:
    """Check a header's name; raises ValueError."""
    if not _TOKEN.fullmatch(name):
        raise BadValue(f"{name[:40]!r} 不能作为请求头的名称", f"{name[:40]!r} cannot be the name of a header")
    if name.lower() in CONNECTION_HEADERS | GATEWAY_HEADERS:
        raise BadValue(f"请求头 {name} 由网关自己填写", f"the gateway itself writes the header {name}")
    return name


def _header_value(text: str) -> str:
    """Check a template that goes into a header; raises ValueError."""
    placeholders.parse(text)
    if _control(text) or len(text) > MAX_LENGTH:
        raise BadValue("请求头中不能有换行和控制字符", "a header holds no line breaks or control characters")
    return text


def _action(text: str) -> str:
    """Check a SOAP action; raises ValueError."""
    if _control(text) or '"' in text or len(text) > MAX_LENGTH:
        raise BadValue(
            "action 中不能有引号、换行和控制字符", "an action holds no quotes, line breaks or control characters"
        )
    return text


def _control(text: str) -> bool:
    return any(ord(character) < 32 or ord(character) == 127 for character in text)


def _word(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "examples": list(examples)})


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=64)]
OperationName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([-.][a-z0-9]+)*$", max_length=64)]
SettingName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
FileName = Annotated[str, Field(pattern=r"^[^/\\]{1,100}$")]
Semantic = Annotated[str, Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$", max_length=64)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
NativePath = Annotated[str, AfterValidator(_path)]
ListPath = Annotated[str, AfterValidator(_list_path), WithJsonSchema({"type": "string", "pattern": r"\[\]$"})]
Scalar = Annotated[str, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    Field(le=timedelta(days=366)),
    _word(DURATION.pattern, "250ms", "10s", "10m", "72h"),
]
Rate = Annotated[float, BeforeValidator(_rate), _word(RATE.pattern, "50/s", "600/m")]
Size = Annotated[int, BeforeValidator(_size), _word(SIZE.pattern, "512KB", "2MB")]
Status = Annotated[
    str,
    BeforeValidator(_scalar),
    Field(pattern=r"^[1-5]([0-9]{2}|xx)$"),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["2xx", "4xx", "5xx"]},
                {"type": "string", "pattern": "^[1-5]([0-9]{2}|xx)$"},
                {"type": "integer", "minimum": 100, "maximum": 599},
            ]
        }
    ),
]
Charset = Annotated[
    str,
    BeforeValidator(_charset),
    WithJsonSchema({"anyOf": [{"enum": list(FAMILY)}, {"type": "string"}]}),
]
Delimiter = Annotated[
    Literal[",", ";", "\t"], BeforeValidator(_delimiter), WithJsonSchema({"enum": [",", ";", "\t", "tab"]})
]
RequestPath = Annotated[str, AfterValidator(_request_path)]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(_header_value)]
Action = Annotated[str, AfterValidator(_action)]


class Model(BaseModel):
    """A part of the manifest: frozen, and an unknown key is an error. What a key means stands under it."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, use_attribute_docstrings=True)

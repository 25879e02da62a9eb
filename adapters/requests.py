"""Write HTTP requests from a bundle's templates: paths always escaped, headers always safe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from adapters import formats, placeholders
from adapters.base import OutboundRequest
from adapters.bundle.manifest import RequestPart
from adapters.formats.format import EncodedBody, Format
from adapters.placeholders import Template, Values
from schemas.findings import Finding, Rejected, Text

_URL_LITERAL = "/?&=:@!$'()*+,;~-._%#[]"
_HEADER_SAFE = "".join(map(chr, range(32, 127)))


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request's method, path and headers, compiled. `query` holds the `name=value` pairs of the path."""

    method: str
    path: Template
    query: tuple[tuple[str, Template], ...]
    headers: tuple[tuple[str, Template], ...]

    def write(self, values: Values, wire: EncodedBody | None) -> OutboundRequest:
        """Fill in the values; raises `Rejected` (`placeholder.missing`) when the path lacks one."""
        path = _filled(self.path, values)
        pairs = [f"{name}={_filled(value, values)}" for name, value in self.query]
        return self._request(path, pairs, values, wire)

    def write_known(
        self, values: Values, wire: EncodedBody | None, parameters: frozenset[str]
    ) -> OutboundRequest | None:
        """Like `write`, leaving out the pairs whose parameter was not given; None when no pair is left."""
        if any(values.get(name) in (None, "") for name in self.path.names):
            return None
        given = [(name, value) for name, value in self.query if _known(value, values)]
        asked = any(value.names & parameters for _, value in self.query)
        if asked and not any(value.names & parameters for _, value in given):
            return None
        pairs = [f"{name}={_filled(value, values)}" for name, value in given]
        return self._request(_filled(self.path, values), pairs, values, wire)

    def _request(self, path: str, pairs: list[str], values: Values, wire: EncodedBody | None) -> OutboundRequest:
        headers = {name: _header(value, values) for name, value in self.headers}
        if wire is not None:
            headers = {"Content-Type": wire.content_type, **headers}
        whole = f"{path}?{'&'.join(pairs)}" if pairs else path
        return OutboundRequest(self.method, whole, headers, wire.body if wire is not None else b"")


def compile_request(part: RequestPart, declared: Format) -> RequestLine:
    """Compile a request, with the header that names its action where the format has one."""
    path, _, query = part.path.partition("?")
    headers = [(name, placeholders.parse(text)) for name, text in part.headers.items()]
    if action_header := formats.of(declared).action_header:
        headers.append((action_header, Template("", (placeholders.Part(literal=f'"{part.action or ""}"'),))))
    pairs = tuple(_pair(text) for text in query.split("&") if text)
    return RequestLine(part.method, placeholders.parse(path), pairs, tuple(headers))


def _pair(text: str) -> tuple[str, Template]:
    name, _, value = text.partition("=")
    return quote(name, safe=_URL_LITERAL), placeholders.parse(value)


def _known(template: Template, values: Values) -> bool:
    return all(values.get(name) not in (None, "") for name in template.names)


def _filled(template: Template, values: Values) -> str:
    return "".join(_url_part(part, values) for part in template.parts)


def _url_part(part: placeholders.Part, values: Values) -> str:
    if part.literal:
        return quote(part.literal, safe=_URL_LITERAL)
    text = part.value(values)
    if text is None or text in (".", ".."):
        raise _missing(part.name)
    return quote(text, safe="")


def _header(template: Template, values: Values) -> str:
    return template.render(values, lambda text: quote(text, safe=_HEADER_SAFE))


def _missing(name: str) -> Rejected:
    text = Text(
        f"请求路径需要 {name}，但该消息没有可用的值；请补充后重新发送",
        f"the request path needs {name}, which this message does not have; complete it and send it again",
    )
    return Rejected("placeholder.missing", text, [Finding("placeholder.missing", text, field=name)])


def merged(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of a platform over their declared defaults."""
    return {**defaults, **{name: value for name, value in given.items() if value is not None}}

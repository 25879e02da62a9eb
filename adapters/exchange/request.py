"""Write HTTP requests from a bundle's templates: paths escaped, headers safe, the body in its envelope."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from adapters import formats, placeholders
from adapters.base import OutboundRequest, Tree
from adapters.bundle.grammar import RequestPart
from adapters.formats.format import EncodedBody, Format
from adapters.paths import EACH, Path, Step
from adapters.placeholders import RECORD, RECORD_TEXT, Template, TemplatePart, Values, compile_tree
from schemas.findings import Finding, Rejected, Text

_URL_LITERAL = "/?&=:@!$'()*+,;~-._%#[]"
_HEADER_SAFE = "".join(map(chr, range(32, 127)))


class RequestLine(Struct, frozen=True):
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
        headers.append((action_header, Template("", (TemplatePart(literal=f'"{part.action or ""}"'),))))
    pairs = tuple(_pair(text) for text in query.split("&") if text)
    return RequestLine(part.method, _in_url(path), pairs, tuple(headers))


def compile_envelope(envelope: Tree, as_record_text: Callable[[Tree], str]) -> Callable[[Values, Tree], Tree]:
    """Compile an envelope to a function of the values and the record; None wraps nothing."""
    if envelope is None:
        return lambda values, record: record
    build = compile_tree(envelope)

    def wrap(values: Values, record: Tree) -> Tree:
        text = as_record_text(record) if _uses(envelope, RECORD_TEXT) else ""
        return build({**values, RECORD: record, RECORD_TEXT: text})

    return wrap


def record_path(envelope: Tree) -> Path | None:
    """Tell where the record stands as a tree; None when it is embedded as text."""
    if envelope is None:
        return Path(())
    return next((Path(steps) for steps, value in _leaves(envelope, ()) if value == f"{{{RECORD}}}"), None)


def body_writer(body: Tree, wire: Format) -> Callable[[Values], EncodedBody | None]:
    """Compile a constant body with placeholders; None writes none."""
    if body is None:
        return lambda values: None
    build = compile_tree(body)
    return lambda values: formats.write(wire, build(values))


def merged(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of a platform over their declared defaults."""
    return {**defaults, **{name: value for name, value in given.items() if value is not None}}


def _pair(text: str) -> tuple[str, Template]:
    name, _, value = text.partition("=")
    return quote(name, safe=_URL_LITERAL), _in_url(value)


def _in_url(text: str) -> Template:
    """Parse what stands in a URL, its literal parts written as they are there."""
    parsed = placeholders.parse(text)
    return Template(text, tuple(map(_written, parsed.parts)))


def _written(part: TemplatePart) -> TemplatePart:
    return TemplatePart(quote(part.literal, safe=_URL_LITERAL), part.name, part.form)


def _known(template: Template, values: Values) -> bool:
    return all(values.get(name) not in (None, "") for name in template.names)


def _filled(template: Template, values: Values) -> str:
    return "".join(_url_part(part, values) for part in template.parts)


def _url_part(part: TemplatePart, values: Values) -> str:
    if part.literal:
        return part.literal
    text = part.value(values)
    # `quote` leaves dots as they are, so these two would lead to another path.
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


def _leaves(node: Tree, steps: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Tree]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _leaves(value, (*steps, name))
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value, (*steps, EACH))
    else:
        yield steps, node


def _uses(envelope: Tree, name: str) -> bool:
    return any(isinstance(value, str) and f"{{{name}}}" in value for _, value in _leaves(envelope, ()))

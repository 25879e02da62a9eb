"""The requests that a platform receives: a bundle's request templates as patterns that match them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from adapters import placeholders
from adapters.base import Tree
from adapters.bundle import Manifest
from adapters.bundle.grammar import RequestPart
from adapters.formats.format import as_text

_URL_LITERAL = "/?&=:@!$'()*+,;~-._%#[]"


class Use(StrEnum):
    """What a call is for."""

    SEND = "send"
    ASK = "ask"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """A request as a platform receives it. Header names are lower case; `path` is still escaped."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RequestPattern:
    """One request template of a bundle, to be matched. `name` is the message type, or the query's name."""

    use: Use
    name: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str]
    body: Tree = None
    action: str | None = None

    def fits(self, call: ReceivedCall) -> bool:
        """Tell whether a call may have been written by this template."""
        if self.method != call.method or not self.path.fullmatch(call.path):
            return False
        said = call.headers.get("soapaction", "").strip('"')
        return not self.action or not said or said == self.action

    def values(self, call: ReceivedCall, tree: Tree) -> Mapping[str, str]:
        """Give what the call says for each placeholder of the template."""
        matched = self.path.fullmatch(call.path)
        found = {_name(group): unquote(text) for group, text in (matched.groupdict() if matched else {}).items()}
        given = dict(parse_qsl(call.query, keep_blank_values=True))
        found.update({name: given[key] for key, name in self.query.items() if key in given})
        found.update(_said(self.body, tree))
        return found


def request_patterns(manifest: Manifest) -> Iterator[RequestPattern]:
    """Give a pattern for every request that the bundle sends."""
    for name, send in manifest.sends.items():
        yield _pattern_of(Use.SEND, name, send.request, None)
        if send.in_doubt is not None:
            yield _pattern_of(Use.ASK, name, send.in_doubt.request, send.in_doubt.body)
    for query_name, query in manifest.queries.items():
        yield _pattern_of(Use.QUERY, query_name, query.request, query.body)


def _pattern_of(use: Use, name: str, request: RequestPart, body: Tree) -> RequestPattern:
    path, _, query = request.path.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    asked = {key: placeholders.parse(value).alone for key, _, value in pairs}
    return RequestPattern(
        use=use,
        name=name,
        method=request.method,
        path=re.compile(_pattern(path)),
        query={key: placeholder for key, placeholder in asked.items() if placeholder},
        body=body,
        action=request.action,
    )


def _pattern(path: str) -> str:
    seen: list[str] = []
    return "".join(_piece(part, seen) for part in placeholders.parse(path).parts)


def _piece(part: placeholders.TemplatePart, seen: list[str]) -> str:
    if part.literal:
        return re.escape(quote(part.literal, safe=_URL_LITERAL))
    if part.name in seen:
        return "[^/]+"
    seen.append(part.name)
    return f"(?P<{_group(part.name)}>[^/]+)"


def _group(name: str) -> str:
    return f"p_{name.replace('.', '__')}"


def _name(group: str) -> str:
    return group.removeprefix("p_").replace("__", ".")


def _said(template: Any, tree: Tree) -> Iterator[tuple[str, str]]:
    """Traverse a body's template and a body together; give placeholder and value of each leaf."""
    if isinstance(template, Mapping) and isinstance(tree, Mapping):
        for name, inner in template.items():
            yield from _said(inner, tree.get(name))
    elif isinstance(template, list) and isinstance(tree, list):
        for inner, value in zip(template, tree, strict=False):
            yield from _said(inner, value)
    elif isinstance(template, str) and tree is not None and not isinstance(tree, dict | list):
        name = placeholders.parse(template).alone
        if name:
            yield name, as_text(tree)

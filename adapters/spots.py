"""Where something stands in a JSON or XML file: line and column, counted from 1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from lxml import etree

Spot = tuple[int, int]
TOP: Spot = (1, 1)

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.S)
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\(.)")
_SAID = re.compile(r"at line (\d{1,9}) column (\d{1,9})")


def spot(said: str) -> Spot:
    """Read the place that a parser names in its message."""
    found = _SAID.search(said)
    return (int(found[1]), int(found[2])) if found else TOP


def xml_line(error: Exception) -> int:
    """Give the line that an XML parser or schema compiler complains about."""
    if isinstance(error, SyntaxError):
        return error.lineno or 1
    log: Any = getattr(error, "error_log", None)
    return (log.last_error.line if log is not None and log.last_error is not None else 0) or 1


def json_spot(content: bytes, keys: Sequence[str | int]) -> Spot:
    """Find the value under `keys` in JSON text, or the nearest thing around it that is there."""
    text = content.decode("utf-8", "replace")
    best, at = 0, 0
    for position, path in _places(text):
        depth = _shared(path, keys)
        if depth == len(path) and depth > best:
            best, at = depth, position
        if best == len(keys):
            break
    return _line_and_column(text, at)


def xml_spot(content: bytes, names: Sequence[str | int]) -> Spot:
    """Find the element under `names` (prefixes ignored), seen from the root or from anything below it."""
    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError:
        return TOP
    wanted: list[str | int] = [_local(name) if isinstance(name, str) else name for name in names if name != "#text"]
    found = next((one for start in root.iter() if (one := _down(start, wanted)) is not None), root)
    line: Any = found.sourceline
    return (line or 1, 1)


def _places(text: str) -> Iterator[tuple[int, tuple[str | int, ...]]]:
    """Walk JSON text and give where each value begins, with the keys that lead to it."""
    path: list[str | int] = []
    kinds: list[str] = []
    waiting, start = "", 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in ("}", "]"):
            if kinds:
                kinds.pop()
                path.pop()
        elif token == ",":
            if path and kinds and isinstance(path[-1], int):
                path[-1] += 1
        elif token == ":":
            if path:
                path[-1] = _unquoted(waiting)
                yield start, tuple(path)
        else:
            if kinds and kinds[-1] == "[":
                yield match.start(), tuple(path)
            waiting, start = token, match.start()
            if token in ("{", "["):
                kinds.append(token)
                path.append(0 if token == "[" else "")


def _unquoted(token: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else {"n": "\n", "t": "\t"}.get(m[2], m[2]), token[1:-1])


def _shared(path: tuple[str | int, ...], keys: Sequence[str | int]) -> int:
    apart = (depth for depth, (one, other) in enumerate(zip(path, keys, strict=False)) if one != other)
    return next(apart, min(len(path), len(keys)))


def _line_and_column(text: str, at: int) -> Spot:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _down(start: Any, names: Sequence[str | int]) -> Any:
    """Follow names from an element; a number picks among the siblings of the last name."""
    node = start
    for name in names:
        if isinstance(name, int):
            same = [one for one in node.getparent() if one.tag == node.tag] if node.getparent() is not None else [node]
            node = same[name] if name < len(same) else None
        elif name.startswith("@"):
            return node
        else:
            node = next((one for one in node if isinstance(one.tag, str) and _local(one.tag) == name), None)
        if node is None:
            return None
    return node


def _local(name: str) -> str:
    return name if name.startswith("@") else re.split(r"[}:]", name)[-1]

"""JSON bodies: duplicate keys and NaN refused, numbers exact, nesting bounded."""

from __future__ import annotations

import codecs
import re
from decimal import Decimal
from typing import Any

import jiter
import orjson

from adapters.base import Tree
from adapters.formats import charsets, rejections
from adapters.formats.format import MAX_DEPTH, Body, BodyFormat, EncodedBody, Format, Order

_HUGE_EXPONENT = re.compile(rb"[0-9][eE][+-]?[0-9]{3}")
_MAX_EXPONENT = 400
_INT64 = 1 << 63


def read(declared: Format, body: bytes, content_type: str | None) -> Body:
    """Parse a JSON object or array."""
    charset = charsets.agree(declared.charset, content_type)
    tree = parse(body if charset == "utf-8" and _is_utf8(body) else charsets.decode(body, charset).encode("utf-8"))
    if not isinstance(tree, dict | list):
        raise rejections.reject("body.shape", "请求体应为 JSON 对象或数组", "the body must be a JSON object or array")
    return Body(tree)


def _is_utf8(body: bytes) -> bool:
    """Whether the bytes can be parsed as they are: no byte-order mark, and no second copy of a long body."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not body.startswith(codecs.BOM_UTF8)


def parse(text: bytes) -> Tree:
    """Parse UTF-8 JSON of any kind; raises `Rejected`."""
    try:
        tree = jiter.from_json(text, allow_inf_nan=False, catch_duplicate_keys=True, float_mode="decimal")
    except ValueError as error:
        raise _told(str(error)) from None
    # Counting brackets is cheap, and bounds the depth from above: only a text with many is walked.
    if text.count(b"{") + text.count(b"[") > MAX_DEPTH:
        _bound_depth(tree)
    if _HUGE_EXPONENT.search(text):
        _bound_numbers(tree)
    return tree


def _told(detail: str) -> Exception:
    if "duplicate key" in detail:
        return rejections.reject("json.duplicate-key", f"重复的键：{detail}", f"a key is written twice: {detail}")
    if "recursion limit" in detail:
        return rejections.too_deep(MAX_DEPTH)
    return rejections.syntax("json", detail)


def _bound_depth(tree: Tree) -> None:
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node) if isinstance(child, dict | list)]
        if not level:
            return
    raise rejections.too_deep(MAX_DEPTH)


def _bound_numbers(tree: Tree) -> None:
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, Decimal) and node and abs(node.adjusted()) > _MAX_EXPONENT:
            raise rejections.reject("json.number", "数值超出范围", "a number is out of range")
        todo.extend(_children(node))


def _children(node: Any) -> Any:
    return node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def write(declared: Format, tree: Tree, order: Order | None = None) -> EncodedBody:
    """Write a tree; decimals keep their digits."""
    content_type = "application/json"
    body = dump(tree)
    if declared.charset != "utf-8":
        body = charsets.encode(body.decode("utf-8"), declared.charset)
        content_type += f"; charset={declared.charset.upper()}"
    return EncodedBody(content_type, body)


def dump(tree: Tree) -> bytes:
    """Write a tree as compact UTF-8 JSON, in the order of its keys."""
    # orjson refuses integers beyond 64 bits; only then is the tree copied with them as raw fragments.
    try:
        return orjson.dumps(tree, default=_number)
    except orjson.JSONEncodeError as error:
        if "64-bit" not in str(error):
            raise rejections.syntax("json", str(error)) from None
        return orjson.dumps(_with_large_integers(tree), default=_number)


def _number(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f"))
    raise TypeError(type(value).__name__)


def _with_large_integers(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return {key: _with_large_integers(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_with_large_integers(value) for value in tree]
    large = isinstance(tree, int) and not -_INT64 <= tree < _INT64
    return orjson.Fragment(str(tree)) if large else tree


def escape(text: str) -> str:
    """Write a text as the inside of a JSON string."""
    return dump(text).decode("utf-8")[1:-1]


def recognise(name: str, content: bytes) -> Format | None:
    """Tell by the first character: an object or a list."""
    begins = content.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[")
    return Format("json", charsets.guess(content)) if begins else None


BODY_FORMAT = BodyFormat(
    name="json",
    read=read,
    write=write,
    media_type="application/json",
    suffixes=("json",),
    recognise=recognise,
    read_answers_as="json",
    escape=escape,
)

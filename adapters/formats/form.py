"""Form bodies (application/x-www-form-urlencoded): flat text fields, a repeated one as a list."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote_plus

from adapters.base import Tree
from adapters.formats import charsets, rejections
from adapters.formats.format import Body, BodyFormat, EncodedBody, Format, Order, as_text
from schemas.budget import STANDARD, Budget
from schemas.measure import measure

_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})++")  # possessive: else it remembers a way back for each escape


def read(declared: Format, body: bytes, content_type: str | None, budget: Budget = STANDARD) -> Body:
    """Parse the fields of a form."""
    charset = charsets.agree(declared.charset, content_type)
    pairs = body.strip().split(b"&", budget.names)
    if len(pairs) > budget.names:
        raise budget.exceeded("names", f"field {budget.names + 1}")
    tree: dict[str, Any] = {}
    for pair in filter(None, pairs):
        name, _, value = pair.partition(b"=")
        _add(tree, _decode(name, charset), _decode(value, charset))
    measure(tree, budget)
    return Body(tree)


def _decode(raw: bytes, charset: str) -> str:
    # The library's own function makes an object of fifty bytes for each escape of three.
    return charsets.decode(_ESCAPES.sub(_unescaped, raw.replace(b"+", b" ")), charset)


def _unescaped(found: re.Match[bytes]) -> bytes:
    # Chinese is all escapes: a whole run of them is read at once.
    return bytes.fromhex(found[0].decode("ascii").replace("%", ""))


def _add(tree: dict[str, Any], name: str, value: str) -> None:
    if name not in tree:
        tree[name] = value
    elif isinstance(tree[name], list):
        tree[name].append(value)
    else:
        tree[name] = [tree[name], value]


def write(declared: Format, tree: Tree, order: Order | None = None) -> EncodedBody:
    """Write flat fields; a list becomes a repeated field, nothing is left out."""
    if not isinstance(tree, dict):
        raise rejections.reject("form.nested", "表单只能写出字段", "a form holds fields only", status=422)
    text = "&".join(
        f"{_quote(name, declared.charset)}={_quote(_leaf(name, item), declared.charset)}"
        for name, value in tree.items()
        if value is not None
        for item in (value if isinstance(value, list) else [value])
    )
    content_type = f"application/x-www-form-urlencoded; charset={declared.charset.upper()}"
    return EncodedBody(content_type, text.encode("ascii"))


def _leaf(name: str, value: Any) -> str:
    if isinstance(value, dict | list):
        raise rejections.reject(
            "form.nested",
            f"表单字段 {name} 不能嵌套；请在 envelope 中使用 {{record_text}}",
            f"form field {name} cannot be nested; use {{record_text}} in the envelope",
            status=422,
            path=name,
        )
    return as_text(value)


def _quote(text: str, charset: str) -> str:
    return quote_plus(charsets.encode(text, charset))


BODY_FORMAT = BodyFormat(
    name="form",
    read=read,
    write=write,
    media_type="application/x-www-form-urlencoded",
    suffixes=("form",),
    answered_in="json",
    answer_type="text/plain",
)

"""Documents and bodies as they may be shown: personal values hidden by their field, their name, and their shape."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Set
from typing import Any

import orjson

from schemas.documents.checking import compiled
from schemas.documents.masking import mask
from schemas.documents.personal import without
from schemas.identifiers.folding import half_width, visible
from schemas.identifiers.person import is_citizen_id, mask_in_text

HIDDEN = "***"
"""What stands for a text that cannot be looked through: packed or written in another alphabet."""

_CITIZEN = re.compile(r"(?<![0-9A-Za-z])\d{6}[ -]?\d{8}[ -]?\d{3}[\dXx](?![0-9A-Za-z])")
_MISTYPED = re.compile(r"(?<![0-9A-Za-z])\d(?:[ -]?\d){13,}[\dXx](?![0-9A-Za-z])")
_PHONE = re.compile(
    r"(?<![0-9A-Za-z.])(?:\+?86[ -]?)?(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|0\d{2,3}[ -]\d{7,8})(?![0-9A-Za-z.])"
)
_CERTIFICATE = re.compile(
    r"(?:护照|通行证|居住证|居留证|军官证|士兵证|驾驶证|驾照|passport)(?:号码?|编号)?\s{0,2}[:：]?\s{0,2}"
    r"(?P<number>[0-9A-Za-z]{6,20})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_PACKED = re.compile(r"[A-Za-z0-9+/_=-]{200,}")
_DEEPEST = 64


def masked_text(text: str) -> str:
    """Hide what in a text has the shape of a citizen id, a phone number, or a certificate's number beside its name."""
    text = visible(text)
    found = half_width(text)
    for match in reversed(list(_CITIZEN.finditer(found))):
        if is_citizen_id(re.sub("[ -]", "", match[0])):
            text = _hidden(text, *match.span())
    for pattern, group in ((_PHONE, 0), (_CERTIFICATE, "number")):
        for match in reversed(list(pattern.finditer(half_width(text)))):
            text = _hidden(text, *match.span(group))
    return mask_in_text(text)


def masked_fault(text: str) -> str:
    """Hide the same in what tells of a fault, and every long number: a citizen id that was mistyped is still one."""
    text = masked_text(text)
    for match in reversed(list(_MISTYPED.finditer(half_width(text)))):
        text = _hidden(text, *match.span())
    return text


def masked_document(name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a copy of a canonical document in which personal fields are hidden, and elsewhere what looks personal."""
    leaves = compiled(name).leaves

    def shown(value: Any, path: str) -> Any:
        if isinstance(value, Mapping):
            return {key: shown(one, f"{path}.{key}" if path else key) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [shown(one, f"{path}[]") for one in value]
        field = leaves.get(path)
        if field is not None and field.personal and value is not None:
            return mask(str(value))
        return _masked_leaf(value)

    return {key: shown(one, key) for key, one in document.items()}


def masked_json(body: bytes, names: Set[str], values: Set[str]) -> bytes | None:
    """Give a JSON body in which fields of these names, these values, and what looks personal are hidden.

    None for what is no JSON, or too deep: such bytes are shown whole or not at all.
    """
    tree = _parsed(body)
    if tree is None:
        return None
    try:
        return json.dumps(_masked_tree(tree, names, values, 0), ensure_ascii=False).encode()
    except (RecursionError, UnicodeEncodeError):
        return None


def masked_reply(text: str, names: Set[str], values: Set[str]) -> str:
    """Hide what is personal in what a platform said, whatever its format is; all of it where letters are escaped."""
    tree = masked_json(text.encode("utf-8", "replace"), names, values)
    if tree is not None:
        return tree.decode()
    if "\\u" in text or "&#" in text or "%" in text:
        return HIDDEN
    return masked_text(without(text, values))


def _parsed(body: bytes) -> Any:
    if body.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _masked_tree(value: Any, names: Set[str], values: Set[str], depth: int) -> Any:
    if depth > _DEEPEST:
        return HIDDEN
    if isinstance(value, dict):
        return {_masked_words(key, values): _masked_field(key, one, names, values, depth) for key, one in value.items()}
    if isinstance(value, list):
        return [_masked_tree(one, names, values, depth + 1) for one in value]
    if isinstance(value, str):
        return _masked_string(value, names, values, depth)
    masked = _masked_leaf(value)
    return mask(str(value)) if masked == value and str(value) in values else masked


def _masked_field(name: str, value: Any, names: Set[str], values: Set[str], depth: int) -> Any:
    return _all_hidden(value) if name in names else _masked_tree(value, names, values, depth + 1)


def _masked_string(text: str, names: Set[str], values: Set[str], depth: int) -> str:
    """Hide what is personal in a text; a document inside of it is looked through, or hidden whole."""
    inner = _parsed(text.encode("utf-8", "replace"))
    if inner is not None:
        return json.dumps(_masked_tree(inner, names, values, depth + 1), ensure_ascii=False)
    if text.lstrip().startswith("<") or _PACKED.search(text):
        return HIDDEN
    return _masked_words(text, values)


def _masked_words(text: str, values: Set[str]) -> str:
    return masked_text(without(text, values))


def _masked_leaf(value: Any) -> Any:
    """Hide a leaf that looks personal; a number, too, may be somebody's."""
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        written = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        masked = masked_text(written)
        return value if masked == written else masked
    return value


def _all_hidden(value: Any) -> Any:
    """Hide every leaf of a value."""
    if isinstance(value, dict):
        return {key: _all_hidden(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_all_hidden(one) for one in value]
    return value if value is None else mask(str(value))


def _hidden(text: str, start: int, end: int) -> str:
    return text[:start] + mask(text[start:end]) + text[end:]

"""A platform's JSON Schema, compiled by jsonschema-rs; it never fetches anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from adapters.formats import json
from adapters.formats.format import Body
from adapters.native.costs import refuse_costly_json
from adapters.native.findings import CODE, MAX_FINDINGS, Location, broken, written
from adapters.native.json_shape import JsonShape
from adapters.native.shape import Shape
from adapters.spots import json_spot, spot
from schemas.findings import Finding, Rejected, Text

_BOUNDED: Any = jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000, size_limit=1_000_000)
"""Regular expressions run in linear time; those that look around, within a bound: a pattern cannot run away."""


class JsonSchema:
    """A compiled JSON Schema of a whole body."""

    def __init__(self, content: bytes, file: str) -> None:
        try:
            parsed = json.parse(content)
            refuse_costly_json(parsed, file)
            text = content.decode("utf-8-sig")
            self._validator = jsonschema_rs.validator_for(
                text, offline=True, pattern_options=_BOUNDED, validate_formats=True
            )
        except Rejected as error:
            raise broken(file, error.detail, *spot(error.detail.en)) from None
        except jsonschema_rs.ValidationError as error:
            reason = error.message.partition("\n")[0]
            at = json_spot(content, tuple(error.instance_path)) if error.instance_path else _mentioned(content, reason)
            raise broken(file, Text(reason, reason), *at) from None
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            reason = str(error).partition("\n")[0]
            raise broken(file, Text(reason, reason), *_mentioned(content, reason)) from None
        self.shape: Shape = JsonShape(parsed, parsed if isinstance(parsed, Mapping) else {})

    def faults(self, body: Body) -> Iterator[tuple[Location, Finding]]:
        for count, error in enumerate(self._validator.iter_errors(body.tree)):
            if count >= MAX_FINDINGS:
                return
            where = tuple(error.instance_path)
            yield where, Finding(CODE, _text(error), path=written((*where, *_lacking(error))))


_QUOTED = re.compile(r"'([^']{3,200})'")


def _mentioned(content: bytes, reason: str) -> tuple[int, int]:
    """Find what a compiler names and does not place, as the target of a reference."""
    match = _QUOTED.search(reason)
    at = content.find(match[1].encode("utf-8")) if match else -1
    return (content.count(b"\n", 0, at) + 1, at - content.rfind(b"\n", 0, at)) if at >= 0 else (1, 1)


_SAID: Mapping[str, str] = {
    "required": "缺少 {property}",
    "type": "类型应为 {types}",
    "additionalProperties": "不应有 {unexpected}",
    "enum": "不在允许的取值之中",
    "const": "不是规定的值",
    "pattern": "不符合格式 {pattern}",
    "maxLength": "超过 {limit} 个字符",
    "minLength": "不足 {limit} 个字符",
    "maximum": "大于 {limit}",
    "minimum": "小于 {limit}",
    "maxItems": "超过 {limit} 项",
    "minItems": "不足 {limit} 项",
    "multipleOf": "不是 {multiple_of} 的倍数",
    "format": "不是合格的 {format}",
}


def _lacking(error: jsonschema_rs.ValidationError) -> tuple[str, ...]:
    """What is required and missing is told by where it should stand."""
    kind: Any = error.kind
    return (kind.property,) if kind.name == "required" else ()


def _text(error: jsonschema_rs.ValidationError) -> Text:
    kind: Any = error.kind
    said = {
        key: "、".join(map(str, value)) if isinstance(value, list) else value for key, value in kind.as_dict().items()
    }
    try:
        told = _SAID[kind.name].format(**said)
    except KeyError:
        told = f"不符合平台模式（{kind.name}）"
    return Text(f"{told}；请按平台模式改正", f"{_without_value(error)}; correct it as the platform's schema says")


def _without_value(error: jsonschema_rs.ValidationError) -> str:
    """The library's own sentence quotes the value, which may be personal; ours does not."""
    kind = error.kind.name
    if kind in ("required", "additionalProperties"):
        return error.message
    return f"does not satisfy {kind}"

"""A platform's JSON Schema, compiled by jsonschema-rs; it never fetches anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from adapters.formats import json
from adapters.formats.values import Body
from adapters.native.findings import CODE, MAX_FINDINGS, Location, broken, written
from adapters.native.json_shape import JsonShape
from adapters.native.shape import Shape
from schemas.findings import Finding, Rejected, Text

_LINEAR: Any = jsonschema_rs.RegexOptions()
"""Regular expressions without backtracking: a stranger's pattern cannot run away."""


class JsonSchema:
    """A compiled JSON Schema of a whole body."""

    def __init__(self, content: bytes, file: str) -> None:
        try:
            parsed = json.parse(content)
            text = content.decode("utf-8-sig")
            self._validator = jsonschema_rs.validator_for(
                text, offline=True, pattern_options=_LINEAR, validate_formats=True
            )
        except Rejected as error:
            raise broken(file, error.detail) from None
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            reason = str(error).partition("\n")[0]
            raise broken(file, Text(reason, reason)) from None
        self.shape: Shape = JsonShape(parsed, parsed if isinstance(parsed, Mapping) else {})

    def faults(self, body: Body) -> Iterator[tuple[Location, Finding]]:
        for count, error in enumerate(self._validator.iter_errors(body.tree)):
            if count >= MAX_FINDINGS:
                return
            where = tuple(error.instance_path)
            yield where, Finding(CODE, _json_text(error), path=written(where))


def _json_text(error: jsonschema_rs.ValidationError) -> Text:
    kind: Any = error.kind
    said = kind.as_dict()
    zh = {
        "required": lambda: f"缺少 {said['property']}",
        "type": lambda: f"类型应为 {'、'.join(said['types'])}",
        "additionalProperties": lambda: f"不应有 {'、'.join(said['unexpected'])}",
        "enum": lambda: "不在允许的取值之中",
        "const": lambda: "不是规定的值",
        "pattern": lambda: f"不符合格式 {said['pattern']}",
        "maxLength": lambda: f"超过 {said['limit']} 个字符",
        "minLength": lambda: f"不足 {said['limit']} 个字符",
        "maximum": lambda: f"大于 {said['limit']}",
        "minimum": lambda: f"小于 {said['limit']}",
        "maxItems": lambda: f"超过 {said['limit']} 项",
        "minItems": lambda: f"不足 {said['limit']} 项",
        "multipleOf": lambda: f"不是 {said['multiple_of']} 的倍数",
        "format": lambda: f"不是合格的 {said['format']}",
    }.get(kind.name)
    try:
        told = zh() if zh is not None else f"不符合平台模式（{kind.name}）"
    except KeyError:
        told = f"不符合平台模式（{kind.name}）"
    return Text(f"{told}；请按平台模式改正", f"{_without_value(error)}; correct it as the platform's schema says")


def _without_value(error: jsonschema_rs.ValidationError) -> str:
    """The library's own sentence quotes the value, which may be personal; ours does not."""
    kind = error.kind.name
    if kind in ("required", "additionalProperties"):
        return error.message
    return f"does not satisfy {kind}"

"""Tell what is wrong with a manifest where it was written, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from adapters.source import BundleFinding, Key, Source
from schemas.findings import Text

_CHECK = Text("请对照适配包语法改正该项", "correct it as the bundle grammar says")


def told(error: ValidationError, source: Source) -> Iterator[BundleFinding]:
    """Give one finding an error, at the line of the value it is about."""
    for detail in error.errors(include_url=False):
        yield _finding(detail, source)


def _finding(detail: ErrorDetails, source: Source) -> BundleFinding:
    keys = _keys(source.value, detail["loc"])
    name = ".".join(map(str, keys)) or source.name
    kind = detail["type"]
    context: dict[str, Any] = detail.get("ctx") or {}
    if kind == "extra_forbidden":
        return source.finding(
            "manifest.unknown-key",
            Text(f"不认识的键 {name}", f"unknown key {name}"),
            Text("请检查拼写，或删去该键", "check the spelling, or remove it"),
            *keys,
        )
    if kind == "missing":
        wanted = detail["loc"][-1]
        return source.finding(
            "manifest.missing",
            Text(f"缺少 {wanted}", f"{wanted} is missing"),
            Text(f"请在此处填写 {wanted}", f"write {wanted} here"),
            *keys,
        )
    if kind == "literal_error":
        expected = context.get("expected", "")
        return source.finding(
            "manifest.value",
            Text(f"{name} 只能是 {expected}", f"{name} must be {expected}"),
            Text("请改为其中之一", "use one of these"),
            *keys,
        )
    return source.finding("manifest.value", _about(name, detail, context), _CHECK, *keys)


def _about(name: str, detail: ErrorDetails, context: dict[str, Any]) -> Text:
    cause = context.get("error")
    said = getattr(cause, "message", None)
    if isinstance(said, Text):
        return Text(f"{name}：{said.zh}", f"{name}: {said.en}")
    reason = str(cause) if cause is not None else detail["msg"]
    return Text(f"{name} 的值不合要求：{reason}", f"{name} does not fit: {reason}")


def _keys(value: Any, location: tuple[int | str, ...]) -> tuple[Key, ...]:
    """Keep the parts of a location that are keys of the file, and not names of alternatives."""
    keys: list[Key] = []
    for part in location:
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            continue
        keys.append(part)
    return tuple(keys)

"""Can version N+1 still read N? A pure rule over two JSON Schemas.

Everything that is valid under the old schema must be valid under the new one. What cannot be shown
to hold (another pattern) is a finding too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from schemas.findings import Finding, Text

Schema = Mapping[str, Any]
_UPPER = ("maxLength", "maxItems", "maximum")
_LOWER = {"minLength": 0, "minItems": 0, "minimum": -inf}
"""Lower limits, and what holds where a schema names none."""


def breaks(old: Schema, new: Schema) -> tuple[Finding, ...]:
    """Return why documents of `old` would not all be read under `new`; empty when they would."""
    return tuple(_compare(_Node(old, old), _Node(new, new), ""))


@dataclass(frozen=True, slots=True)
class _Node:
    """A place in a schema, and the whole it belongs to, where its references lead."""

    schema: Schema
    root: Schema

    def resolved(self) -> _Node:
        node = self.schema
        while "$ref" in node:
            target: Any = self.root
            for step in str(node["$ref"]).removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return _Node(node, self.root)

    def arms(self) -> tuple[list[tuple[str, _Node]], bool]:
        """Give the alternatives with their types, and whether null is one of them."""
        found = [(str(one.schema.get("type", "any")), one) for one in self._alternatives()]
        return [(kind, one) for kind, one in found if kind != "null"], any(kind == "null" for kind, _ in found)

    def _alternatives(self) -> Iterator[_Node]:
        node = self.resolved()
        if "anyOf" not in node.schema:
            yield node
        for one in node.schema.get("anyOf", ()):
            yield from _Node(one, self.root)._alternatives()


def _compare(old: _Node, new: _Node, path: str) -> Iterator[Finding]:
    (before, nullable), (after, still_nullable) = old.arms(), new.arms()
    anything = any(kind == "any" for kind, _ in after)
    if nullable and not still_nullable and not anything:
        yield _finding("null.refused", path, "不再接受空值", "null is no longer accepted")
    for kind, arm in before:
        tried = [tuple(_narrowed(arm, other, path)) for other_kind, other in after if other_kind == kind]
        if tried:
            # One alternative that takes all of it is enough; else the one that comes nearest says why not.
            yield from min(tried, key=len)
        elif not anything:
            zh, en = f"类型 {kind} 不再接受", f"type {kind} is no longer accepted"
            yield _finding("type.narrowed", path, zh, en)


def _narrowed(old: _Node, new: _Node, path: str) -> Iterator[Finding]:
    yield from _fields(old, new, path)
    yield from _values(old.schema, new.schema, path)
    yield from _limits(old.schema, new.schema, path)
    if "items" in old.schema and "items" in new.schema:
        yield from _compare(_Node(old.schema["items"], old.root), _Node(new.schema["items"], new.root), f"{path}[]")


def _fields(old: _Node, new: _Node, path: str) -> Iterator[Finding]:
    before, after = old.schema.get("properties", {}), new.schema.get("properties", {})
    for name in before:
        here = f"{path}.{name}" if path else name
        if name in after:
            yield from _compare(_Node(before[name], old.root), _Node(after[name], new.root), here)
        elif new.schema.get("additionalProperties") is False:
            yield _finding("field.removed", here, "字段被删除", "the field was removed")
    for name in new.schema.get("required", ()):
        if name not in old.schema.get("required", ()):
            here = f"{path}.{name}" if path else name
            yield _finding("field.required", here, "字段成为必填", "the field became required")
    if old.schema.get("additionalProperties") is not False and new.schema.get("additionalProperties") is False:
        yield _finding("fields.closed", path, "不再接受未声明的字段", "undeclared fields are no longer accepted")


def _values(old: Schema, new: Schema, path: str) -> Iterator[Finding]:
    allowed = new.get("enum")
    if allowed is None:
        return
    gone = [value for value in old.get("enum", ()) if value not in allowed]
    if gone or "enum" not in old:
        which = ", ".join(map(str, gone)) or "*"
        yield _finding("enum.narrowed", path, f"取值不再接受：{which}", f"values no longer accepted: {which}")


def _limits(old: Schema, new: Schema, path: str) -> Iterator[Finding]:
    for words in ("pattern", "format"):
        if new.get(words) is not None and new[words] != old.get(words):
            yield _finding(f"{words}.changed", path, f"{words} 已改变", f"the {words} changed")
    lowered = [limit for limit in _UPPER if limit in new and not (limit in old and old[limit] <= new[limit])]
    raised = [limit for limit, unnamed in _LOWER.items() if limit in new and new[limit] > old.get(limit, unnamed)]
    for limit in (*lowered, *raised):
        yield _finding("limit.narrowed", path, f"{limit} 收紧", f"{limit} was tightened")


def _finding(code: str, path: str, zh: str, en: str) -> Finding:
    advice = Text(f"{zh}；请改为新版本文档。", f"{en}: publish it as a new document version instead.")
    return Finding(f"evolution.{code}", advice, field=path)

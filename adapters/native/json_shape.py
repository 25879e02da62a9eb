"""Places described by JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.native.shape import Shape

_MAX_REFERENCES = 32


class JsonShape:
    """A place described by JSON Schema; local references, allOf, anyOf and oneOf are looked through."""

    def __init__(self, schema: Any, whole: Mapping[str, Any]) -> None:
        self._whole = whole
        self._parts = list(self._reach(schema, _MAX_REFERENCES))
        self._properties: dict[str, list[Any]] = {}
        for part in self._parts:
            for name, below in part.get("properties", {}).items():
                self._properties.setdefault(name, []).append(below)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._properties)

    @property
    def required(self) -> frozenset[str]:
        return frozenset(name for part in self._parts if part.get("$sure") for name in part.get("required", ()))

    @property
    def open(self) -> bool:
        closed = ("additionalProperties", "unevaluatedProperties")
        leaf = any(part.get("type") in ("string", "number", "integer", "boolean") for part in self._parts)
        return not leaf and not any(part.get(key) is False for part in self._parts for key in closed)

    def child(self, name: str) -> Shape | None:
        found = self._properties.get(name)
        return JsonShape({"allOf": found}, self._whole) if found else None

    def _reach(self, schema: Any, left: int, *, sure: bool = True) -> Iterator[Mapping[str, Any]]:
        """Give the schemas that describe this place; `$sure` marks those that always apply."""
        if not isinstance(schema, Mapping) or left <= 0:
            return
        yield {**schema, "$sure": sure}
        if isinstance(schema.get("$ref"), str):
            yield from self._reach(self._resolve(schema["$ref"]), left - 1, sure=sure)
        for below in schema.get("allOf", ()):
            yield from self._reach(below, left - 1, sure=sure)
        for key in ("anyOf", "oneOf"):
            for below in schema.get(key, ()):
                yield from self._reach(below, left - 1, sure=False)
        if "items" in schema:
            yield from self._reach(schema["items"], left - 1, sure=sure)

    def _resolve(self, reference: str) -> Any:
        found: Any = self._whole
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

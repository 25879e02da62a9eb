"""Places described by JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.native.costs import resolved
from adapters.native.shape import Shape

_FURTHER = ("additionalProperties", "unevaluatedProperties", "patternProperties")
_LEAVES = ("string", "number", "integer", "boolean")


class JsonShape:
    """A place described by JSON Schema; local references, allOf, anyOf and oneOf are looked through."""

    def __init__(self, schema: Any, whole: Mapping[str, Any]) -> None:
        self._whole = whole
        self._parts = list(self._reach(schema))
        self._properties: dict[str, list[Any]] = {}
        for part in self._parts:
            properties = part.get("properties")
            for name, below in properties.items() if isinstance(properties, Mapping) else ():
                self._properties.setdefault(name, []).append(below)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._properties)

    @property
    def required(self) -> frozenset[str]:
        return frozenset(name for part in self._parts if part["$sure"] for name in _listed(part.get("required")))

    @property
    def values(self) -> tuple[Any, ...]:
        for part in self._parts:
            if part["$sure"] and "const" in part:
                return (part["const"],)
            if part["$sure"] and isinstance(part.get("enum"), list):
                return tuple(part["enum"])
        return ()

    @property
    def open(self) -> bool:
        """Names that are not listed are welcome where the schema says so, and where it lists none."""
        said = [part[key] for part in self._parts for key in _FURTHER if key in part]
        if said:
            return any(one is not False for one in said)
        leaf = any(part.get("type") in _LEAVES or "enum" in part or "const" in part for part in self._parts)
        return not leaf and not self._properties

    def child(self, name: str) -> Shape | None:
        found = self._properties.get(name)
        return JsonShape({"allOf": found}, self._whole) if found else None

    def _reach(self, schema: Any, *, sure: bool = True) -> Iterator[Mapping[str, Any]]:
        """Give the schemas that describe this place, each once; `$sure` marks those that always apply."""
        left = [(schema, sure)]
        seen: set[tuple[int, bool]] = set()
        while left:
            part, always = left.pop(0)
            if isinstance(part, Mapping) and (id(part), always) not in seen:
                seen.add((id(part), always))
                yield {**part, "$sure": always}
                left.extend(self._same_place(part, always))

    def _same_place(self, schema: Mapping[str, Any], sure: bool) -> Iterator[tuple[Any, bool]]:
        if isinstance(schema.get("$ref"), str):
            yield resolved(schema["$ref"], self._whole), sure
        yield from ((below, sure) for below in _listed(schema.get("allOf")))
        for key in ("anyOf", "oneOf"):
            yield from ((below, False) for below in _listed(schema.get(key)))
        yield from ((schema[key], False) for key in ("then", "else") if key in schema)
        yield from ((below, sure) for below in (schema.get("items"), *_listed(schema.get("prefixItems"))))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

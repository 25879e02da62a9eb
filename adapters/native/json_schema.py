"""A platform's JSON Schema, compiled by jsonschema-rs, which never fetches anything; and the shape it describes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from adapters.base import Tree
from adapters.formats import json
from adapters.formats.format import Body
from adapters.native.costs import bounded_looks, refuse_costly_json, resolved
from adapters.native.findings import CODE, Location, broken, written
from adapters.native.reading import without_blanks
from adapters.native.shape import Shape
from adapters.native.wording import of_json
from adapters.spots import json_spot, spot
from schemas.budget import FINDINGS, STANDARD, more
from schemas.findings import Finding, Rejected, Text
from schemas.measure import count
from schemas.windows import Window, shifted, singles, windows

_BOUNDED: Any = jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000, size_limit=1_000_000)
"""Regular expressions run in linear time; those that look around, within a bound, on short texts (`bounded_looks`)."""

_SCHEMA = STANDARD.raised({"items": 100_000, "names": 4_000})
"""A schema is a file of a bundle, bounded there in bytes; lists of codes may be long."""


class JsonSchema:
    """A compiled JSON Schema of a whole body."""

    def __init__(self, content: bytes, file: str) -> None:
        try:
            parsed = json.parse(content, _SCHEMA)
            refuse_costly_json(parsed, file)
            bounded = bounded_looks(parsed, file)
            given = content.decode("utf-8-sig") if bounded is parsed else json.dump(bounded).decode("utf-8")
            self._validator = jsonschema_rs.validator_for(
                given, offline=True, pattern_options=_BOUNDED, validate_formats=True
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

        self._most = max(_FEWEST, min(_MOST, _MOST * _CHOICES // max(1, _widest(parsed))))

    def faults(self, body: Body) -> Iterator[tuple[Location, Finding]]:
        """Give what is wrong, in the order of the records; no more is ever made than is given."""
        # The plain question costs nothing beside the faults themselves, which are made all at once. What is
        # well as it was sent needs no copy of it as the reader sees it.
        if self._validator.is_valid(body.tree):
            return
        tree = without_blanks(body.tree, self._describes_text)
        if tree is not body.tree and self._validator.is_valid(tree):
            return
        found = self._small(tree) if count(tree) <= self._most else self._large(tree)
        last: Location = ()
        for number, (where, finding) in enumerate(found):
            if number >= FINDINGS:
                yield last, more()
                return
            last = where
            yield where, finding

    def alone(self, body: Body, place: tuple[str, ...]) -> Iterator[bool]:
        """Tell of each record whether it is valid alone, in the body with its other lists cut short."""
        for tree in singles(body.tree, place):
            read = without_blanks(tree, self._describes_text)
            yield self._validator.is_valid(tree) or (read is not tree and self._validator.is_valid(read))

    def _describes_text(self, place: tuple[str, ...]) -> bool:
        """Whether the schema sees an element at this place: its text beside its attributes."""
        shape: Shape | None = self.shape
        for name in place:
            shape = shape.child(name) if shape is not None else None
        return shape is not None and ("#text" in shape.names or any(name.startswith("@") for name in shape.names))

    def _small(self, tree: Tree) -> Iterator[tuple[Location, Finding]]:
        for where, error in self._errors(tree):
            yield where, Finding(CODE, of_json(error), path=written((*where, *_lacking(error))))

    def _errors(self, tree: Tree) -> list[tuple[Location, Any]]:
        errors = [(tuple(error.instance_path), error) for error in self._validator.iter_errors(tree)]
        return sorted(errors, key=lambda one: _first_index(one[0]))

    def _large(self, tree: Tree) -> Iterator[tuple[Location, Finding]]:
        """Ask window by window; what lies outside the moving list is told once."""
        told: set[tuple[Location, str]] = set()
        for window in windows(tree, self._most):
            if self._validator.is_valid(window.tree):
                continue
            for where, finding in self._through(window, tree):
                key = (where, finding.message.en)
                if key not in told:
                    told.add(key)
                    yield where, finding
        if not told:
            yield (), Finding(CODE, _SOMEWHERE)

    def _through(self, window: Window, whole: Tree) -> Iterator[tuple[Location, Finding]]:
        if window.nodes > 2 * self._most:
            place: Location = (*window.place, window.start)
            yield place, Finding(CODE, _SOMEWHERE, path=written(place))
            return
        for path, error in self._errors(window.tree):
            where = shifted(path, window)
            # A list that the window shows in part has as many items as the body's, not as the window's.
            length = len(_at(whole, where)) if error.kind.name in _OF_LISTS else None
            if length is None or length == len(error.instance) or error.kind.name == "maxItems":
                yield where, Finding(CODE, of_json(error, length), path=written((*where, *_lacking(error))))


_CHOICES = 8
_MOST = 1500
_FEWEST = 25
"""A fault takes about a kilobyte for each alternative of a choice: what is asked at once stays within megabytes."""

_SOMEWHERE = Text(
    "此处不符合平台模式；内容过多，不能逐项列出，请按平台模式核对",
    "it does not satisfy the platform's schema; there is too much of it to tell each place: compare it with the schema",
)


def _widest(schema: Any) -> int:
    """Count the alternatives of the widest choice in a schema."""
    widest, left = 1, [schema]
    while left:
        node = left.pop()
        if isinstance(node, Mapping):
            widest = max(widest, *(len(_listed(node.get(word))) for word in ("oneOf", "anyOf")))
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)
    return widest


_OF_LISTS = frozenset({"minItems", "maxItems", "contains"})
"""What a schema asks of a list as a whole."""


def _at(tree: Tree, where: Location) -> Any:
    for step in where:
        tree = tree[step]
    return tree


def _first_index(path: Location) -> int:
    return next((step for step in path if isinstance(step, int)), -1)


_QUOTED = re.compile(r"'([^']{3,200})'")


def _mentioned(content: bytes, reason: str) -> tuple[int, int]:
    """Find what a compiler names and does not place, as the target of a reference."""
    match = _QUOTED.search(reason)
    at = content.find(match[1].encode("utf-8")) if match else -1
    return (content.count(b"\n", 0, at) + 1, at - content.rfind(b"\n", 0, at)) if at >= 0 else (1, 1)


def _lacking(error: jsonschema_rs.ValidationError) -> tuple[str, ...]:
    """What is required and missing is told by where it should stand."""
    kind: Any = error.kind
    return (kind.property,) if kind.name == "required" else ()


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

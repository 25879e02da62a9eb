"""JSON Schemas of adapter.yaml and mapping files, made of the grammar itself, so that editors can help."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from adapters.bundle.grammar import Manifest
from adapters.mapping import REGISTRY
from adapters.mapping.converters import Kind
from adapters.mapping.syntax import CONDITION, MEANINGS, ONLY, PURPOSES, SHAPES, TOP, UNKNOWN
from schemas import documents
from schemas.catalog import TYPES
from schemas.documents import Field
from schemas.findings import Text

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"
_DRAFT = "http://json-schema.org/draft-07/schema#"

_IN_NAMES = str.maketrans({"/": "-", "[": None, "]": None})

Schema = dict[str, Any]


def files() -> Mapping[Path, str]:
    """Give the content of every schema file."""
    made = {"adapter": adapter_schema(), "mapping": mapping_schema()}
    return {
        FOLDER / f"{name}.schema.json": json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
        for name, schema in made.items()
    }


class _AsWritten(GenerateJsonSchema):
    """Tell defaults as a bundle writes them."""

    def encode_default(self, dft: Any) -> Any:
        return duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def duration(length: timedelta) -> str:
    """Write a duration as a bundle does: `72h`."""
    seconds = int(length.total_seconds())
    unit, size = next((unit, size) for unit, size in (("h", 3600), ("m", 60), ("s", 1)) if seconds % size == 0)
    return f"{seconds // size}{unit}"


def adapter_schema() -> Schema:
    """Give the schema of adapter.yaml."""
    made = _plain(Manifest.model_json_schema(schema_generator=_AsWritten))
    made["properties"]["sends"]["propertyNames"] = {"enum": list(TYPES)}
    made["$defs"]["Receive"]["properties"]["type"]["enum"] = list(TYPES)
    return {"$schema": _DRAFT, "title": "adapter.yaml", **made}


def _plain(node: Any) -> Any:
    """Leave out what an editor does not need: names of classes, empty defaults, and null for a key left out."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _plain(value) for key, value in node.items() if not _is_noise(key, value)}
    choices = [one for one in kept.pop("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept


def _is_noise(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value in (None, {}, []))


def mapping_schema() -> Schema:
    """Give the schema of a mapping file: the fields it may name follow from the document it names."""
    scopes: Schema = {}
    chosen = [_chosen(name, scopes) for name in documents.NAMES]
    properties = {
        "document": {"enum": list(documents.NAMES)},
        "fields": {"type": "object", "minProperties": 1},
        "constants": {"type": "object"},
        "ignored": _ref("paths"),
        "unknown": {"enum": list(UNKNOWN), "default": UNKNOWN[0]},
    }
    return {
        "$schema": _DRAFT,
        "title": "mappings/*.yaml",
        **_object({key: properties[key] for key in TOP}, "document", "fields"),
        "allOf": chosen,
        "definitions": {**_definitions(), **scopes},
    }


def _chosen(name: str, scopes: Schema) -> Schema:
    there = {"properties": {"document": {"const": name}}, "required": ["document"]}
    return {"if": there, "then": {"properties": {"fields": _scope(name, "", scopes)}}}


def _scope(document: str, prefix: str, scopes: Schema) -> Schema:
    """Define what may stand in `fields` of a document, or of one of its lists; give the reference to it."""
    key = f"{document}.{prefix}".translate(_IN_NAMES).rstrip(".")
    scopes[key] = {}
    properties = {
        name: {**_node(document, field, f"{prefix}{name}[].", scopes), "description": _told(field)}
        for name, field in _fields(document, prefix)
    }
    scopes[key] = {
        "type": "object",
        "minProperties": 1,
        "properties": properties,
        "patternProperties": {r"^[a-z_.]+(\s*,\s*[a-z_.]+)+$": _ref("one")},
        "additionalProperties": False,
    }
    return _ref(key)


def _fields(document: str, prefix: str) -> Iterator[tuple[str, Field]]:
    """Give what a scope may name: leaves, objects, lists of objects."""
    for path, field in [*documents.fields(document).items(), *documents.objects(document).items()]:
        name = path.removeprefix(prefix).removesuffix("[]")
        if path.startswith(prefix) and name and "[]" not in name:
            yield name, field


def _node(document: str, field: Field, below: str, scopes: Schema) -> Schema:
    if field.type != "object" or not field.repeated:
        return _ref("one")
    rows = _entry("each") | {"required": ["each", "fields"]}
    rows["properties"] = {**rows["properties"], "fields": _scope(document, below, scopes)}
    return {"anyOf": [rows, _ref("columns"), _ref("at")]}


def _told(field: Field) -> str:
    return f"{field.title} · {field.type}{' · required' if field.mandatory else ''}\n{field.description}".strip()


def _definitions() -> Schema:
    path = {"type": "string", "minLength": 1, "maxLength": 200}
    return {
        "path": path,
        "list": {**path, "pattern": r"\[\]$"},
        "paths": {"anyOf": [_ref("path"), {"type": "array", "items": _ref("path")}]},
        "named": {"type": "object", "minProperties": 1, "additionalProperties": _ref("path")},
        "scalar": {"type": ["string", "number", "boolean", "null"]},
        "scalars": {"type": "array", "minItems": 1, "items": _ref("scalar")},
        "when": _object(
            {
                "at": _ref("path"),
                "is": _ref("scalar"),
                "in": _ref("scalars"),
                "present": {"type": "boolean"},
            },
            CONDITION[0],
        ),
        "converter": _converter(),
        "converters": {
            "anyOf": [_ref("converter"), {"type": "array", "minItems": 1, "maxItems": 8, "items": _ref("converter")}]
        },
        **{shape: _entry(shape) for shape in SHAPES},
        "one": {"anyOf": [_ref("path"), _ref("at"), _ref("split"), _ref("parts")]},
    }


def _entry(shape: str) -> Schema:
    """Define an entry of `fields` of one shape."""
    keys: Schema = {
        "at": _ref("paths"),
        "as": _ref("converters"),
        "none": {"anyOf": [_ref("scalar"), _ref("scalars")]},
        "default": {},
        "also": _ref("paths"),
        "only": {"enum": list(ONLY)},
        "when": _ref("when"),
        "else": {"type": "object", "minProperties": 1},
        "lossy": {"type": "string", "minLength": 1},
        "each": _ref("list"),
        "fields": {"type": "object"},
        "split": _ref("named" if shape == "columns" else "paths"),
        "on": {"type": "string", "minLength": 1},
        "parts": _ref("named"),
    }
    required = {"at": (), "split": ("split", "on"), "columns": ("split", "on"), "parts": ("parts",), "each": ("each",)}
    made = _object({key: keys[key] for key in SHAPES[shape]}, *required[shape])
    return {**made, "description": _both(PURPOSES[shape])}


def _converter() -> Schema:
    alone = [name for name, kind in REGISTRY.items() if kind.takes is None or kind.optional]
    given = {name: _argument(kind) for name, kind in REGISTRY.items() if kind.takes is not None}
    return {
        "anyOf": [
            {"enum": alone},
            {
                "type": "object",
                "properties": given,
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    }


def _argument(kind: Kind) -> Schema:
    takes = f"{kind.takes.en} {kind.takes.zh}" if kind.takes else ""
    examples = [json.loads(json.dumps(one.argument)) for one in kind.examples if one.argument is not None]
    return {"description": f"{_both(kind.title)}\n{takes}", "examples": examples}


def _object(properties: Schema, *required: str) -> Schema:
    described = {
        key: {**schema, "description": _both(MEANINGS[key])} if key in MEANINGS else schema
        for key, schema in properties.items()
    }
    made: Schema = {"type": "object", "properties": described, "additionalProperties": False}
    return {**made, "required": list(required)} if required else made


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _both(text: Text) -> str:
    return f"{text.en}\n{text.zh}"

"""Can version N+1 still read N?"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from schemas.documents import NAMES
from schemas.evolution import breaks
from schemas.publish import json_schema

OLD: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 10},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "count": {"type": "integer"},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "$defs": {"Part": {"type": "object", "properties": {"size": {"type": "string"}}}},
}


def changed(*path: str, to: Any = None) -> dict[str, Any]:
    """Give the old schema with the value at a path changed, or gone."""
    schema = deepcopy(OLD)
    node = schema
    for step in path[:-1]:
        node = node[step]
    if to is None:
        del node[path[-1]]
    else:
        node[path[-1]] = to
    return schema


@pytest.mark.parametrize("name", NAMES)
def test_every_document_reads_itself(name: str) -> None:
    """Nothing changed, nothing breaks."""
    assert breaks(json_schema(name), json_schema(name)) == ()


@pytest.mark.parametrize(
    ("new", "code", "field"),
    [
        (changed("properties", "kind"), "evolution.field.removed", "kind"),
        (changed("required", to=["name", "kind"]), "evolution.field.required", "kind"),
        (changed("properties", "kind", "enum", to=["a"]), "evolution.enum.narrowed", "kind"),
        (changed("properties", "name", "enum", to=["a"]), "evolution.enum.narrowed", "name"),
        (changed("properties", "name", "type", to="integer"), "evolution.type.narrowed", "name"),
        (changed("properties", "name", "maxLength", to=5), "evolution.limit.narrowed", "name"),
        (changed("properties", "name", "minLength", to=1), "evolution.limit.narrowed", "name"),
        (changed("properties", "count", "minimum", to=-5), "evolution.limit.narrowed", "count"),
        (changed("properties", "name", "pattern", to="x"), "evolution.pattern.changed", "name"),
        (changed("properties", "note", to={"type": "string"}), "evolution.null.refused", "note"),
        (
            changed("$defs", "Part", "properties", "size", "type", to="boolean"),
            "evolution.type.narrowed",
            "parts[].size",
        ),
        (changed("$defs", "Part", "additionalProperties", to=False), "evolution.fields.closed", "parts[]"),
    ],
)
def test_what_old_documents_would_fail_is_found(new: dict[str, Any], code: str, field: str) -> None:
    """Removed, newly required, narrowed: each is one finding at its field."""
    assert [(finding.code, finding.field) for finding in breaks(OLD, new)] == [(code, field)]


@pytest.mark.parametrize(
    "new",
    [
        changed("required", to=[]),
        changed("properties", "kind", "enum", to=["a", "b", "c"]),
        changed("properties", "kind", "enum"),
        changed("properties", "name", "maxLength"),
        changed("properties", "extra", to={"type": "string"}),
        changed("properties", "name", to={}),
        changed("additionalProperties"),
    ],
)
def test_what_only_widens_is_fine(new: dict[str, Any]) -> None:
    """Old documents stay valid."""
    assert breaks(OLD, new) == ()

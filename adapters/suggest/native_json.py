"""Infer a JSON Schema from samples: types, what is always there, plausible formats; open to columns not yet seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from adapters.base import Tree
from adapters.paths import EACH, MAX_STEPS, Step
from adapters.suggest import shapes

MAX_NAMES = 2000
MAX_TEXTS = 200
ENUM_SEEN, ENUM_VALUES, ENUM_LENGTH = 12, 6, 12
PATTERNS: Mapping[str, str] = {
    "%Y-%m-%d": r"^(\d{4}-\d{2}-\d{2})?$",
    "%Y%m%d": r"^(\d{8})?$",
    "%Y/%m/%d": r"^(\d{4}/\d{1,2}/\d{1,2})?$",
    "%Y-%m-%d %H:%M:%S": r"^(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})?$",
    "%Y%m%d%H%M%S": r"^(\d{14})?$",
}

Titles = Mapping[tuple[Step, ...], str]


@dataclass(slots=True)
class _Observed:
    """What samples showed at one place."""

    kinds: dict[str, int] = field(default_factory=dict)
    names: dict[str, _Observed] = field(default_factory=dict)
    items: _Observed | None = None
    seen: int = 0
    texts: dict[str, int] = field(default_factory=dict)


def schema(bodies: Sequence[Tree], title: str, titles: Titles) -> bytes:
    """Write the schema of whole bodies; `titles` are the Chinese names of leaves, by their steps."""
    place = look(bodies)
    written = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **_written(place, (), titles),
    }
    return orjson.dumps(written, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def look(bodies: Sequence[Tree]) -> _Observed:
    """Look at bodies; at most 2,000 places, 16 levels deep."""
    place = _Observed()
    left = [MAX_NAMES]
    for body in bodies:
        _look(place, body, left, MAX_STEPS)
    return place


def _look(place: _Observed, tree: Tree, left: list[int], depth: int) -> None:
    place.seen += 1
    kind = _kind(tree)
    place.kinds[kind] = place.kinds.get(kind, 0) + 1
    if isinstance(tree, str) and tree and len(place.texts) < MAX_TEXTS:
        place.texts[tree] = place.texts.get(tree, 0) + 1
    if depth <= 0:
        return
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name not in place.names:
                if left[0] <= 0:
                    continue
                left[0] -= 1
                place.names[name] = _Observed()
            _look(place.names[name], value, left, depth - 1)
    elif isinstance(tree, list):
        place.items = place.items or _Observed()
        for value in tree:
            _look(place.items, value, left, depth - 1)


def _kind(tree: Tree) -> str:
    if tree is None:
        return "null"
    if isinstance(tree, bool):
        return "boolean"
    if isinstance(tree, int):
        return "integer"
    if isinstance(tree, Decimal | float):
        return "number"
    return "string" if isinstance(tree, str) else "object" if isinstance(tree, dict) else "array"


def _written(place: _Observed, steps: tuple[Step, ...], titles: Titles) -> dict[str, Any]:
    kinds = sorted(kind for kind in place.kinds if kind != "integer" or "number" not in place.kinds)
    written: dict[str, Any] = {"title": titles[steps]} if steps in titles else {}
    if kinds:
        written["type"] = kinds[0] if len(kinds) == 1 else kinds
    if "object" in place.kinds:
        written["properties"] = {name: _written(below, (*steps, name), titles) for name, below in place.names.items()}
        always = [name for name, below in place.names.items() if below.seen >= place.kinds["object"]]
        written.update({"required": always} if always else {})
    if place.items is not None:
        written["items"] = _written(place.items, (*steps, EACH), titles)
    return {**written, **_narrowed(place)}


def _narrowed(place: _Observed) -> dict[str, Any]:
    """A pattern where every text is a date; an enumeration only of few, short and often repeated values."""
    if set(place.kinds) != {"string"} or not place.texts:
        return {}
    patterns = shapes.dates(tuple(place.texts))
    if len(patterns) == 1 and patterns[0] in PATTERNS:
        return {"pattern": PATTERNS[patterns[0]]}
    few = len(place.texts) <= ENUM_VALUES and all(len(text) <= ENUM_LENGTH for text in place.texts)
    often = place.seen >= ENUM_SEEN and all(count >= 2 for count in place.texts.values())
    return {"enum": sorted(place.texts)} if few and often and sum(place.texts.values()) == place.seen else {}

"""Which documents ever reach a kind of platform, by the routes that come with the product."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import schemas
from adapters import source
from adapters.base import Document
from schemas.catalog import TYPES

_ROUTES = Path(schemas.__file__).parent / "routes.yaml"


def reaches(kind: str, message_type: str, document: Document) -> bool:
    """Tell whether a document of this type could be routed to this kind; a kind without a route takes all."""
    wanted = _conditions().get((message_type, kind))
    if not wanted:
        return True
    keys = TYPES[message_type].keys(document)
    return any(keys.get(name) for name in wanted)


@cache
def kinds() -> frozenset[str]:
    """Give the kinds of platform there are."""
    return frozenset(_routes()["kinds"])


@cache
def _routes() -> Mapping[str, Any]:
    found: Mapping[str, Any] = source.load(_ROUTES.read_bytes(), _ROUTES.name).value
    return found


@cache
def _conditions() -> Mapping[tuple[str, str], tuple[str, ...]]:
    routes: Any = _routes()["routes"]
    return {
        (message_type, target["kind"]): tuple(target.get("when", ()))
        for message_type, route in routes.items()
        for target in route["to"]
        if isinstance(target, dict) and "kind" in target
    }

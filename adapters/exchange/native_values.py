"""The values of a native body that a finding may show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adapters.base import Lineage, Tree
from adapters.native import Location
from schemas import documents
from schemas.documents import generic
from schemas.documents.masking import shown


class NativeValues:
    """What stands at a place, masked unless a mapping reads it into fields that are not personal.

    A place that nobody maps may hold anything, a person's number too. `above` is the path of the
    records in the body, where the mapping starts inside a record.
    """

    def __init__(self, document: str, lineage: Iterable[Lineage], above: str = "") -> None:
        self._personal: dict[str, bool] = {}
        self._identity: set[str] = set()
        known = documents.fields(document)
        for one in lineage:
            field = known.get(one.field) or known.get(f"{one.field}[]")
            personal = field is None or field.personal
            for path in one.paths:
                self._personal[path] = self._personal.get(path, False) or personal
            if field is not None and field.identity:
                self._identity.update(one.paths)
        self._above = tuple(f"{start}." for start in (above, above.removesuffix("[]")) if start)

    def at(self, tree: Tree, where: Location, path: str) -> Any:
        """Give the value at a location of a tree as a finding may carry it; None when there is no single one."""
        plain = generic(path)
        inside = (plain.removeprefix(start) for start in self._above)
        place = next((one for one in (plain, *inside) if one in self._personal), None)
        personal = place is None or self._personal[place]
        return shown(_value(tree, where), personal=personal, identity=place in self._identity)


def _value(tree: Tree, where: Location) -> Any:
    for step in where:
        if isinstance(step, int):
            tree = tree[step] if isinstance(tree, list) and step < len(tree) else None
        else:
            tree = tree.get(step) if isinstance(tree, dict) else None
    return tree.get("#text") if isinstance(tree, dict) else tree

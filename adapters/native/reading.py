"""What the reader makes of a body, for the schema to judge: it may not refuse what the reader does not mind.

Only the copy that is judged is changed; what is translated is what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from lxml import etree

from adapters.base import Tree
from adapters.formats.names import XSI, Names

_NIL = f"{{{XSI}}}nil"
_TYPE = f"{{{XSI}}}type"
_TEXT = "#text"


class ElementNames:
    """What an XML Schema declares under each local name: full names, attributes, and whether it may be nil."""

    def __init__(self) -> None:
        self.full: dict[str, set[str]] = {}
        self.attributes: dict[str, set[str]] = {}
        self.takes_any: set[str] = set()
        self.nillable: set[str] = set()
        self.types: set[str] = set()


def as_read(element: Any, declared: ElementNames, names: Names) -> Any:
    """Give a copy of an element as the reader sees it.

    A namespace that the bundle does not declare counts for nothing, nor do white space around a value
    and attributes that the schema does not know; `xsi:nil` is absence.
    """
    made = deepcopy(element)
    made.tail = None
    gone = []
    for node in made.iter(etree.Element):
        node.tag = _tag(node.tag, declared, names)
        _drop_attributes(node, declared)
        if len(node) == 0:
            # Assigned even when it is the same: a comment that was removed leaves two texts side by side.
            node.text = (node.text or "").strip() or None
        if _is_nil(node) and node is not made and etree.QName(node).localname not in declared.nillable:
            gone.append(node)
    for node in gone:
        node.getparent().remove(node)
    return made


def _tag(tag: str, declared: ElementNames, names: Names) -> str:
    """Give the name that the schema declares for what the reader takes it for."""
    short = names.short(tag)
    known = declared.full.get(short, set())
    if ":" in short or tag in known or len(known) > 1:
        return tag
    return next(iter(known)) if known else short


def _drop_attributes(node: Any, declared: ElementNames) -> None:
    if not node.attrib:
        return
    local = etree.QName(node).localname
    for key in list(node.attrib):
        if not _keeps_attribute(node, key, local, declared):
            del node.attrib[key]


def _keeps_attribute(node: Any, key: str, local: str, declared: ElementNames) -> bool:
    if key == _TYPE:
        return node.get(key).rpartition(":")[2] in declared.types
    if key == _NIL:
        return local in declared.nillable or _is_nil(node)
    # An element that the schema does not declare stands where it takes anything; hints of where a schema lies
    # mean nothing to a validator.
    known = declared.attributes.get(local)
    if known is None or local in declared.takes_any or key.startswith(f"{{{XSI}}}"):
        return True
    return etree.QName(key).localname in known


def _is_nil(node: Any) -> bool:
    return node.get(_NIL) in ("true", "1") and len(node) == 0 and not (node.text or "").strip()


def without_blanks(tree: Tree, keeps_text: Callable[[tuple[str, ...]], bool]) -> Tree:
    """Give a tree with white space around texts removed, and an element's text for one that only has attributes too.

    `keeps_text` tells whether the schema describes `#text` at a place (its names). What needs no
    change is given as it is.
    """
    return _Blanks(keeps_text).of(tree, ())


class _Blanks:
    """One walk over a tree."""

    def __init__(self, keeps_text: Callable[[tuple[str, ...]], bool]) -> None:
        self._keeps_text = keeps_text
        self._known: dict[tuple[str, ...], bool] = {}

    def of(self, node: Tree, place: tuple[str, ...]) -> Tree:
        if isinstance(node, str):
            # A text of blanks alone stays: the schema may ask for any text at all.
            return node.strip() or node
        if isinstance(node, list):
            items = [self.of(item, place) for item in node]
            return node if all(one is other for one, other in zip(items, node, strict=True)) else items
        return self._object(node, place) if isinstance(node, dict) else node

    def _object(self, node: Mapping[str, Any], place: tuple[str, ...]) -> Tree:
        if _TEXT in node and all(name == _TEXT or name.startswith("@") for name in node) and not self._keeps(place):
            return self.of(node[_TEXT], place)
        made = {name: self.of(value, (*place, name)) for name, value in node.items()}
        return node if all(made[name] is value for name, value in node.items()) else made

    def _keeps(self, place: tuple[str, ...]) -> bool:
        if place not in self._known:
            self._known[place] = self._keeps_text(place)
        return self._known[place]

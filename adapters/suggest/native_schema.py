"""Infer the platform's own schema from samples, as JSON Schema or XML Schema; open to what was not yet seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
from lxml import etree

from adapters import formats
from adapters.base import Tree
from adapters.formats import xml
from adapters.formats.format import Format
from adapters.formats.names import Names
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


# ── JSON Schema: types, what is always there, plausible formats ──────────────────────────────────
@dataclass(slots=True)
class _Observed:
    """What samples showed at one place."""

    kinds: dict[str, int] = field(default_factory=dict)
    names: dict[str, _Observed] = field(default_factory=dict)
    items: _Observed | None = None
    seen: int = 0
    texts: dict[str, int] = field(default_factory=dict)


def json_schema(bodies: Sequence[Tree], title: str, titles: Titles) -> bytes:
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


# ── XML Schema: every element known by its name, in any order ────────────────────────────────────
XS = "http://www.w3.org/2001/XMLSchema"
MAX_ELEMENTS = 2000

_NAMES = Names({})


@dataclass(slots=True)
class _Element:
    texts: dict[str, None] = field(default_factory=dict)
    holds: bool = False
    blank: bool = False


def xml_schema(bodies: Sequence[bytes], declared: Format, title: str, titles: Mapping[str, str]) -> bytes | None:
    """Write the schema of whole documents; None for several namespaces, which one schema file cannot speak for.

    `titles` are Chinese names by element name. The order of elements is left free: senders differ in it.
    """
    roots = [_root(body, declared) for body in bodies]
    spaces = {etree.QName(node).namespace or "" for root in roots for node in root.iter()}
    if len(spaces) != 1:
        return None
    found = _elements(roots)
    made = etree.Element(f"{{{XS}}}schema", nsmap={"xs": XS})
    if space := spaces.pop():
        made.set("targetNamespace", space)
        made.set("elementFormDefault", "qualified")
    _documented(made, title)
    for name, element in found.items():
        _declared(made, name, element, titles.get(name, ""))
    etree.indent(made, "  ")
    text = etree.tostring(made, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def one_namespace(bodies: Sequence[bytes], declared: Format) -> bool:
    """Whether every element of every body is of one namespace, or of none."""
    return len({etree.QName(node).namespace for body in bodies for node in _root(body, declared).iter()}) == 1


def _root(body: bytes, declared: Format) -> etree._Element:
    root: etree._Element | None = formats.read(declared, body, limit=len(body)).element
    return xml.parse(declared, body, None) if root is None else root  # an envelope with nothing in it is its own root


def _elements(roots: Sequence[etree._Element]) -> Mapping[str, _Element]:
    found: dict[str, _Element] = {}
    for node in (node for root in roots for node in root.iter()):
        name = _NAMES.short(str(node.tag))
        if name not in found and len(found) >= MAX_ELEMENTS:
            continue
        element = found.setdefault(name, _Element())
        element.holds = element.holds or len(node) > 0 or bool(node.attrib)
        text = (node.text or "").strip()
        element.blank = element.blank or not text
        if text and len(element.texts) < MAX_TEXTS:
            element.texts[text] = None
    return found


def _declared(schema: etree._Element, name: str, element: _Element, title: str) -> None:
    made = etree.SubElement(schema, f"{{{XS}}}element", name=name)
    if title:
        _documented(made, title)
    if element.holds:
        _open(made)
        return
    simple = etree.SubElement(made, f"{{{XS}}}simpleType")
    restriction = etree.SubElement(simple, f"{{{XS}}}restriction", base="xs:string")
    patterns = shapes.dates(tuple(element.texts)) if element.texts else ()
    if len(patterns) == 1 and patterns[0] in PATTERNS:
        plain = PATTERNS[patterns[0]].strip("^$")
        etree.SubElement(restriction, f"{{{XS}}}pattern", value=plain.replace(r"\d", "[0-9]"))


def _open(made: etree._Element) -> None:
    kind = etree.SubElement(made, f"{{{XS}}}complexType", mixed="true")
    content = etree.SubElement(kind, f"{{{XS}}}sequence")
    etree.SubElement(content, f"{{{XS}}}any", minOccurs="0", maxOccurs="unbounded", processContents="lax")
    etree.SubElement(kind, f"{{{XS}}}anyAttribute", processContents="lax")


def _documented(made: etree._Element, text: str) -> None:
    note = etree.SubElement(made, f"{{{XS}}}annotation")
    etree.SubElement(note, f"{{{XS}}}documentation").text = text

"""Infer an XML Schema from samples: every element known by its name, in any order, open to elements not yet seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lxml import etree

from adapters import formats
from adapters.formats import xml
from adapters.formats.format import Format
from adapters.formats.names import Names
from adapters.suggest import shapes
from adapters.suggest.native_json import PATTERNS

XS = "http://www.w3.org/2001/XMLSchema"
MAX_ELEMENTS = 2000
MAX_TEXTS = 200
_NAMES = Names({})


@dataclass(slots=True)
class _Element:
    texts: dict[str, None] = field(default_factory=dict)
    holds: bool = False
    blank: bool = False


def schema(bodies: Sequence[bytes], declared: Format, title: str, titles: Mapping[str, str]) -> bytes | None:
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

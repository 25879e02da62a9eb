"""Places described by XML Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from adapters.formats.names import Names
from adapters.native.shape import Shape

XS = "http://www.w3.org/2001/XMLSchema"
_MAX_REFERENCES = 32


class XsdShape:
    """An element described by XML Schema: sequences, choices, groups, extensions and references."""

    def __init__(self, schema: XsdNames, declaration: Any) -> None:
        self._schema = schema
        self._declaration = declaration
        self._particles = list(schema.particles(schema.type_of(declaration)))
        self._by_name = {name: (node, sure) for name, node, sure in reversed(self._particles)}
        self._open = schema.takes_anything(declaration)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, _, _ in self._particles))

    @property
    def required(self) -> frozenset[str]:
        return frozenset(name for name, (_, sure) in self._by_name.items() if sure)

    @property
    def values(self) -> tuple[Any, ...]:
        return self._schema.values_of(self._declaration)

    @property
    def open(self) -> bool:
        return self._open

    def child(self, name: str) -> Shape | None:
        found = self._by_name.get(name)
        return XsdShape(self._schema, found[0]) if found is not None else None


class XsdNames:
    """The global names of one XSD, and what they hold."""

    def __init__(self, root: Any, names: Names) -> None:
        self._names = names
        self._target = root.get("targetNamespace")
        self._qualified = root.get("elementFormDefault") == "qualified"
        self._globals = {
            (etree.QName(node).localname, node.get("name")): node for node in root.iterchildren(f"{{{XS}}}*")
        }

    def element(self, name: str) -> Shape | None:
        """Give the shape of a global element by its name as paths write it."""
        for (kind, _), node in self._globals.items():
            if kind == "element" and self._written(node, top=True) == name:
                return XsdShape(self, node)
        return None

    def elements(self) -> tuple[str, ...]:
        """The global elements' names as paths write them."""
        return tuple(self._written(node, top=True) for (kind, _), node in self._globals.items() if kind == "element")

    def type_of(self, declaration: Any) -> Any:
        """Give the complex type of an element declaration, None for a simple one."""
        inline = declaration.find(f"{{{XS}}}complexType")
        if inline is not None or declaration.get("type") is None:
            return inline
        return self._globals.get(("complexType", _local(declaration.get("type"))))

    def values_of(self, declaration: Any) -> tuple[str, ...]:
        """Give the enumeration of an element or attribute of a simple type."""
        named = self._globals.get(("simpleType", _local(declaration.get("type") or "")))
        simple = declaration.find(f"{{{XS}}}simpleType") if named is None else named
        listed = () if simple is None else simple.iterfind(f"{{{XS}}}restriction/{{{XS}}}enumeration")
        return tuple(one.get("value") or "" for one in listed)

    def takes_anything(self, declaration: Any) -> bool:
        """Tell whether an element may hold what the schema does not list (xs:any)."""
        kind = self.type_of(declaration)
        return kind is not None and kind.find(f".//{{{XS}}}any") is not None

    def particles(
        self, node: Any, *, sure: bool = True, left: int = _MAX_REFERENCES
    ) -> Iterator[tuple[str, Any, bool]]:
        """Give (name, declaration, always there) for everything that may stand directly inside a type."""
        if node is None or left <= 0:
            return
        for part in node.iterchildren(f"{{{XS}}}*"):
            yield from self._particle(part, sure, left)

    def _particle(self, part: Any, sure: bool, left: int) -> Iterator[tuple[str, Any, bool]]:
        kind = etree.QName(part).localname
        if kind == "element":
            yield self._element(part, sure)
        elif kind == "attribute":
            yield f"@{_local(part.get('name') or part.get('ref'))}", part, sure and part.get("use") == "required"
        elif kind in ("sequence", "all", "complexContent", "simpleContent", "choice"):
            surely = sure and kind != "choice" and part.get("minOccurs") != "0"
            yield from self.particles(part, sure=surely, left=left - 1)
        elif kind in ("group", "attributeGroup"):
            referred = self._globals.get((kind, _local(part.get("ref") or "")))
            yield from self.particles(referred, sure=sure and part.get("minOccurs") != "0", left=left - 1)
        elif kind in ("extension", "restriction"):
            base = self._globals.get(("complexType", _local(part.get("base") or "")))
            yield from self.particles(base if kind == "extension" else None, sure=sure, left=left - 1)
            yield from self.particles(part, sure=sure, left=left - 1)

    def _element(self, part: Any, sure: bool) -> tuple[str, Any, bool]:
        surely = sure and part.get("minOccurs") != "0"
        if part.get("ref") is None:
            return self._written(part, top=False), part, surely
        referred = self._globals.get(("element", _local(part.get("ref"))), part)
        return self._written(referred, top=True), referred, surely

    def _written(self, node: Any, *, top: bool) -> str:
        name = node.get("name") or _local(node.get("ref") or "")
        qualified = top or node.get("form") == "qualified" or (self._qualified and node.get("form") is None)
        return self._names.short(f"{{{self._target}}}{name}" if self._target and qualified else name)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


class Inside:
    """The shape of what a body holds, when the body is one of several elements (SOAP)."""

    required: frozenset[str] = frozenset()
    values: tuple[Any, ...] = ()
    open = False

    def __init__(self, schema: XsdNames) -> None:
        self._schema = schema

    @property
    def names(self) -> tuple[str, ...]:
        return self._schema.elements()

    def child(self, name: str) -> Shape | None:
        return self._schema.element(name)

"""A platform's XML Schema, compiled by lxml, which never fetches anything; and the shape it describes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from threading import Lock
from typing import Any

from lxml import etree

from adapters import formats
from adapters.formats.format import Body, Format
from adapters.formats.names import Names
from adapters.native import streaming
from adapters.native.costs import refuse_costly_xsd, refuse_runaways
from adapters.native.findings import CODE, Location, broken, written
from adapters.native.reading import ElementNames, as_read
from adapters.native.shape import Shape
from adapters.native.wording import of_xsd
from adapters.spots import xml_line
from schemas.budget import FINDINGS, more
from schemas.findings import Finding, Rejected, Text

_EMPTY = Text("报文体是空的；请按平台模式填写", "the body is empty; fill it in as the schema says")


class Xsd:
    """A compiled XML Schema: of the root element, or of what stands inside a SOAP Body."""

    def __init__(self, content: bytes, file: str, declared: Format) -> None:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            root = etree.fromstring(content, parser)
            _refuse_references(root, file)
            refuse_runaways(root, file)
            refuse_costly_xsd(root, file)
            self._schema = etree.XMLSchema(root)
        except (etree.XMLSyntaxError, etree.XMLSchemaParseError, ValueError) as error:
            raise broken(file, Text(str(error), str(error)), xml_line(error)) from None
        self._lock = Lock()
        self._names = Names(declared.namespaces)
        known = XsdNames(root, self._names)
        self._declared = known.declared()
        self._keeps_root = formats.of(declared).keeps_root
        self.shape = _shape(known, declared, file)

    def faults(self, body: Body) -> Iterator[tuple[Location, Finding]]:
        if body.element is None:
            yield (), Finding(CODE, _EMPTY)
            return
        # What is well as it was sent needs no copy of it as the reader sees it.
        if self._is_valid(body.element):
            return
        element = as_read(body.element, self._declared, self._names)
        last: Location = ()
        for number, (node, error) in enumerate(self._found(element)):
            if number >= FINDINGS:
                yield last, more()
                return
            last = self._location(element, node, error)
            text = of_xsd(error, self._base(last), self._names.short)
            yield last, Finding(CODE, text, path=written(last))

    def alone(self, body: Body, place: tuple[str, ...]) -> Iterator[bool]:
        """Tell of each record whether it is valid alone, where little stands around the records."""
        if body.element is None:
            return
        element = as_read(body.element, self._declared, self._names)
        *above, name = place[1:] if self._keeps_root else place
        parents = [element]
        for step in above:
            parents = [child for parent in parents for child in self._children(parent, step)]
        if len(parents) != 1:
            return
        [parent] = parents
        rows = self._children(parent, name)
        at = parent.index(rows[0]) if rows else 0
        for row in rows:
            parent.remove(row)
        if next(islice(element.iter(), _LARGE, None), None) is not None:
            return
        for row in rows:
            parent.insert(at, row)
            yield not self._errors(element)
            parent.remove(row)

    def _children(self, parent: Any, name: str) -> list[Any]:
        return [child for child in parent.iterchildren(etree.Element) if self._names.short(child.tag) == name]

    def _found(self, element: Any) -> Iterator[tuple[Any, Any]]:
        """Give each error with its element, in the order of the document."""
        if next(islice(element.iter(), _LARGE, None), None) is not None:
            for positions, error in streaming.faults(self._schema, element):
                if _counts(error):
                    yield _child_at(element, positions), error
            return
        errors = self._errors(element)
        spaces = {prefix: uri for node in element.iter() for prefix, uri in node.nsmap.items() if prefix}
        for error in errors:
            yield _named(element, error.path, spaces), error

    def _is_valid(self, element: Any) -> bool:
        """Ask only whether; not of a large body, whose errors are all made at once and stay with the schema."""
        if next(islice(element.iter(), _LARGE, None), None) is not None:
            return False
        with self._lock:
            try:
                return bool(self._schema.validate(element))
            except etree.XMLSchemaValidateError:
                raise _endless() from None

    def _errors(self, element: Any) -> list[Any]:
        """A compiled schema keeps the errors of its last validation: one thread at a time."""
        with self._lock:
            try:
                valid = self._schema.validate(element)
            except etree.XMLSchemaValidateError:
                raise _endless() from None
            log: Any = self._schema.error_log
            return [] if valid else [error for error in log if _counts(error)]

    def _location(self, root: Any, found: Any, error: Any) -> Location:
        attribute = _ATTRIBUTE.search(error.message)
        steps: list[str | int] = [f"@{self._names.short(attribute[1])}"] if attribute else []
        node = found
        while node is not None and node is not root:
            before = sum(1 for _ in node.itersiblings(node.tag, preceding=True))
            if before or next(node.itersiblings(node.tag), None) is not None:
                steps.append(before)
            steps.append(self._names.short(node.tag))
            node = node.getparent()
        if self._keeps_root:
            steps.append(self._names.short(root.tag))
        return tuple(reversed(steps))

    def _base(self, where: Location) -> str:
        """Give the built-in type of what stands at a place, empty when it is not known."""
        shape: Shape | None = self.shape
        for step in where:
            if shape is not None and isinstance(step, str):
                shape = shape.child(step)
        return shape.base if isinstance(shape, XsdShape) else ""


_LARGE = 500
"""A body of more elements is validated while it streams."""


def _counts(error: Any) -> bool:
    """Whether an error is a fault of its own: a key that cannot be computed because its value is wrong is none."""
    return "No precomputed value" not in error.message


def _child_at(root: Any, positions: streaming.Positions) -> Any:
    node = root
    for position in positions:
        node = node[position]
    return node


def _named(root: Any, path: str | None, spaces: Mapping[str, str]) -> Any:
    try:
        found = root.getroottree().xpath(path, namespaces=spaces) if path else []
    except etree.XPathError:
        found = []
    return found[0] if found else root


def _endless() -> Rejected:
    text = Text(
        "平台模式中的正则验证此报文耗时过长；请简化模式中的 xs:pattern",
        "a pattern of the platform's schema takes too long on this body; simplify it",
    )
    return Rejected(CODE, text, [Finding(CODE, text)])


def _refuse_references(root: Any, file: str) -> None:
    if etree.QName(root).namespace != XS or root.getroottree().docinfo.doctype:
        raise broken(file, Text("不是 XML Schema", "it is not an XML Schema"))
    for name in ("include", "import", "redefine", "override"):
        for node in root.iter(f"{{{XS}}}{name}"):
            if node.get("schemaLocation"):
                text = Text(
                    f"不支持 xs:{name}，请合并到一个文件", f"xs:{name} is not supported; put it all in one file"
                )
                raise broken(file, text, node.sourceline or 1)


def _shape(schema: XsdNames, declared: Format, file: str) -> Shape:
    if formats.of(declared).keeps_root:
        return Inside(schema)
    wanted = declared.root or next(iter(schema.elements()), "")
    shape = schema.element(wanted)
    if shape is None:
        raise broken(file, Text(f"没有声明根元素 {wanted}", f"the root element {wanted} is not declared"))
    return shape


_ATTRIBUTE = re.compile(r"^Element '[^']*', attribute '([^']*)': ")
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

    @property
    def base(self) -> str:
        """The built-in type of its value, empty for an element of elements."""
        return self._schema.base_of(self._declaration)

    def child(self, name: str) -> Shape | None:
        found = self._by_name.get(name)
        return XsdShape(self._schema, found[0]) if found is not None else None


class XsdNames:
    """The global names of one XSD, and what they hold."""

    def __init__(self, root: Any, names: Names) -> None:
        self._root = root
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

    def base_of(self, declaration: Any) -> str:
        """Give the built-in type that an element's or attribute's simple type restricts."""
        for _ in range(_MAX_REFERENCES):
            name = declaration.get("type") or declaration.get("base")
            inner = declaration.find(f"{{{XS}}}simpleType")
            if name is None and inner is not None:
                inner = inner.find(f"{{{XS}}}restriction")
            if name is not None:
                inner = self._globals.get(("simpleType", _local(name)))
                if inner is None:
                    return _local(name)
                inner = inner.find(f"{{{XS}}}restriction")
            if inner is None:
                return ""
            declaration = inner
        return ""

    def declared(self) -> ElementNames:
        """Collect what is declared under each local name, wherever in the schema."""
        found = ElementNames()
        found.types.update(name for kind, name in self._globals if kind in ("complexType", "simpleType") and name)
        for node in self._root.iter(f"{{{XS}}}element"):
            name = node.get("name")
            if name is None:
                continue
            found.full.setdefault(name, set()).add(self._full(node, top=node.getparent() is self._root))
            particles = self.particles(self.type_of(node))
            found.attributes.setdefault(name, set()).update(one[1:] for one, _, _ in particles if one[0] == "@")
            kind = self.type_of(node)
            if kind is not None and kind.find(f".//{{{XS}}}anyAttribute") is not None:
                found.takes_any.add(name)
            if node.get("nillable") in ("true", "1"):
                found.nillable.add(name)
        return found

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
        return self._names.short(self._full(node, top=top))

    def _full(self, node: Any, *, top: bool) -> str:
        name = node.get("name") or _local(node.get("ref") or "")
        qualified = top or node.get("form") == "qualified" or (self._qualified and node.get("form") is None)
        return f"{{{self._target}}}{name}" if self._target and qualified else name


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

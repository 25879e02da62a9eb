"""A platform's XML Schema, compiled by lxml; it never fetches anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any

from lxml import etree

from adapters import formats
from adapters.formats.format import Body, Format
from adapters.formats.names import Names
from adapters.native.costs import refuse_costly_xsd
from adapters.native.findings import CODE, MAX_FINDINGS, Location, broken, written
from adapters.native.patterns import refuse_runaways
from adapters.native.shape import Shape
from adapters.native.xsd_shape import XS, Inside, XsdNames
from adapters.spots import xml_line
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
        self.shape = _shape(XsdNames(root, self._names), declared, file)

    def faults(self, body: Body) -> Iterator[tuple[Location, Finding]]:
        if body.element is None:
            yield (), Finding(CODE, _EMPTY)
            return
        errors = self._errors(body.element)
        spaces = {prefix: uri for node in body.element.iter() for prefix, uri in node.nsmap.items() if prefix}
        for error in errors[:MAX_FINDINGS]:
            where = self._location(body.element, error.path, spaces)
            yield where, Finding(CODE, _xsd_text(error), path=written(where))

    def _errors(self, element: Any) -> list[Any]:
        """A compiled schema keeps the errors of its last validation: one thread at a time."""
        with self._lock:
            try:
                valid = self._schema.validate(element)
            except etree.XMLSchemaValidateError:
                raise _endless() from None
            log: Any = self._schema.error_log
            return [] if valid else list(log)

    def _location(self, root: Any, path: str | None, spaces: Mapping[str, str]) -> Location:
        try:
            found = root.getroottree().xpath(path, namespaces=spaces) if path else []
        except etree.XPathError:
            found = []
        steps: list[str | int] = []
        node = found[0] if found else root
        while node is not None and node is not root:
            same = [child for child in node.getparent() if child.tag == node.tag]
            if len(same) > 1:
                steps.append(same.index(node))
            steps.append(self._names.short(node.tag))
            node = node.getparent()
        return tuple(reversed(steps))


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


def _xsd_text(error: Any) -> Text:
    zh = {
        "SCHEMAV_ELEMENT_CONTENT": "元素缺失、多余或次序不对",
        "SCHEMAV_CVC_PATTERN_VALID": "不符合规定的格式",
        "SCHEMAV_CVC_ENUMERATION_VALID": "不在允许的取值之中",
        "SCHEMAV_CVC_MAXLENGTH_VALID": "超过最大长度",
        "SCHEMAV_CVC_MINLENGTH_VALID": "不足最小长度",
        "SCHEMAV_CVC_LENGTH_VALID": "长度不对",
        "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "不应有该属性",
        "SCHEMAV_CVC_COMPLEX_TYPE_4": "缺少必需的属性",
    }.get(error.type_name, "不符合平台模式")
    expected = error.message.partition("Expected is")[2]
    hint = f"（应为{expected.strip(' .')}）" if expected else ""
    en = f"expected{expected.rstrip('.')}" if expected else f"does not satisfy {error.type_name}"
    return Text(f"{zh}{hint}；请按平台模式改正", f"{en}; correct it as the platform's schema says")

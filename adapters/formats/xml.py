"""XML bodies, hardened: no DTD, no entities, no network; its work bounded before the parser begins."""

from __future__ import annotations

import codecs
import re
from functools import cache
from html import escape
from typing import Any

from lxml import etree

from adapters.base import Tree
from adapters.formats import charsets, rejections
from adapters.formats.format import Body, BodyFormat, EncodedBody, Format, Order, as_text
from adapters.formats.names import XSI, Names
from adapters.formats.survey import survey
from schemas.budget import STANDARD, Budget

_DOCTYPE = re.compile(r"\ufeff?(?>\s+|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<!DOCTYPE", re.DOTALL)
_SPACE = " \t\r\n"
_BEFORE = _SPACE + "\ufeff"
SOAP_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
"""The namespace of a SOAP 1.1 message: XML, but a format of its own."""

_NIL = f"{{{XSI}}}nil"


def read(declared: Format, body: bytes, content_type: str | None, budget: Budget = STANDARD) -> Body:
    """Parse a document; its tree is what stands inside the root element."""
    root = parse(declared, body, content_type, budget)
    names = Names(declared.namespaces)
    if declared.root is not None and names.short(root.tag) != declared.root:
        found = names.short(root.tag)
        raise rejections.reject(
            "xml.root",
            f"根元素是 {found}，应为 {declared.root}",
            f"the root element is {found}, expected {declared.root}",
            status=422,
        )
    return Body(inside(root, names), root)


def parse(declared: Format, body: bytes, content_type: str | None, budget: Budget = STANDARD) -> Any:
    """Parse to a checked element, in the charset the document itself declares."""
    return parse_text(charsets.decode(body, charset_of(declared, body, content_type)), budget)


def parse_text(text: str, budget: Budget = STANDARD) -> Any:
    """Parse text that is already decoded, whatever charset it says it was in; blanks before it do not count."""
    text = text.lstrip(_BEFORE)
    if _DOCTYPE.match(text):
        raise rejections.doctype()
    try:
        content = text.encode("utf-8")
        survey(content, budget)
        root = etree.fromstring(content, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _told(str(error), budget) from None
    if _may_exceed(root, content, budget):
        _bound_walk(root, budget)
    return root


def charset_of(declared: Format, body: bytes, content_type: str | None) -> str:
    """Give the charset that a document is in: its own declaration's, else the declared one."""
    named = charsets.from_xml(body)
    if named is None:
        return charsets.agree(declared.charset, content_type)
    found = charsets.canonical(named)
    if found is None:
        raise rejections.other_charset(named, declared.charset)
    return charsets.agree(found, content_type)


def _parser() -> Any:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _told(detail: str, budget: Budget) -> Exception:
    if "depth" in detail.lower():
        return budget.exceeded("depth")
    return rejections.syntax("xml", detail)


def _may_exceed(root: Any, content: bytes, budget: Budget) -> bool:
    """Whether a walk may find anything, asked of what costs little: most bodies are small and flat."""
    brackets = content.count(b"<")
    if len(content) > budget.text or brackets > budget.items + budget.names:
        return True
    return brackets > budget.depth and bool(_below(budget.depth)(root))


@cache
def _below(depth: int) -> Any:
    """Compile the question whether any element lies deeper; the path ends where the body does."""
    return etree.XPath("boolean(" + "/*" * (depth + 1) + ")")


def _bound_walk(root: Any, budget: Budget) -> None:
    """Bound the depth of elements, the length of their texts, and how many stand side by side."""
    depth = 0
    for event, node in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        broken = "depth" if depth > budget.depth else _broken(node, budget) if event == "start" else ""
        if broken:
            raise budget.exceeded(broken, f"<{etree.QName(node).localname[:60]}> line {node.sourceline}")


def _broken(node: Any, budget: Budget) -> str:
    if len(node.text or "") > budget.text:
        return "text"
    return "items" if len(node) > budget.items + budget.names else ""


def inside(element: Any, names: Names) -> Tree:
    """Give the tree of what an element holds; an element without attributes or children is its text."""
    text = (element.text or "").strip(_SPACE)
    if len(element) == 0 and not element.attrib:
        return text
    tree = {f"@{names.short(key)}": value for key, value in element.attrib.items() if not key.startswith(f"{{{XSI}}}")}
    for child in element:
        _add(tree, names.short(child.tag), inside(child, names))
        text += (child.tail or "").strip(_SPACE)
    if element.attrib.get(_NIL) in ("true", "1") and not tree:
        return None
    if not tree:
        return text
    return {**tree, "#text": text} if text else tree


def _add(tree: dict[str, Any], name: str, value: Tree) -> None:
    if name not in tree:
        tree[name] = value
    elif isinstance(tree[name], list):
        tree[name].append(value)
    else:
        tree[name] = [tree[name], value]


def write(declared: Format, tree: Tree, order: Order | None = None) -> EncodedBody:
    """Write a tree inside the declared root, children in the schema's order where there is one."""
    root = _root(declared, tree, order)
    return EncodedBody(f"application/xml; charset={declared.charset.upper()}", serialise(root, declared.charset))


def write_text(declared: Format, tree: Tree, order: Order | None = None) -> str:
    """Write a tree inside the declared root, as text to embed in another body."""
    return _text(_root(declared, tree, order))


def embed(root: str, tree: Tree, names: Names, order: Order | None = None) -> str:
    """Write a tree inside a root of this name, as text to embed in another body."""
    return _text(element(root, tree, names, order))


def _text(root: Any) -> str:
    """Write an element without the namespaces that it does not use."""
    etree.cleanup_namespaces(root)
    return str(etree.tostring(root, encoding="unicode"))


def _root(declared: Format, tree: Tree, order: Order | None) -> Any:
    if declared.root is None:
        raise rejections.reject(
            "xml.root",
            "未声明根元素；请在 format 中填写 root",
            "no root element is declared; set format.root",
            status=422,
        )
    return element(declared.root, tree, Names(declared.namespaces), order)


def serialise(root: Any, charset: str) -> bytes:
    """Write an element as a document that declares its charset."""
    text = etree.tostring(root, encoding="unicode")
    return charsets.encode(f'<?xml version="1.0" encoding="{charset.upper()}"?>\n{text}', charset)


def element(name: str, tree: Tree, names: Names, order: Order | None = None) -> Any:
    """Make an element that holds a tree."""
    made = etree.Element(names.long(name), nsmap=names.declared)
    _fill(made, tree, names, order)
    return made


def _fill(made: Any, tree: Tree, names: Names, order: Order | None) -> None:
    if not isinstance(tree, dict):
        _set_text(made, tree)
        return
    for name in _ordered(tree, order):
        value = tree[name]
        if value is None:
            continue
        if name == "#text":
            _set_text(made, value)
        elif name.startswith("@"):
            _set_attribute(made, names.long(name[1:], attribute=True), value)
        else:
            below = order.child(name) if order is not None else None
            for item in value if isinstance(value, list) else [value]:
                _fill(etree.SubElement(made, names.long(name)), item, names, below)


def _ordered(tree: dict[str, Any], order: Order | None) -> list[str]:
    if order is None:
        return list(tree)
    place = {name: index for index, name in enumerate(order.names)}
    return sorted(tree, key=lambda name: place.get(name, len(place)))


def _set_text(made: Any, value: Any) -> None:
    if isinstance(value, list):
        raise rejections.reject("xml.list", "根元素下不能直接写列表", "a list needs an element of its own", status=422)
    try:
        made.text = as_text(value)
    except ValueError:
        raise _unwritable(made.tag) from None


def _set_attribute(made: Any, name: str, value: Any) -> None:
    try:
        made.set(name, as_text(value))
    except ValueError:
        raise _unwritable(name) from None


def _unwritable(name: str) -> Exception:
    return rejections.reject(
        "xml.character",
        f"{name} 含有 XML 不允许的控制字符；请更正该文档",
        f"{name} holds a control character that XML does not allow; correct the document",
        status=422,
        path=name,
    )


def root_of(content: bytes) -> Any:
    """Parse a file that may be XML, None for one that does not begin like it; raises `Rejected` for broken XML."""
    if not content.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<"):
        return None
    return parse(Format("xml", charsets.guess(content)), content, None)


def recognise(name: str, content: bytes) -> Format | None:
    """Tell by the first character. Namespaces stay undeclared: names are then local, whatever the prefixes are."""
    root = root_of(content)
    if root is None or root.tag == f"{{{SOAP_ENVELOPE}}}Envelope":
        return None
    return Format("xml", charsets.guess(content), root=Names({}).short(root.tag))


BODY_FORMAT = BodyFormat(
    name="xml",
    read=read,
    write=write,
    media_type="application/xml",
    suffixes=("xml",),
    recognise=recognise,
    read_answers_as="xml",
    escape=escape,
    elements=True,
)

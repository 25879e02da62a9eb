"""SOAP 1.1 bodies: the tree is what stands inside Body; a Fault is told by its name."""

from __future__ import annotations

from html import escape
from typing import Any

from lxml import etree

from adapters.base import Tree
from adapters.formats import charsets, rejections, xml
from adapters.formats.format import Body, BodyFormat, EncodedBody, Format, Order, ReplyFault
from adapters.formats.names import Names
from schemas.budget import STANDARD, Budget

ENVELOPE = xml.SOAP_ENVELOPE
_ENVELOPES = {ENVELOPE, "http://www.w3.org/2003/05/soap-envelope"}


def read(declared: Format, body: bytes, content_type: str | None, budget: Budget = STANDARD) -> Body:
    """Parse an envelope; children of Body become the keys of the tree."""
    envelope = xml.parse(declared, body, content_type, budget)
    holder = _child(envelope, "Body") if _is(envelope, "Envelope") else None
    if holder is None:
        raise rejections.reject(
            "soap.envelope",
            "不是 SOAP 报文：缺少 Envelope 或 Body",
            "not a SOAP message: Envelope or Body is missing",
        )
    names = Names(declared.namespaces)
    tree = xml.inside(holder, names)
    first = next(iter(holder), None)
    return Body(tree if isinstance(tree, dict) else {}, first)


def fault(body: Body) -> ReplyFault | None:
    """Give the fault of a parsed reply, its code without prefix; None when it has none."""
    if body.element is None or not _is(body.element, "Fault"):
        return None
    texts = {etree.QName(node).localname: (node.text or "").strip() for node in body.element.iter()}
    code = texts.get("faultcode") or texts.get("Value") or ""
    return ReplyFault(code.rpartition(":")[2], texts.get("faultstring") or texts.get("Text") or "")


def _is(element: Any, name: str) -> bool:
    found = etree.QName(element)
    return found.localname == name and found.namespace in _ENVELOPES


def _child(element: Any, name: str) -> Any:
    return next((child for child in element if _is(child, name)), None)


def write(declared: Format, tree: Tree, order: Order | None = None) -> EncodedBody:
    """Write a tree inside an envelope's Body."""
    names = Names(declared.namespaces)
    prefix = "soap" if "soap" not in declared.namespaces else "soapenv"
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={prefix: ENVELOPE, **names.declared})
    holder = etree.SubElement(envelope, f"{{{ENVELOPE}}}Body")
    if not isinstance(tree, dict):
        raise rejections.reject("soap.body", "SOAP 报文体必须是元素", "a SOAP body holds elements", status=422)
    for name, value in tree.items():
        below = order.child(name) if order is not None else None
        for item in value if isinstance(value, list) else [value]:
            holder.append(xml.element(name, item, names, below))
    etree.cleanup_namespaces(envelope, keep_ns_prefixes=[p for p in declared.namespaces if p])
    charset = declared.charset
    return EncodedBody(f"text/xml; charset={charset.upper()}", xml.serialise(envelope, charset))


def recognise(name: str, content: bytes) -> Format | None:
    """Tell by the root element."""
    root = xml.root_of(content)
    return None if root is None or root.tag != f"{{{ENVELOPE}}}Envelope" else Format("soap", charsets.guess(content))


BODY_FORMAT = BodyFormat(
    name="soap",
    read=read,
    write=write,
    media_type="text/xml",
    suffixes=("xml", "soap"),
    recognise=recognise,
    read_answers_as="xml",
    escape=escape,
    elements=True,
    keeps_root=True,
    action_header="SOAPAction",
    fault=fault,
)

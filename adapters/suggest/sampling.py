"""A sample payload, read by what its bytes say: format, charset, root and namespaces."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from adapters import formats
from adapters.base import Tree
from adapters.formats import charsets, rejections
from adapters.formats import xml as xml_format
from adapters.formats.format import Format
from adapters.formats.names import Names

MAX_BYTES = 4 * 1024 * 1024

_ZIP = b"PK\x03\x04"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_DECLARED = re.compile(rb"<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")


@dataclass(frozen=True, slots=True)
class NativeSample:
    """A sample: its file's `name`, its bytes, how they are written, and the tree they hold."""

    name: str
    content: bytes
    format: Format
    tree: Tree

    @property
    def extension(self) -> str:
        """The extension of its file in a bundle."""
        return "xml" if self.format.body in ("xml", "soap") else self.format.body


def read_sample(name: str, content: bytes) -> NativeSample:
    """Read a sample of at most 4 MiB; raises `schemas.findings.Rejected` when it cannot be read."""
    if len(content) > MAX_BYTES:
        raise rejections.too_large(len(content), MAX_BYTES)
    declared = format_of(name, content)
    return NativeSample(name, content, declared, formats.read(declared, content, limit=MAX_BYTES).tree)


def format_of(name: str, content: bytes) -> Format:
    """Tell how a body is written: XML and JSON by how they begin, XLSX by its archive, a table by its extension."""
    if content.startswith(_ZIP):
        return Format(body="xlsx")
    first = content.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    charset = charset_of(content)
    if first == b"<":
        return _xml_format(content, charset)
    if first in (b"{", b"[") or not name.lower().endswith((".csv", ".tsv", ".txt")):
        return Format(body="json", charset=charset)
    return Format(body="csv", charset=charset, delimiter=_delimiter(content))


def charset_of(content: bytes) -> str:
    """Tell the charset: what an XML declaration names, else the first of UTF-8, GBK, GB18030 that reads it."""
    named = _DECLARED.match(content.removeprefix(codecs.BOM_UTF8))
    known = charsets.canonical(named.group(1).decode("ascii")) if named else None
    return known or next((name for name in ("utf-8", "gbk", "gb18030") if _decodes(content, name)), "utf-8")


def _decodes(content: bytes, charset: str) -> bool:
    try:
        content.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(content: bytes) -> str:
    header = content.splitlines()[0]
    return max((",", "\t", ";"), key=lambda one: header.count(one.encode()))


def _xml_format(content: bytes, charset: str) -> Format:
    """Namespaces are left undeclared: names then read as local names, whatever prefixes a sender uses."""
    root = xml_format.parse(Format(body="xml", charset=charset), content, None)
    if root.tag == f"{{{_SOAP}}}Envelope":
        return Format(body="soap", charset=charset)
    return Format(body="xml", charset=charset, root=Names({}).short(root.tag))

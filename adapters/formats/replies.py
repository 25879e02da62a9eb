"""A platform's reply, read as real servers write it: any charset of the pair, and what stands around the body."""

from __future__ import annotations

import binascii
import re

from msgspec.structs import replace

from adapters.formats import charsets, codec, embedded, rejections
from adapters.formats.format import Body, Format
from schemas.budget import STANDARD, Budget

_BEFORE = b" \t\r\n\0"
_BLANK = " \t\r\n\0\ufeff"
_XML_DECLARATION = re.compile(r"<\?xml\s[^>]{0,200}\?>")
_BOUNDARY = re.compile(r"boundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_FIRST_LINE = re.compile(rb"--([^\r\n]{1,200}?)[ \t]{0,20}\r?\n(?=[A-Za-z-]{1,60}:)")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_TYPE = re.compile(rb"^content-type\s*:\s*([^\r\n]{1,500}(?:\r?\n[ \t][^\r\n]{0,500})*)", re.IGNORECASE | re.MULTILINE)
_ENCODING = re.compile(rb"^content-transfer-encoding\s*:\s*(base64|quoted-printable)", re.IGNORECASE | re.MULTILINE)
MAX_PARTS = 100


def read_reply(declared: Format, body: bytes, content_type: str | None = None, *, budget: Budget = STANDARD) -> Body:
    """Parse a reply within its budget; raises `Rejected` for what cannot be read all the same.

    A caller can correct and send again what we refuse; a reply is not sent again, and a yes that we
    cannot read becomes a second delivery. So a reply's wrong label, byte-order mark, blank, NUL or
    multipart wrapping is forgiven, where a caller's is not.
    """
    if len(body) > budget.body:
        raise rejections.too_large(len(body), budget.body)
    if codec.of(declared).elements:
        body, content_type = _unwrapped(body, content_type)
    body = body.lstrip(_BEFORE)
    if not body.rstrip(_BEFORE):
        raise rejections.empty()
    if codec.of(declared).binary:
        return codec.read(declared, body, budget=budget)
    names = (charsets.from_content_type(content_type), charsets.from_xml(body), declared.charset)
    text = charsets.decode_reply(body, names).strip(_BLANK)
    return _parsed(declared, text, budget)


def _parsed(declared: Format, text: str, budget: Budget) -> Body:
    spoken = codec.of(declared)
    if spoken.read_reply is not None:
        parsed = spoken.read_reply(declared, text, budget)
    else:
        # The text is decoded already, so what an XML declaration says about its charset no longer holds.
        bare = _XML_DECLARATION.sub("", text, count=1) if spoken.elements and text.startswith("<?xml") else text
        parsed = spoken.read(replace(declared, charset="utf-8"), bare.encode("utf-8", "surrogatepass"), None, budget)
    return embedded.unfolded(declared, parsed, budget) if declared.embedded else parsed


def _unwrapped(body: bytes, content_type: str | None) -> tuple[bytes, str | None]:
    """Give the root of a multipart reply (SOAP with attachments, MTOM), its first XML part, and its Content-Type.

    A body that is no multipart, or has no XML part, is given back as it is.
    """
    boundary = _boundary(body, content_type)
    if boundary is None:
        return body, content_type
    sections = body.split(b"--" + boundary, MAX_PARTS)[1:]
    return next((part for part in map(_part, sections) if part is not None), (body, content_type))


def _boundary(body: bytes, content_type: str | None) -> bytes | None:
    if content_type is not None and content_type.strip().lower().startswith("multipart/"):
        named = _BOUNDARY.search(content_type)
        if named is not None:
            return (named[1] or named[2]).encode("utf-8", "surrogateescape")
    # Some servers forget the header: a first line of two dashes before part headers tells as much.
    first = _FIRST_LINE.match(body.lstrip(_BEFORE))
    return None if first is None else first[1]


def _part(section: bytes) -> tuple[bytes, str | None] | None:
    """Give a part that is XML, with its Content-Type; None for any other part."""
    end = _HEADER_END.search(section)
    if end is None:
        return None
    # The line break after the boundary is not part of the header.
    head, content = section[: end.start()].lstrip(b" \t\r\n"), _plain(section[: end.start()], section[end.end() :])
    typed = _TYPE.search(head)
    said = typed[1].decode("latin-1") if typed else None
    is_xml = content.lstrip(_BEFORE).startswith((b"<", b"\xef\xbb\xbf<"))
    return (content, said) if is_xml and (said is None or "xml" in said.lower()) else None


def _plain(head: bytes, content: bytes) -> bytes:
    """Undo a part's transfer encoding."""
    encoded = _ENCODING.search(head)
    try:
        if encoded is not None and encoded[1].lower() == b"base64":
            return binascii.a2b_base64(content)
        return binascii.a2b_qp(content) if encoded is not None else content
    except ValueError:
        return content

"""The charsets of platforms: UTF-8, and the GB family in which each is a part of the next."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from functools import lru_cache

from adapters.formats import gb18030, rejections
from schemas.findings import Rejected

FAMILY = {"utf-8": "utf-8", "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030"}
"""Charset → the charset that reads it: GB18030 reads what any of its ancestors wrote."""

SIBLINGS = {"utf-8": "gb18030", "gb18030": "utf-8"}
"""The other charset of the pair in which every platform writes, whatever it says."""

_ALIASES = {
    **dict.fromkeys(("utf8", "utf_8", "us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us"), "utf-8"),
    **dict.fromkeys(("cp936", "x-gbk", "ms936", "windows-936"), "gbk"),
    **dict.fromkeys(("gb_2312-80", "euc-cn", "x-euc-cn"), "gb2312"),
    "gb18030-2022": "gb18030",
}
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BLANK = b" \t\r\n"
"""What may stand before a body and means nothing."""

_XML_SAYS = re.compile(rb"<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_IDEOGRAPHS = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff01-\uff5e]")


def canonical(name: str) -> str | None:
    """Return our name of a charset, None for one that is not supported."""
    low = name.strip().lower()
    low = _ALIASES.get(low, low)
    return low if low in FAMILY else None


@lru_cache(maxsize=64)
def from_content_type(content_type: str | None) -> str | None:
    """Give the charset that a Content-Type header names, None without one."""
    match = _CHARSET.search(content_type or "")
    return match.group(1) if match else None


def agree(declared: str, content_type: str | None) -> str:
    """Give the charset to read with: the declared one, which a Content-Type may not contradict."""
    named = from_content_type(content_type)
    if named is None:
        return declared
    found = canonical(named)
    if found is None or FAMILY[found] != FAMILY[declared]:
        raise rejections.other_charset(named, declared)
    return declared


def decode(body: bytes, charset: str) -> str:
    """Decode strictly, without a byte-order mark; raises `Rejected` naming the offset of the bad byte."""
    start = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0
    if start and FAMILY[charset] != "utf-8":
        raise rejections.other_charset("utf-8", charset)
    try:
        text = body[start:].decode("utf-8") if FAMILY[charset] == "utf-8" else gb18030.decode(body)
    except UnicodeDecodeError as error:
        raise rejections.undecodable(charset, start + error.start) from None
    if FAMILY[charset] != "utf-8" and not body.isascii():
        _refuse_hidden_utf8(body, charset)
    return text


def _refuse_hidden_utf8(body: bytes, charset: str) -> None:
    """Refuse UTF-8 that was declared as GBK: it often decodes as GBK without an error, but into wrong characters."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return
    # Bytes of GBK text practically never form valid UTF-8 with Chinese characters in it.
    if _IDEOGRAPHS.search(text):
        raise rejections.other_charset("utf-8", charset)


def encode(text: str, charset: str) -> bytes:
    """Encode strictly; raises `Rejected` naming the character that the charset does not have."""
    try:
        return text.encode("utf-8") if charset == "utf-8" else gb18030.encode(text, charset)
    except UnicodeEncodeError as error:
        raise rejections.unencodable(charset, text[error.start], error.start) from None


def from_xml(body: bytes) -> str | None:
    """Give the charset that an XML declaration names, None without one."""
    match = _XML_SAYS.match(body.removeprefix(codecs.BOM_UTF8).lstrip(BLANK))
    return match.group(1).decode("ascii") if match else None


def decode_reply(body: bytes, names: Iterable[str | None]) -> str:
    """Decode by the first of the named charsets that reads the bytes strictly, else by the other of its pair.

    Servers label Chinese text as ISO-8859-1 or us-ascii by default: a name that is neither UTF-8 nor
    of the GB family says nothing. Raises `Rejected`.
    """
    if body.startswith(_UTF16):
        return body.decode("utf-16", "replace")
    body = body.removeprefix(codecs.BOM_UTF8)
    known = dict.fromkeys(FAMILY[found] for name in names if name and (found := canonical(name)))
    first, *others = known or {"utf-8": None}
    for charset in (first, *others, SIBLINGS[first]):
        try:
            return decode(body, charset)
        except Rejected:
            continue
    return decode(body, first)


def guess(content: bytes) -> str:
    """Tell the charset of a file: what an XML declaration names, else the first of the family that reads it."""
    named = from_xml(content)
    known = canonical(named) if named else None
    return known or next((name for name in ("utf-8", "gbk", "gb18030") if _decodes(content, name)), "utf-8")


def _decodes(content: bytes, charset: str) -> bool:
    try:
        content.decode(charset) if charset != "gb18030" else gb18030.decode(content)
    except UnicodeDecodeError:
        return False
    return True

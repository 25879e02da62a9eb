"""Replies as real servers write them: any label, and what stands around the body."""

from __future__ import annotations

import gzip
from base64 import encodebytes

import pytest

from adapters.formats import Format, read, read_reply
from schemas.budget import Budget
from schemas.findings import Rejected

SAID = '{"code":0,"msg":"接收成功"}'
TREE = {"code": 0, "msg": "接收成功"}
XML_SAID = "<R><msg>接收成功</msg></R>"
XML_TREE = {"msg": "接收成功"}
SOAP_SAID = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{XML_SAID}</s:Body></s:Envelope>'


@pytest.mark.parametrize("charset", ["utf-8", "gbk"], ids="format is {}".format)
@pytest.mark.parametrize("written", ["utf-8", "gbk", "gb18030", "utf-16"], ids="written in {}".format)
@pytest.mark.parametrize(
    "label",
    [
        None,
        "application/json",
        "application/json;charset=ISO-8859-1",
        "text/plain; charset=us-ascii",
        "application/json; charset=utf-8",
        'application/json; charset="GBK"',
        "text/html;charset=GB2312",
        "application/json; charset=x-unknown",
        "application/json; charset=windows-1252",
    ],
)
def test_no_label_hides_what_a_platform_said(charset: str, written: str, label: str | None) -> None:
    """The declared charset if the bytes are in it, else the format's, else the other of the pair."""
    assert read_reply(Format(charset=charset), SAID.encode(written), label).tree == TREE


@pytest.mark.parametrize("declaration", ["", "UTF-8", "GBK", "ISO-8859-1", "us-ascii"])
@pytest.mark.parametrize("written", ["utf-8", "gbk"])
@pytest.mark.parametrize("before", [b"", b"\n", b"\r\n\t ", b"\xef\xbb\xbf", b"\0\n"], ids=repr)
def test_xml_may_say_another_charset_than_it_is_in(declaration: str, written: str, before: bytes) -> None:
    """And something may stand before its declaration."""
    if before == b"\xef\xbb\xbf":
        written = "utf-8"
    head = f'<?xml version="1.0" encoding="{declaration}"?>' if declaration else ""
    body = before + (head + XML_SAID).encode(written)
    assert read_reply(Format("xml", root="R"), body, "text/xml;charset=ISO-8859-1").tree == XML_TREE


@pytest.mark.parametrize(
    "body",
    [
        f"  {SAID}\r\n\r\n".encode(),
        f"\ufeff{SAID}".encode(),
        f"\n\ufeff{SAID}".encode(),
        f"{SAID}\0".encode(),
        f"\0\0{SAID}\n\0\0".encode(),
        b'{"code":0,"code":0,"msg":"\xe6\x8e\xa5\xe6\x94\xb6\xe6\x88\x90\xe5\x8a\x9f"}',
        '"{\\"code\\":0,\\"msg\\":\\"接收成功\\"}"'.encode(),
    ],
    ids=repr,
)
def test_what_stands_around_or_twice_is_no_matter(body: bytes) -> None:
    """White space, byte-order mark, NUL, a key written twice, and an answer written as JSON twice."""
    assert read_reply(Format(), body).tree == TREE


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_leaves_the_rest_alone(word: str) -> None:
    """In a reply; a caller's body with one is refused."""
    body = f'{{"code":0,"score":{word}}}'.encode()
    assert read_reply(Format(), body).tree["code"] == 0
    with pytest.raises(Rejected):
        read(Format(), body)


def _multipart(root: str, *, line: str = "\r\n", encoding: str = "", root_first: bool = True) -> bytes:
    typed = f'Content-Type: application/xop+xml; charset=UTF-8; type="text/xml"{line}{encoding}Content-ID: <root>'
    parts = [f"{typed}{line}{line}{root}", f"Content-Type: image/png{line}{line}--\x01<PNG>"]
    chosen = parts if root_first else parts[::-1]
    inside = "".join(f"--uuid:1{line}{part}{line}" for part in chosen)
    return f"{inside}--uuid:1--{line}".encode()


@pytest.mark.parametrize("body_format", ["soap", "xml"])
@pytest.mark.parametrize(
    "body",
    [
        _multipart(SOAP_SAID),
        _multipart(SOAP_SAID, line="\n"),
        _multipart(SOAP_SAID, root_first=False),
        _multipart(f"\n<?xml version='1.0' encoding='UTF-8'?>{SOAP_SAID}"),
        b"This is a preamble\r\n" + _multipart(SOAP_SAID),
        b"\r\n" + _multipart(SOAP_SAID),
    ],
)
def test_the_root_of_a_multipart_reply_is_the_reply(body: bytes, body_format: str) -> None:
    """SOAP with attachments and MTOM."""
    said = 'multipart/related; type="application/xop+xml"; boundary="uuid:1"; start="<root>"'
    tree = read_reply(Format(body_format), body, said).tree
    assert (tree if body_format == "soap" else tree["Body"])["R"] == XML_TREE


def test_a_boundary_that_is_no_utf_8_is_found() -> None:
    """Headers keep such bytes as lone surrogates."""
    body = _multipart(SOAP_SAID).replace(b"uuid:1", "界".encode("gbk"))
    said = "multipart/related; boundary=" + "界".encode("gbk").decode("utf-8", "surrogateescape")
    assert read_reply(Format("soap"), body, said).tree["R"] == XML_TREE


def test_a_multipart_reply_need_not_say_so() -> None:
    """Some servers forget the header."""
    assert read_reply(Format("soap"), _multipart(SOAP_SAID), "text/xml").tree["R"] == XML_TREE


def test_a_root_in_base64_is_decoded() -> None:
    """As mail programs send it."""
    encoded = encodebytes(SOAP_SAID.encode()).decode()
    body = _multipart(encoded, encoding="Content-Transfer-Encoding: base64\r\n")
    assert read_reply(Format("soap"), body, "multipart/related; boundary=uuid:1").tree["R"] == XML_TREE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \r\n\0",
        b"<html><body>502</body></html>",
        b'{"code":0',
        b'"text"',
        b"0",
        gzip.compress(SAID.encode(), mtime=0),
        b"\xff\xfe",
        b"--uuid:1\r\nContent-Type: image/png\r\n\r\nx\r\n--uuid:1--",
    ],
    ids=repr,
)
def test_what_is_no_reply_stays_unreadable(body: bytes) -> None:
    """Forgiving is not guessing."""
    with pytest.raises(Rejected):
        read_reply(Format(), body)


def test_a_reply_is_bounded() -> None:
    """Like a body."""
    with pytest.raises(Rejected) as caught:
        read_reply(Format(), b"{" + b" " * 100 + b"}", budget=Budget(body=50))
    assert caught.value.code == "body.size"

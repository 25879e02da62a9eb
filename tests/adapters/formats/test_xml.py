"""XML bodies: hardened in, in order out."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from adapters.formats import Format, read, write, xml
from adapters.formats.xml import write_text
from schemas.budget import STANDARD, BudgetExceeded
from schemas.findings import Rejected

XML = Format("xml", root="r")
GBK = Format("xml", charset="gbk", root="Package")


def _code(body: bytes, declared: Format = XML, content_type: str | None = None) -> tuple[int, str]:
    with pytest.raises(Rejected) as caught:
        read(declared, body, content_type)
    return caught.value.status, caught.value.code


def test_a_tree_is_what_stands_inside_the_root() -> None:
    """Leaves are text, attributes have an @, repeated children are lists, text beside attributes is #text."""
    body = b'<r id="1"><!-- x --><a> 1 </a><b/><c><d>2</d></c><c><d>3</d></c><e u="m">4</e></r>'
    assert read(XML, body).tree == {
        "@id": "1",
        "a": "1",
        "b": "",
        "c": [{"d": "2"}, {"d": "3"}],
        "e": {"@u": "m", "#text": "4"},
    }


def test_what_was_read_can_be_written_again() -> None:
    """Reading and writing are inverse for trees."""
    tree = {"@id": "1", "a": "<&>", "c": [{"d": "2"}, {"d": "3"}], "e": {"@u": "m", "#text": "4"}}
    written = write(XML, tree)
    assert read(XML, written.body).tree == tree
    assert written.content_type == "application/xml; charset=UTF-8"
    assert written.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<r id="1">')


def test_nil_is_nothing_and_schema_instance_attributes_are_no_fields() -> None:
    """xsi:nil, xsi:type and xsi:schemaLocation are mechanics, not data."""
    body = b'<r xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><a xsi:nil="true"/><b xsi:type="s">1</b></r>'
    assert read(XML, body).tree == {"a": None, "b": "1"}


def test_gbk_is_read_as_declared_and_written() -> None:
    """The national permit exchange writes GBK packages."""
    text = '<?xml version="1.0" encoding="GBK"?><Package><DWMC>河北测试钢铁有限公司</DWMC></Package>'
    assert read(GBK, text.encode("gbk")).tree == {"DWMC": "河北测试钢铁有限公司"}
    assert write(GBK, {"DWMC": "测试"}).body == (
        '<?xml version="1.0" encoding="GBK"?>\n<Package><DWMC>测试</DWMC></Package>'.encode("gbk")
    )


def test_a_document_says_its_own_charset() -> None:
    """XML is self-describing: its declaration stands, unless the header contradicts it."""
    body = '<?xml version="1.0" encoding="utf-8"?><Package>中文</Package>'.encode()
    assert read(GBK, body).tree == "中文"
    assert _code(body, GBK, "text/xml; charset=GBK") == (415, "body.charset")
    assert _code(b'<?xml version="1.0" encoding="Shift_JIS"?><r/>') == (415, "body.charset")


def test_utf8_that_calls_itself_gbk_is_refused() -> None:
    """It would decode, into nonsense."""
    body = '<?xml version="1.0" encoding="GBK"?><Package><A>生态环境执法局检查记录</A></Package>'.encode()
    status, code = _code(body, GBK)
    assert code == "body.charset"
    assert status in (400, 415)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "body.empty"),
        (b"<r><a>1</r>", 400, "xml.syntax"),
        (b"<r><a>1</a>", 400, "xml.syntax"),
        (b'{"a": 1}', 400, "xml.syntax"),
        (b'<!DOCTYPE r [<!ENTITY x "y">]><r>&x;</r>', 400, "xml.dtd"),
        (b'<?xml version="1.0"?>\n<!-- a --><!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', 400, "xml.dtd"),
        (b"<r>&unknown;</r>", 400, "xml.syntax"),
        (b"<a>" * 65 + b"</a>" * 65, 400, "body.depth"),
        (b"<a>" * 100_000, 400, "body.depth"),
        (b"<other/>", 422, "xml.root"),
        (b"<r>\x00</r>", 400, "xml.syntax"),
        (b"<r>\xff</r>", 400, "body.charset"),
    ],
)
def test_what_cannot_be_read_is_told(body: bytes, status: int, code: str) -> None:
    """No DTD, no entity, no depth, no other root."""
    assert _code(body) == (status, code)


def test_namespaces_go_by_declared_prefix() -> None:
    """Whatever prefix the sender chose; an undeclared namespace is not told."""
    declared = Format("xml", root="t:r", namespaces={"t": "urn:t"})
    tree = {"t:a": "1", "b": "2"}
    body = b'<x:r xmlns:x="urn:t" xmlns:y="urn:y"><x:a>1</x:a><y:b>2</y:b></x:r>'
    assert read(declared, body).tree == tree
    assert write_text(declared, tree) == '<t:r xmlns:t="urn:t"><t:a>1</t:a><b>2</b></t:r>'


@pytest.mark.parametrize(
    ("tree", "code"),
    [
        ({"a": "\x01"}, "xml.character"),
        ({"a b": "1"}, "xml.name"),
        ({"x:a": "1"}, "xml.prefix"),
        ([{"a": 1}], "xml.list"),
    ],
)
def test_what_xml_cannot_hold_is_refused(tree: object, code: str) -> None:
    """Nothing is dropped or renamed to make it fit."""
    with pytest.raises(Rejected) as caught:
        write(XML, tree)
    assert (caught.value.status, caught.value.code) == (422, code)


@pytest.mark.parametrize("element", [b"<b/>", b"<b></b>", b"<b c='1'/>", b"<!-- < --><b/>", b"<?p?><b/>"])
@pytest.mark.parametrize("count", [29, 30, 31, 100])
def test_too_many_elements_are_refused_however_they_are_written(element: bytes, count: int) -> None:
    """By their brackets alone where nothing else can be meant, else read one by one: the same bound, and the place."""
    budget = replace(STANDARD, nodes=30)
    body = b"<a>\n" + element * count + b"</a>"
    nodes = 1 + count * (2 if b"=" in element else 1)
    if nodes <= budget.nodes:
        xml.read(Format("xml"), body, "application/xml", budget)
        return
    with pytest.raises(BudgetExceeded) as caught:
        xml.read(Format("xml"), body, "application/xml", budget)
    assert caught.value.bound == "nodes"
    assert "<b> line 2" in caught.value.detail.en

"""JSON bodies: strict in, exact out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.formats import Format, read, write
from schemas.findings import Rejected

JSON = Format()
GBK = Format(charset="gbk")


def _code(body: bytes, declared: Format = JSON, content_type: str | None = None) -> tuple[int, str]:
    with pytest.raises(Rejected) as caught:
        read(declared, body, content_type)
    assert caught.value.detail.zh
    return caught.value.status, caught.value.code


def test_numbers_stay_exact() -> None:
    """Decimals keep their digits, integers any length."""
    tree = read(JSON, b'{"a": 1.50, "b": 123456789012345678901234567890, "c": 0.1}').tree
    assert tree == {"a": Decimal("1.50"), "b": 123456789012345678901234567890, "c": Decimal("0.1")}
    assert write(JSON, tree).body == b'{"a":1.50,"b":123456789012345678901234567890,"c":0.1}'


def test_decimals_are_written_without_exponent() -> None:
    """What another system reads as money never carries an E."""
    assert write(JSON, {"a": Decimal("2E+4"), "b": Decimal("0.000001")}).body == b'{"a":20000,"b":0.000001}'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body.empty"),
        (b" \r\n", "body.empty"),
        (b'{"a":1,"a":2}', "json.duplicate-key"),
        (b'{"x":{"a":1,"a":1}}', "json.duplicate-key"),
        (b'{"a":NaN}', "json.syntax"),
        (b'{"a":Infinity}', "json.syntax"),
        (b'{"a":1', "json.syntax"),
        (b"<html>", "json.syntax"),
        (b'"text"', "body.shape"),
        (b"null", "body.shape"),
        (b'{"a":1e999999999}', "bound.exponent"),
        (b'{"a":"\xff"}', "body.charset"),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "body.depth"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "body.depth"),
        (b"[" * 100_000, "body.depth"),
    ],
)
def test_what_cannot_be_read_is_400(body: bytes, code: str) -> None:
    """Each kind of broken body has its own word."""
    assert _code(body) == (400, code)


def test_many_flat_objects_are_not_deep() -> None:
    """Depth is bounded, not size: a long list is fine."""
    assert len(read(JSON, b"[" + b",".join([b'{"a":[1]}'] * 500) + b"]").tree) == 500


def test_too_large_is_413() -> None:
    """The limit is on bytes, before anything is read."""
    with pytest.raises(Rejected) as caught:
        read(JSON, b"[" + b" " * 100 + b"]", limit=50)
    assert (caught.value.status, caught.value.code) == (413, "body.size")


def test_a_byte_order_mark_is_harmless() -> None:
    """Windows editors write one."""
    assert read(JSON, b"\xef\xbb\xbf{}").tree == {}


def test_gbk_is_read_and_written() -> None:
    """A platform that speaks GBK gets GBK, and says so."""
    written = write(GBK, {"名称": "测试“公司”"})
    assert written.body == '{"名称":"测试“公司”"}'.encode("gbk")
    assert written.content_type == "application/json; charset=GBK"
    assert read(GBK, written.body, "application/json; charset=gb2312").tree == {"名称": "测试“公司”"}


def test_an_undecodable_byte_is_named_by_its_offset() -> None:
    """The sender can find the byte."""
    with pytest.raises(Rejected, match="from byte 6 on"):
        read(JSON, b'{"a":"\xd6\xd0"}')


def test_another_charset_than_agreed_is_415() -> None:
    """Said in the header, or shown by the bytes."""
    assert _code('{"a":"中文"}'.encode("gbk"), JSON, "application/json;charset=GBK") == (415, "body.charset")
    assert _code(b"{}", JSON, "application/json; charset=utf-16") == (415, "body.charset")
    assert _code('{"a":"中文名称"}'.encode(), GBK) == (415, "body.charset")


def test_a_character_outside_gbk_is_refused_on_the_way_out() -> None:
    """Nothing is replaced by a question mark."""
    with pytest.raises(Rejected) as caught:
        write(GBK, {"名称": "𠮷野家"})
    assert (caught.value.status, caught.value.code) == (422, "body.unencodable")
    assert "U+20BB7" in caught.value.detail.zh


def test_gb18030_reads_all_that_gbk_writes() -> None:
    """The family is one: what an ancestor wrote, the descendant reads alike."""
    same = bytearray()
    for lead in range(0x81, 0xFF):
        for trail in range(0x40, 0xFF):
            pair = bytes((lead, trail))
            try:
                assert pair.decode("gbk") == pair.decode("gb18030")
                same += pair
            except UnicodeDecodeError:
                continue
    assert len(same) > 40_000

"""The GB charsets in the edition of 2022."""

from __future__ import annotations

import pytest

from adapters.formats import charsets, gb18030

TABLE = {
    "A6D9": 0xFE10,
    "A6DA": 0xFE12,
    "A6DB": 0xFE11,
    "A6DC": 0xFE13,
    "A6DD": 0xFE14,
    "A6DE": 0xFE15,
    "A6DF": 0xFE16,
    "A6EC": 0xFE17,
    "A6ED": 0xFE18,
    "A6F3": 0xFE19,
    "FE59": 0x9FB4,
    "FE61": 0x9FB5,
    "FE66": 0x9FB6,
    "FE67": 0x9FB7,
    "FE6D": 0x9FB8,
    "FE7E": 0x9FB9,
    "FE90": 0x9FBA,
    "FEA0": 0x9FBB,
    "A8BC": 0x1E3F,
}


@pytest.mark.parametrize(("code", "character"), TABLE.items())
@pytest.mark.parametrize("charset", ["gbk", "gb18030"])
def test_the_code_points_that_moved_are_where_2022_put_them(code: str, character: int, charset: str) -> None:
    """Read and written, in both charsets."""
    assert charsets.decode(bytes.fromhex(code), charset) == chr(character)
    assert charsets.encode(chr(character), charset) == bytes.fromhex(code)


def test_every_character_of_gb18030_reads_back() -> None:
    """The whole basic plane and one of the others, private use included."""
    points = (*range(0xD800), *range(0xE000, 0x10000), *range(0x20000, 0x20100))
    for start in range(0, len(points), 0x1000):
        text = "".join(map(chr, points[start : start + 0x1000]))
        assert gb18030.decode(gb18030.encode(text, "gb18030")) == text


@pytest.mark.parametrize(("text", "place"), [("镕𠮷", 1), ("许ṁ", 1), ("\ue000㐀", 1)])
def test_gbk_names_the_character_it_lacks(text: str, place: int) -> None:
    """Whatever needs four bytes."""
    with pytest.raises(UnicodeEncodeError) as caught:
        gb18030.encode(text, "gbk")
    assert (caught.value.start, caught.value.object) == (place, text)


def test_gbk_keeps_the_user_defined_area() -> None:
    """What was read from GBK can be written to GBK."""
    assert gb18030.encode(gb18030.decode(b"\xaa\xa1\xc8\xdb"), "gbk") == b"\xaa\xa1\xc8\xdb"

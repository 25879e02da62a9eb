"""Samples with the numbers of people: refused, unless they are known or said to be invented."""

from __future__ import annotations

import pytest

from adapters import formats
from adapters.adapter import bundled
from adapters.bundle.files import read
from adapters.check.personal import MARKED, personal
from adapters.formats import Format

NATIVE = "samples/decision/1.native.json"


@pytest.mark.parametrize("number", ["530825196101109673", "6222021234567890128", "13912345678"])
def test_a_real_number_is_refused_until_it_is_marked(number: str) -> None:
    """With file, line and column, and without repeating the number."""
    content = f'{{"a": 1,\n "b": "{number}", "c": "{number}"}}'.encode()
    found = list(personal({NATIVE: content}))
    assert [(one.code, one.file, one.line, one.column, one.warning) for one in found] == [
        ("sample.personal", NATIVE, 2, 8, False)
    ]
    assert number not in found[0].message.zh + found[0].message.en
    marked = f"# of nobody\n{number}  # made up\n".encode()
    assert list(personal({NATIVE: content, MARKED: marked})) == []


def test_other_charsets_and_workbooks_are_looked_into() -> None:
    """A number is the same in GBK, and in a cell."""
    gbk = '<?xml version="1.0" encoding="GBK"?><a>手机13912345678</a>'.encode("gbk")
    book = formats.write(Format("xlsx"), {"rows": [{"手机": "13912345678"}]}).body
    files = {"samples/a/1.native.xml": gbk, "samples/a/2.native.xlsx": book}
    assert {one.file for one in personal(files)} == set(files)


def test_only_samples_are_looked_into() -> None:
    """A number in a mapping or a schema is the author's own business."""
    assert list(personal({"README.md": b"13912345678"})) == []


@pytest.mark.parametrize("name", bundled())
def test_the_bundled_samples_hold_nobodys_number(name: str) -> None:
    """They appear in the public description."""
    assert list(personal(read(bundled()[name]))) == []

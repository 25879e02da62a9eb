"""Form bodies: flat text fields."""

from __future__ import annotations

import pytest

from adapters.formats import Format, read, write
from schemas.findings import Rejected

FORM = Format("form")


def test_fields_are_text_and_repeated_ones_lists() -> None:
    """Blank values stay."""
    assert read(FORM, b"a=1&b=%E4%B8%AD+x&a=2&c=").tree == {"a": ["1", "2"], "b": "中 x", "c": ""}


def test_what_was_written_can_be_read_in_gbk() -> None:
    """Percent-encoding is of the platform's own bytes."""
    gbk = Format("form", charset="gbk")
    written = write(gbk, {"名": "测试&=", "n": 1, "l": ["a", "b"], "none": None})
    assert written.content_type == "application/x-www-form-urlencoded; charset=GBK"
    assert written.body == b"%C3%FB=%B2%E2%CA%D4%26%3D&n=1&l=a&l=b"
    assert read(gbk, written.body).tree == {"名": "测试&=", "n": "1", "l": ["a", "b"]}


def test_nested_trees_do_not_fit() -> None:
    """The remedy is named."""
    with pytest.raises(Rejected, match="record_text"):
        write(FORM, {"a": {"b": 1}})


def test_undecodable_and_endless_forms_are_refused() -> None:
    """Bounded like every body."""
    with pytest.raises(Rejected, match=r"body\.charset"):
        read(FORM, b"a=%FF")
    with pytest.raises(Rejected, match=r"bound\.names"):
        read(FORM, b"a=1&" * 1001)

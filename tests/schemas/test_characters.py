"""Characters that mean something else elsewhere, and long numbers that a spreadsheet rewrote."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from schemas.documents import check
from schemas.documents.characters import is_rewritten
from schemas.findings import Rejected
from schemas.samples import sample


def _case(**changes: Any) -> dict[str, Any]:
    return sample("case-file/1", Random(3)) | changes


@pytest.mark.parametrize("number", ["3.30110202605060E+17", "3.3E+17", "3e17", "1E+100", " 9.1510E+17 "])
@pytest.mark.parametrize("field", ["case_number", "permit_number", "inspection_number", "facts"])
def test_a_number_that_a_spreadsheet_rewrote_is_refused(field: str, number: str) -> None:
    """Whatever the field's own shape: its last digits are lost, and the message names who lost them."""
    with pytest.raises(Rejected) as caught:
        check("case-file/1", _case(**{field: number}))
    told = [(one.code, one.field) for one in caught.value.findings if one.field == field]
    assert told == [("value.spreadsheet", field)]
    finding = next(one for one in caught.value.findings if one.field == field)
    assert "Excel" in finding.message.zh
    assert "Excel" in finding.message.en


@pytest.mark.parametrize(
    "text", ["330110202605060123", "AJ-7", "E+17", "3.3E+1", "3.3E-17", "33E+17", "3.3E+17号", "3.3E+1234", "0E+17", ""]
)
def test_what_no_spreadsheet_writes_is_not_told(text: str) -> None:
    """Short ones, small ones, and part of a text."""
    assert not is_rewritten(text)


@pytest.mark.parametrize(
    ("character", "point"),
    [
        ("\ue81e", "U+E81E"),
        ("\ue000", "U+E000"),
        ("\uf8ff", "U+F8FF"),
        ("\U000f0000", "U+F0000"),
        ("\U00100001", "U+100001"),
    ],
)
def test_a_private_use_character_is_told_with_its_place(character: str, point: str) -> None:
    """A warning: the document is accepted as it is."""
    checked = check(
        "case-file/1",
        _case(
            name=f"某{character}公司案",
            officers=[{"name": f"甲{character}", "number": "33010012345"}, {"name": "乙", "number": "33010012346"}],
        ),
    )
    told = {one.field: one for one in checked.warnings if one.code == "text.private-use"}
    assert set(told) == {"name", "officers[0].name"}
    assert "第 2 个字符" in told["name"].message.zh
    assert point in told["name"].message.zh
    assert point in told["name"].message.en
    assert checked.document["name"] == f"某{character}公司案"


@pytest.mark.parametrize("text", ["（一）《条例》；", "\ufffd", "龴\u9fb4", "𠮷", "\ud7ff", "ﬁ", "！～"])
def test_a_standard_character_is_not_told(text: str) -> None:
    """However rare."""
    assert "text.private-use" not in {one.code for one in check("case-file/1", _case(name=text)).warnings}


def test_no_more_than_fifty_are_told() -> None:
    """The rest is the same."""
    violations = [{"facts": "\ue000"} for _ in range(80)]
    told = [
        one for one in check("case-file/1", _case(violations=violations)).warnings if one.code == "text.private-use"
    ]
    assert len(told) == 50

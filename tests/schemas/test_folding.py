"""Spellings of one number: what is folded away, what stays, what is no number at all."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents import check
from schemas.findings import Rejected
from schemas.identifiers import Misshapen, PlatformNumber, comparison_key, fold, folded
from schemas.identifiers.folding import same_number, says_nothing
from schemas.samples import sample

NUMBER = "AJ-2026-001"

SPELLINGS = (
    NUMBER,
    "AJ-2026-001\u200b",
    "\ufeffAJ-2026-001",
    "\u202aAJ-2026-001\u202c",
    "AJ-2026-００１",
    "AJ－2026－001",
    "AJ-2026-001\u00a0",
    "AJ-2026-001\u3000",
    "AJ\u00ad-2026\u2060-001",
    "\u200eAJ-2026-001\u200f",
    "AJ\u200c-20\u200d26-001\u202e",
    "\u2066AJ-2026-001\u2069",
    "AJ\u034f-2026-001\ufe0f",
    "ＡＪ—2026–001",
    "AJ——2026\u2212001",
    "\tAJ-2026-001\r\n",
)

NO_NUMBERS = (
    "/",
    "／",
    "-",
    "—",
    "——",
    "无",
    "null",
    "NULL",
    "Null",
    "ｎｕｌｌ",
    "0",
    "０",
    "000",
    "0.0",
    "N/A",
    "暂无",
    "待定",
    "未知",
    "未编号",
    r"\N",
    "_",
    "\u200b",
    "\ufeff/",
)


def _progress(number: str) -> dict[str, str]:
    return {"case_number": number, "node": "filed", "at": "2026-05-22T10:00:00+08:00"}


@pytest.mark.parametrize("spelling", SPELLINGS, ids=ascii)
def test_what_nobody_sees_makes_no_other_number(spelling: str) -> None:
    """Nor do full-width letters, digits and dashes: the number is kept as it looks."""
    assert folded(spelling) == PlatformNumber.normalise(spelling) == NUMBER
    assert comparison_key(spelling) == comparison_key(NUMBER)


def test_the_case_of_letters_is_kept_and_not_compared() -> None:
    """A platform gets its number back as it wrote it."""
    assert folded("aj-2026-001b") == "aj-2026-001b"
    assert same_number("aj-2026-001b", "AJ-2026-001B")
    assert not same_number("AJ-2026-001", "AJ-2026-0011")


def test_what_is_neither_letter_digit_nor_dash_is_kept() -> None:
    """Brackets and words of an official number stay as they are written, and are compared half-width."""
    assert folded("（2026）浙环案 12号") == "（2026）浙环案 12号"
    assert same_number("（2026）浙环案 12号", "(2026)浙环案12号")


@pytest.mark.parametrize("text", NO_NUMBERS, ids=ascii)
def test_words_for_none_are_no_number(text: str) -> None:
    """Else all cases without a number would be one case."""
    with pytest.raises(Misshapen) as caught:
        PlatformNumber.normalise(text)
    assert caught.value.finding.code == "number.none"


@pytest.mark.parametrize("text", ["1", "A", "无锡1号", "10", "0-1", "null-7", "NULLA", "案", "-5", "N1"])
def test_a_number_that_only_looks_odd_is_one(text: str) -> None:
    """What has more in it than a word for "none" names something."""
    assert PlatformNumber.normalise(text) == text
    assert not says_nothing(text)


@pytest.mark.parametrize("text", ["A" * 101, "A\x00B", "A\nB", "A\uffff"], ids=ascii)
def test_a_number_has_a_length_and_no_control_characters(text: str) -> None:
    """An impossible number is told by its shape."""
    with pytest.raises(Misshapen) as caught:
        PlatformNumber.normalise(text)
    assert caught.value.finding.code == "number.shape"


@pytest.mark.parametrize("spelling", SPELLINGS, ids=ascii)
def test_a_document_keeps_the_number_and_what_was_written(spelling: str) -> None:
    """The canonical check folds; the written text is kept beside it."""
    checked = check("case-progress/1", _progress(spelling))
    assert checked.document["case_number"] == NUMBER
    assert checked.raw.get("case_number", NUMBER) == spelling


@pytest.mark.parametrize("text", ["/", "null", "无"])
def test_a_document_must_have_its_own_number(text: str) -> None:
    """The error says that this is none, and what to do."""
    with pytest.raises(Rejected) as caught:
        check("case-progress/1", _progress(text))
    [finding] = caught.value.findings
    assert (finding.code, finding.field) == ("number.none", "case_number")
    assert "不是编号" in finding.message.zh


@pytest.mark.parametrize("text", ["/", "0", "无", "\u200b"])
def test_a_number_that_need_not_be_there_is_left_out(text: str) -> None:
    """With a warning: an inspection numbered "/" would tie cases together that have nothing in common."""
    report = {
        "order_number": "D1",
        "state": "done",
        "reported_at": "2026-05-22T10:00:00+08:00",
        "inspection_number": text,
    }
    checked = check("dispatch-report/1", report)
    assert "inspection_number" not in checked.document
    assert [(one.code, one.field) for one in checked.warnings] == [("number.none", "inspection_number")]


def test_what_is_left_out_of_an_object_is_told_though_nothing_else_is_in_it() -> None:
    """The object goes with it."""
    order = sample("dispatch-order/1", Random(2)) | {"related": {"case_number": "/"}}
    checked = check("dispatch-order/1", order)
    assert "related" not in checked.document
    assert [(one.code, one.field) for one in checked.warnings] == [("number.none", "related.case_number")]


@pytest.mark.parametrize("blank", ["", "  ", "\u3000", None])
def test_a_blank_is_nothing_to_tell(blank: str | None) -> None:
    """Neither a warning nor a written text."""
    report = {"order_number": "D1", "state": "done", "reported_at": "2026-05-22T10:00:00+08:00"}
    checked = check("dispatch-report/1", report | {"inspection_number": blank})
    assert (checked.document, checked.warnings, checked.raw) == (report, (), {})


@given(st.text("AJaj019-—–－ＡＪａ０１９ \u3000\u00a0\u200b\u202a\ufeff\u00ad（）()〔〕/／案字", max_size=40))
def test_folding_is_done_once_and_for_all(text: str) -> None:
    """What was folded stays as it is, and has the same key."""
    assert folded(folded(text)) == folded(text)
    assert comparison_key(folded(text)) == comparison_key(text)
    assert fold(fold(text)) == fold(text)

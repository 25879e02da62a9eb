"""Text from a stranger: nothing in it moves a cursor, hides, or turns the line around it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.plain import plain


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("案号重复，请核对", "案号重复，请核对"),
        ("plain ASCII, 100 %", "plain ASCII, 100 %"),
        ("𠮷野家 㐂 😀 é", "𠮷野家 㐂 😀 é"),
        ("\x1b[31mEVIL\x1b[0m", "\ufffd[31mEVIL\ufffd[0m"),
        ("\x9b31mEVIL", "\ufffd31mEVIL"),
        ("\x1b]8;;http://evil\x07link", "\ufffd]8;;http://evil\ufffdlink"),
        ("one\r\ntwo\tthree\u2028four\x85five", "one  two three four five"),
        ("a\x00b\x08c\x7fd", "a\ufffdb\ufffdc\ufffdd"),
        ("txt.\u202egpj.exe", "txt.\ufffdgpj.exe"),
        ("\u2066a\u2069\u200e\u200f\u061c", "\ufffda\ufffd\ufffd\ufffd\ufffd"),
        ("浙\u200b环\u00ad罚\ufeff\u2060〔2026〕", "浙环罚〔2026〕"),
        ("\ud800half", "\ufffdhalf"),
        ("\U000e0041\U000e0042", "\ufffd\ufffd"),
        ("", ""),
    ],
)
def test_a_text_is_shown_as_itself_or_marked(said: str, shown: str) -> None:
    """What would act on a terminal or a page leaves a mark; what cannot be seen at all is left out."""
    assert plain(said) == shown


@given(st.text(st.characters()))
def test_nothing_that_acts_is_left(text: str) -> None:
    """Whatever is sent; and doing it twice changes nothing."""
    shown = plain(text)
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert plain(shown) == shown

"""Texts with {names} in them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.placeholders import BadTemplate, compile_tree, flatten, parse

MIDNIGHT = datetime(2026, 8, 14, 16, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("{a}-{b}", "1-x"),
        ("{{{a}}}", "{1}"),
        ("{party.name}", "某公司"),
        ("{at:%Y%m%d}", "20260815"),
        ("{at}", "2026-08-15T00:30:00+08:00"),
        ("{missing}", ""),
        ("{money}", "20000"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_values_are_filled_in(text: str, written: str) -> None:
    """Times in Shanghai, decimals without exponent, braces doubled, nothing for what is not there."""
    values = {"a": 1, "b": "x", "party.name": "某公司", "at": MIDNIGHT, "money": Decimal("2E+4")}
    assert parse(text).render(values) == written


def test_each_value_is_escaped_and_the_text_is_not() -> None:
    """What the author wrote is the author's."""
    assert parse("<a>{x}</a>").render({"x": "<b>"}, lambda text: text.replace("<", "&lt;")) == "<a>&lt;b></a>"


@pytest.mark.parametrize("form", ["%c", "%s", "%999999999Y", "%-d", "%%", "x", "%", "%Y\n", "%Y" * 33, "%EY", "%Z"])
def test_a_date_format_is_digits_and_text(form: str) -> None:
    """Nothing that the machine's locale or clock decides, no widths, and a directive at least."""
    with pytest.raises(BadTemplate) as caught:
        parse(f"{{at:{form}}}")
    assert caught.value.message.zh != caught.value.message.en


@pytest.mark.parametrize("text", ["{", "}", "{a", "a}", "{}", "{0}", "{a!r}", "{a[0]}", "{a.}{", "{ a }"])
def test_broken_braces_are_told(text: str) -> None:
    """No indexing, no conversions: a placeholder is a name."""
    with pytest.raises(BadTemplate):
        parse(text)


def test_a_lone_placeholder_is_known() -> None:
    """It may stand for more than text."""
    assert parse("{record}").alone == "record"
    assert parse("{at:%Y}").alone is None
    assert parse("x{record}").alone is None


def test_a_documents_leaves_have_dotted_names() -> None:
    """Lists have none."""
    assert flatten({"a": {"b": {"c": 1}}, "d": [1], "e": None}) == {"a.b.c": 1, "e": None}


def test_constant_trees_hold_placeholders() -> None:
    """Missing values are empty."""
    assert compile_tree({"a": "{x}", "b": [True, None, "{{y}}"]})({}) == {"a": "", "b": [True, None, "{y}"]}

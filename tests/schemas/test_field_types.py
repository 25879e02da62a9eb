"""Money, decimals, dates and times come to one form, or are refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers import Misshapen
from schemas.scalars import day, instant, money, plain_decimal


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("20000.00", "20000"),
        ("0.20", "0.2"),
        ("2E+4", "20000"),
        (Decimal("2E+4"), "20000"),
        (20000, "20000"),
        ("-0.00", "0"),
        ("+7", "7"),
        ("007.10", "7.1"),
        (" 1 ".strip(), "1"),
    ],
)
def test_decimals_are_plain(written: Any, plain: str) -> None:
    """No exponent, no trailing zeros, no sign on zero."""
    assert plain_decimal(written) == plain


@pytest.mark.parametrize(
    "written", ["NaN", "Infinity", "1_000", "20,000", "1e99", "２", "", 0.2, True, None, [], "9" * 16]
)
def test_what_is_no_plain_number_is_refused(written: Any) -> None:
    """A float has lost what was written already; separators, words and huge numbers are not decimals."""
    with pytest.raises(Misshapen):
        plain_decimal(written)


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=4))
def test_a_plain_decimal_keeps_its_value(number: Decimal) -> None:
    """The normal form is the same number, and settled."""
    plain = plain_decimal(number)
    assert Decimal(plain) == number
    assert plain_decimal(plain) == plain


def test_money_is_not_negative_and_no_finer_than_a_fen() -> None:
    """An amount with more decimals was probably meant in 万元."""
    assert money("2000.50") == "2000.5"
    for bad, code in (("-1", "money.negative"), ("0.123", "money.fraction")):
        with pytest.raises(Misshapen) as caught:
            money(bad)
        assert caught.value.finding.code == code


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("2026-09-01T09:00:00+08:00", "2026-09-01T09:00:00+08:00"),
        ("2026-09-01T01:00:00Z", "2026-09-01T09:00:00+08:00"),
        ("2026-08-31 20:00:00-0500", "2026-09-01T09:00:00+08:00"),
        ("2026-09-01T09:00+08:00", "2026-09-01T09:00:00+08:00"),
        ("2026-09-01T09:00:00.000+08:00", "2026-09-01T09:00:00+08:00"),
        ("2026-09-01T09:00:00.25+08:00", "2026-09-01T09:00:00.250000+08:00"),
    ],
)
def test_times_come_to_china_time(written: str, normal: str) -> None:
    """One offset, a fraction only when there is one."""
    assert instant(written) == normal
    assert instant(normal) == normal


@pytest.mark.parametrize(
    "written", ["2026-09-01T09:00:00", "2026-02-30T09:00:00+08:00", "0001-01-01T00:00:00+14:00", "x", 5, None]
)
def test_a_time_without_offset_or_that_never_was_is_refused(written: Any) -> None:
    """A time without its offset is not a time."""
    with pytest.raises(Misshapen):
        instant(written)


@pytest.mark.parametrize("written", ["20260901", "2026-02-30", "2026-W01-1", "2026/09/01", None, 20260901])
def test_a_date_has_one_form(written: Any) -> None:
    """`YYYY-MM-DD` and a day that was."""
    assert day("2099-12-31") == "2099-12-31"
    with pytest.raises(Misshapen):
        day(written)

"""Values in replies, whoever printed them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from adapters.exchange.scalar import comparable, reference


@pytest.mark.parametrize(
    ("value", "same_as"),
    [
        (0, "0"),
        (Decimal("0.0"), "0"),
        (Decimal("0E+2"), "0"),
        (Decimal("-0"), "0"),
        ("0", "0"),
        (" 0 ", "0"),
        ("0.0", "0"),
        ("0e0", "0"),
        ("\n      0\n", "0"),
        (Decimal("1001.0"), "1001"),
        (Decimal("1.001E+3"), "1001"),
        ("200.00", "200"),
        (Decimal("0.50"), "0.5"),
        (True, "true"),
        ("True", "true"),
        (" FALSE", "false"),
        (None, ""),
    ],
)
def test_one_value_has_one_form(value: Any, same_as: str) -> None:
    """For comparing with a rule."""
    assert comparable(value) == same_as == comparable(same_as)


@pytest.mark.parametrize(
    ("one", "other"), [("0000", 0), ("01", 1), ("1", "10"), ("00", "0"), ("OK", "ok"), ("", 0), ("1e999", "1e998")]
)
def test_what_differs_stays_different(one: Any, other: Any) -> None:
    """A code with leading zeros is a text."""
    assert comparable(one) != comparable(other)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("20260001.0"), "20260001"),
        (Decimal("2.026E7"), "20260000"),
        (20260001, "20260001"),
        ("20260001.0", "20260001"),
        (" C1 ", "C1"),
        ("0012", "0012"),
        ("2E5", "2E5"),
        ("1.10", "1.10"),
        ("AJ-7.0", "AJ-7.0"),
        (Decimal("NaN"), "NaN"),
    ],
)
def test_a_reference_is_the_number_the_platform_meant(value: Any, written: str) -> None:
    """A text is kept as it is written."""
    assert reference(value) == written

"""Numbers of living people: told from others by shape and check digit."""

from __future__ import annotations

from random import Random

import pytest

from schemas import invented
from schemas.real import CARD, CITIZEN, MOBILE, real_numbers


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("身份证11010519491231002X。", [CITIZEN]),
        ("身份证11010519491231002x。", [CITIZEN]),
        ("110105194912310021", []),
        ("11010519499931002X", []),
        ("卡号6222021234567890128", [CARD]),
        ("卡号6222021234567890129", []),
        ("4111111111111111", [CARD]),
        ("电话13912345678", [MOBILE]),
        ("+86 13912345678", [MOBILE]),
        ("0571-12345678 12912345678 139123456789", []),
        ("2026070109000000001", []),
        ("0.13912345678", []),
    ],
)
def test_each_kind_is_told_by_its_checks(text: str, kinds: list[object]) -> None:
    """A digit more, a wrong check digit or an impossible day, and it is nobody's."""
    assert [one.kind for one in real_numbers(text)] == kinds


def test_the_numbers_we_invent_are_real_enough() -> None:
    """Which is why samples have to say that they are invented."""
    number = invented.citizen_id(Random(1))
    assert [one.number for one in real_numbers(f"id={number},")] == [number]


def test_a_long_text_costs_what_it_weighs() -> None:
    """Digits without end are read once."""
    assert list(real_numbers("1" * 1_000_000)) == []

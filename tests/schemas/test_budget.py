"""The budget of work: lowered by bundles, raised by operators, and named when it is broken."""

from __future__ import annotations

import pytest

from schemas.budget import BOUNDS, FINDINGS, NAMES, STANDARD, Budget, at_most
from schemas.findings import Finding, Text


def test_every_bound_is_described_and_below_its_ceiling() -> None:
    """No field of a budget without its words, and none that begins above what an operator may set."""
    assert set(NAMES) == set(BOUNDS)
    assert all(getattr(STANDARD, name) <= BOUNDS[name].ceiling for name in NAMES)


def test_a_bundle_may_only_lower() -> None:
    """What it says above the standard changes nothing."""
    assert STANDARD.lowered({"nodes": 10, "depth": 10_000, "items": None}) == Budget(nodes=10)


def test_an_operator_raises_up_to_the_ceiling() -> None:
    """Beyond it, and for a bound that does not exist, the setting itself is wrong."""
    assert STANDARD.raised({"nodes": 2_000_000}).nodes == 2_000_000
    for wrong in ({"nodes": 2_000_001}, {"nodes": 0}, {"knots": 1}, {"findings": FINDINGS + 1}):
        with pytest.raises(ValueError, match="bound"):
            STANDARD.raised(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_bound_is_named_with_its_value_and_place(name: str) -> None:
    """In the code, in both languages, and as a finding."""
    error = Budget().exceeded(name, "line 3")
    assert error.bound == name
    assert error.limit == getattr(STANDARD, name)
    assert error.code == (BOUNDS[name].code or f"bound.{name}")
    assert str(error.limit) in error.detail.zh
    assert error.detail.en.startswith("line 3")
    assert [one.code for one in error.findings] == [error.code]
    assert error.status in (400, 413, 422)


def test_no_more_findings_are_made_than_are_told() -> None:
    """The rest of a generator is never asked for."""
    made = 0

    def findings():
        nonlocal made
        while True:
            made += 1
            yield Finding("x", Text("", ""))

    found = at_most(findings())
    assert [one.code for one in found] == ["x"] * FINDINGS + ["bound.findings"]
    assert made == FINDINGS + 1

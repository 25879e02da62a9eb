"""What a shadow found, counted within bounds."""

from __future__ import annotations

import pytest

from gateway.observe.tally import ExamplePair, Found, Tally, is_expected


@pytest.mark.parametrize(
    ("path", "expected"), [("party.name", True), ("party", True), ("partyx", False), ("kinds[]", True)]
)
def test_what_lies_in_an_expected_field_is_expected(path, expected):
    """A declared object covers its fields, a declared list its elements."""
    assert is_expected(path, ("party", "kinds")) is expected


def test_a_tally_is_bounded():
    """Fields and examples have an end; the counts go on."""
    tally = Tally()
    for number in range(1000):
        tally.add(
            "op", [Found(f"f{number}", ExamplePair("a", str(number))), Found("same", ExamplePair("a", str(number)))]
        )
    counts = tally.counts(())
    assert counts.compared == 1000
    assert len(counts.fields) <= 201
    assert next(one for one in counts.fields if one.field == "same").count == 1000
    assert all(len(one.examples) <= 3 for one in counts.fields)

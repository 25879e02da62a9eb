"""What a document must say for a route to apply."""

from __future__ import annotations

import pytest

from schemas.route_condition import ALWAYS, read


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"publish": {}},
        {"publish": {"allowed": False}},
        {"publish": {"allowed": "yes"}},
        {"publish": {"allowed": 1}},
        {"publish": True},
        {"publish": [{"allowed": True}]},
    ],
)
def test_only_an_explicit_yes_is_one(document):
    """Nothing that is absent, another word, a number or in another place is taken for `true`."""
    allowed = read({"at": "publish.allowed", "is": True})
    assert not allowed.holds(document)
    assert allowed.holds({"publish": {"allowed": True}})


def test_a_value_may_be_one_of_several():
    """`in` lists them; a field that is not there has none of them."""
    severe = read({"at": "level", "in": ["general", "serious"]})
    assert [severe.holds({"level": one}) for one in ("minor", "general", "serious")] == [False, True, True]
    assert not severe.holds({})


def test_presence_may_be_asked_for_either_way():
    """There, or not there."""
    assert read({"at": "mandate", "present": True}).holds({"mandate": {"kind": "cross"}})
    assert not read({"at": "mandate", "present": False}).holds({"mandate": {"kind": "cross"}})
    assert read({"at": "mandate", "present": False}).holds({})
    assert not read({"at": "mandate.number", "present": True}).holds({"mandate": None})


def test_nothing_said_holds_always():
    """A destination without a condition."""
    assert ALWAYS.holds({})
    assert read(None) == ALWAYS

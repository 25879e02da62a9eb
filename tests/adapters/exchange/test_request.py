"""Requests: the envelope, a constant tree around a record."""

from __future__ import annotations

from adapters.exchange.request import compile_envelope, record_path
from adapters.paths import EACH, Path


def _text(record: object) -> str:
    return f"<{record}>"


def test_the_record_stands_where_it_is_named() -> None:
    """As a tree or as text; the count stays a number."""
    wrap = compile_envelope(
        {"h": {"n": "{count}", "t": "共{count}条"}, "d": ["{record}"], "x": "{record_text}", "k": 1}, _text
    )
    assert wrap({"count": 1}, {"a": 1}) == {
        "h": {"n": 1, "t": "共1条"},
        "d": [{"a": 1}],
        "x": "<{'a': 1}>",
        "k": 1,
    }


def test_no_envelope_wraps_nothing() -> None:
    """The record is the body."""
    assert compile_envelope(None, _text)({}, {"a": 1}) == {"a": 1}


def test_text_is_made_only_where_it_is_used() -> None:
    """Writing a record twice costs."""

    def never(record: object) -> str:
        raise AssertionError

    assert compile_envelope("{record}", never)({}, {"a": 1}) == {"a": 1}


def test_where_the_record_stands_is_known() -> None:
    """For the check, to look into the native schema."""
    assert record_path({"a": {"b": ["{record}"]}}) == Path(("a", "b", EACH))
    assert record_path({"a": "{record_text}"}) is None
    assert record_path(None) == Path(())

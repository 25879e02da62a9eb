from __future__ import annotations

import pytest

from gateway.telemetry.trace import trace_id, traceparent

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_callers_trace_goes_on() -> None:
    """Their trace id is ours."""
    assert trace_id(CALLER) == ID


@pytest.mark.parametrize("header", [None, "", "nonsense", "00-0-0-0", "00-" + "0" * 32 + "-00f067aa0ba902b7-01"])
def test_without_a_trace_a_new_one_begins(header: str | None) -> None:
    """A missing or malformed header starts a trace; two never share one."""
    first, second = trace_id(header), trace_id(header)
    assert len(first) == 32
    assert first != second


def test_each_call_is_a_child_of_the_trace() -> None:
    """The same trace id, another span each time."""
    one, two = traceparent(ID), traceparent(ID)
    assert one.split("-")[:2] == ["00", ID]
    assert one != two


@pytest.mark.parametrize("known", [None, "", "UPPER", "0" * 32])
def test_a_trace_id_that_is_none_begins_a_new_trace(known: str | None) -> None:
    """What is no trace id is never written out."""
    written = traceparent(known)
    assert len(written) == 55
    assert trace_id(written) == written.split("-")[1] != known

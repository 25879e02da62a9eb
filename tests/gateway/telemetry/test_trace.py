from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.clock import derived_id, new_id
from gateway.telemetry.trace import span_id, trace_of, traceparent

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def test_a_callers_trace_goes_on() -> None:
    """Their trace id is ours, and their span is known."""
    assert trace_of(CALLER) == (ID, SPAN)


@pytest.mark.parametrize("header", [None, "", "nonsense", "00-0-0-0", "00-" + "0" * 32 + "-00f067aa0ba902b7-01"])
def test_without_a_trace_a_new_one_begins(header: str | None) -> None:
    """A missing or malformed header starts a trace without a span; two never share one."""
    first, second = trace_of(header), trace_of(header)
    assert len(first[0]) == 32
    assert first[0] != second[0]
    assert first[1] is None


def test_a_call_names_its_trace_and_its_span() -> None:
    """As W3C writes it, and as a receiver reads it."""
    assert traceparent(ID, SPAN) == CALLER
    assert trace_of(traceparent(ID, SPAN)) == (ID, SPAN)


@pytest.mark.parametrize("known", [None, "", "UPPER", "0" * 32])
def test_a_trace_id_that_is_none_begins_a_new_trace(known: str | None) -> None:
    """What is no trace id is never written out."""
    written = traceparent(known, SPAN)
    assert len(written) == 55
    assert trace_of(written)[0] == written.split("-")[1] != known


def test_a_span_follows_from_what_it_tells_of() -> None:
    """The same for the same, whoever asks and when; another for each message, delivery and attempt; never zero."""
    ids = [new_id(NOW), new_id(NOW), derived_id(NOW, "a"), derived_id(NOW, "b"), "d-1", "m-1"]
    spans = [span_id(each, attempt) for each in ids for attempt in (1, 2, 3)]
    assert spans == [span_id(each, attempt) for each in ids for attempt in (1, 2, 3)]
    assert len(set(spans)) == len(spans)
    assert all(trace_of(traceparent(ID, each)) == (ID, each) for each in spans)

"""The W3C trace context: read a caller's `traceparent`, write one for each call of ours."""

from __future__ import annotations

import re

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.clock import random_bytes

_propagator = TraceContextTextMapPropagator()
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_NONE = "0" * 32


def trace_id(traceparent: str | None) -> str:
    """Give the trace id of a `traceparent` header; a new one when it is absent or malformed."""
    if traceparent:
        context = _propagator.extract({"traceparent": traceparent})
        span = trace.get_current_span(context).get_span_context()
        if span.is_valid:
            return trace.format_trace_id(span.trace_id)
    return random_bytes().hex()


def traceparent(trace_id: str | None) -> str:
    """Write a `traceparent` for a new child span of a trace; of a new trace when none is given."""
    known = trace_id if trace_id and trace_id != _NONE and _TRACE_ID.fullmatch(trace_id) else random_bytes().hex()
    return f"00-{known}-{random_bytes()[:8].hex()}-01"

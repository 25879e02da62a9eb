"""The W3C trace context: read a caller's `traceparent`, write one for each call of ours.

The ids of our spans follow from the ids of what they tell of, so that a delivery's span goes on from
its message's after a restart, in another process, and though nothing is kept for that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.clock import random_bytes

_propagator = TraceContextTextMapPropagator()
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_NONE = "0" * 32
_RANDOM_END = re.compile(r"[89ab][0-9a-f]{15}")
"""The last digits of a UUID (RFC 9562): its variant, which is never zero, and 62 random bits."""


def is_configured(environment: Mapping[str, str]) -> bool:
    """Tell whether the environment says where traces go, by OpenTelemetry's own settings."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() not in ("", "otlp"):
        return False
    return any(environment.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip() for name in ("ENDPOINT", "TRACES_ENDPOINT"))


def trace_of(traceparent: str | None) -> tuple[str, str | None]:
    """Give the trace id and the caller's span id of a `traceparent` header.

    A new trace id, and no span, when it is absent or malformed.
    """
    if traceparent:
        context = _propagator.extract({"traceparent": traceparent})
        span = trace.get_current_span(context).get_span_context()
        if span.is_valid:
            return trace.format_trace_id(span.trace_id), trace.format_span_id(span.span_id)
    return random_bytes().hex(), None


def span_id(id: str, attempt: int = 1) -> str:
    """Give the id of the span that tells of a message, or of an attempt of a delivery.

    A delivery's request is written at its first attempt and never changes, so what it brings to the
    platform is the span of the first one.
    """
    end = id.replace("-", "")[-16:]
    if attempt == 1 and _RANDOM_END.fullmatch(end):
        return end
    return sha256(f"{id}/{attempt}".encode()).hexdigest()[:16]


def traceparent(trace_id: str | None, span: str) -> str:
    """Write a `traceparent` for a span of a trace; of a new trace when none is given."""
    known = trace_id if trace_id and trace_id != _NONE and _TRACE_ID.fullmatch(trace_id) else random_bytes().hex()
    return f"00-{known}-{span}-01"

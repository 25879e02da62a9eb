"""OpenTelemetry spans, made of events and sent by OTLP. Imported only where that is configured.

A message has a span from its receipt to its acceptance, with the ledger's part of it as a child; each
attempt of a delivery one from sending to its answer, a child of its message's. Their ids follow from the
ids of message and delivery (`trace.span_id`), so that nothing has to be kept until a delivery is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gateway.clock import Clock
from gateway.telemetry.events import AttemptEnded, Event, MessageAccepted
from gateway.telemetry.trace import span_id

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NANOSECONDS = 1_000_000_000
Attributes = Mapping[str, str | int | bool]


class SpanHook:
    """A hook that makes spans of events and hands them to a processor, which sends them on a thread of its own.

    Which traces are sent is decided by the sampler of the OTEL_ settings, by the trace id alone: so a
    message and its deliveries are decided alike, in every process and after a restart. `stop` sends
    what is left.
    """

    def __init__(self, provider: TracerProvider, processor: SpanProcessor, clock: Clock) -> None:
        self._provider = provider
        self._processor = processor
        self._clock = clock

    @classmethod
    def configured(cls, clock: Clock) -> SpanHook:
        """Make the one that the OTEL_ settings of the environment describe."""
        return cls(TracerProvider(shutdown_on_exit=False), BatchSpanProcessor(OTLPSpanExporter()), clock)

    def __call__(self, event: Event) -> None:
        """Make the spans of an event."""
        make = _MAKERS.get(type(event))
        if make is not None:
            make(self, event)

    def stop(self) -> None:
        """Send what is left and end; it takes as long as the receiver does."""
        self._processor.shutdown()

    # ── what becomes of an event ──────────────────────────────────────────────────────────────
    def _accepted(self, event: MessageAccepted) -> None:
        if event.duplicate:  # its span was told when it was accepted; another of that id would contradict it
            return
        ended, own = self._clock(), span_id(event.message_id)
        attributes: dict[str, str | int | bool] = {
            "hutong.message.id": event.message_id,
            "hutong.message.type": event.type,
            "hutong.platform": event.platform,
            "hutong.operation": event.operation,
        }
        began = ended - timedelta(seconds=event.seconds)
        name = f"accept {event.type}"
        self._send(name, event.trace_id, own, event.caller_span, SpanKind.SERVER, began, ended, attributes)
        kept = ended - timedelta(seconds=event.keeping)
        self._send(
            "ledger", event.trace_id, span_id(event.message_id, 2), own, SpanKind.INTERNAL, kept, ended, attributes
        )

    def _attempted(self, event: AttemptEnded) -> None:
        began = event.started_at or self._clock()
        attributes: dict[str, str | int | bool] = {
            "hutong.message.id": event.message_id,
            "hutong.message.type": event.type,
            "hutong.platform": event.platform,
            "hutong.delivery.id": event.delivery_id,
            "hutong.attempt": event.number,
            "hutong.verdict": event.verdict,
        }
        if event.status is not None:
            attributes["http.response.status_code"] = event.status
        if event.code is not None:
            attributes["hutong.code"] = event.code
        self._send(
            f"deliver {event.type}",
            event.trace_id,
            span_id(event.delivery_id, event.number),
            span_id(event.message_id),
            SpanKind.CLIENT,
            began,
            began + timedelta(seconds=event.seconds),
            attributes,
            failed=event.failed,
        )

    def _send(
        self,
        name: str,
        trace_id: str | None,
        own: str,
        parent: str | None,
        kind: SpanKind,
        began: datetime,
        ended: datetime,
        attributes: Attributes,
        *,
        failed: bool = False,
    ) -> None:
        if trace_id is None:
            return
        trace = int(trace_id, 16)
        sampled = self._provider.sampler.should_sample(None, trace, name, kind, dict(attributes))
        if sampled.decision is not Decision.RECORD_AND_SAMPLE:
            return
        above = SpanContext(trace, int(parent, 16), is_remote=True, trace_flags=_SAMPLED) if parent else None
        self._processor.on_end(
            ReadableSpan(
                name=name,
                context=SpanContext(trace, int(own, 16), is_remote=False, trace_flags=_SAMPLED),
                parent=above,
                resource=self._provider.resource,
                attributes=dict(attributes),
                kind=kind,
                status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
                start_time=int(began.timestamp() * _NANOSECONDS),
                end_time=int(ended.timestamp() * _NANOSECONDS),
            )
        )


_MAKERS: Mapping[type, Callable[[SpanHook, Event], None]] = {
    MessageAccepted: SpanHook._accepted,  # type: ignore[dict-item]
    AttemptEnded: SpanHook._attempted,  # type: ignore[dict-item]
}

"""Counts events for Prometheus, and shows the backlog as it stands when asked.

Labels are bounded: platforms, kinds and message types are registered ones, codes are our own words,
and whatever goes beyond the limit is counted under `other`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.telemetry.events import (
    AttemptEnded,
    DeliverySettled,
    DeliveryStumbled,
    DeliveryUnrouted,
    DocumentRejected,
    Event,
    FieldDrifted,
    MessageAccepted,
    PlatformHeld,
    PlatformReleased,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""The content type of an exposition."""

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 43200.0, 259200.0)
_MOST_LABELS = 4096


class Standing(Protocol):
    """How many deliveries stand in a state, and since when (the ledger's backlog says it)."""

    @property
    def platform(self) -> str | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def held_by(self) -> str | None: ...
    @property
    def count(self) -> int: ...
    @property
    def oldest(self) -> datetime: ...


class Bounded:
    """Lets through so many different label values, and calls every further one `other`."""

    def __init__(self, most: int = _MOST_LABELS) -> None:
        self._most = most
        self._seen: set[str] = set()

    def __call__(self, value: str) -> str:
        """Give the value, or `other` when there are too many already."""
        if value in self._seen:
            return value
        if len(self._seen) >= self._most:
            return "other"
        self._seen.add(value)
        return value


class Metrics:
    """A hook that counts; one registry of its own, so that two gateways in a process never mix."""

    def __init__(self, *, most_labels: int = _MOST_LABELS) -> None:
        self.registry = CollectorRegistry()
        self._platform = Bounded(most_labels)
        self._code = Bounded(most_labels)
        self._operation = Bounded(most_labels)
        self._count()
        self._time()
        self._show()
        self._takers: Mapping[type[Any], Callable[[Any], None]] = {
            MessageAccepted: self._accept,
            DocumentRejected: self._reject,
            DeliveryUnrouted: self._miss,
            AttemptEnded: self._attempt,
            DeliverySettled: self._settle,
            PlatformHeld: self._hold,
            PlatformReleased: self._release,
            DeliveryStumbled: self._stumble,
            FieldDrifted: self._drift,
        }

    def _count(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=self.registry)

        self._accepted = counter(
            "hutong_messages_accepted", "Messages accepted (duplicates apart).", "platform", "type", "duplicate"
        )
        self._rejected = counter(
            "hutong_documents_rejected", "Documents not accepted from their sender.", "platform", "code"
        )
        self._unrouted = counter("hutong_deliveries_unrouted", "Deliveries with no platform to go to.", "kind", "type")
        self._attempts = counter("hutong_attempts", "Attempts to deliver, by how they ended.", "platform", "verdict")
        self._delivered = counter("hutong_deliveries_delivered", "Deliveries accepted by the platform.", "platform")
        self._refused = counter(
            "hutong_deliveries_refused", "Deliveries the platform understood and refused.", "platform"
        )
        self._dead = counter("hutong_deliveries_dead", "Deliveries we gave up; each parks its lane.", "platform")
        self._holds = counter("hutong_platform_holds", "Times a whole platform was held.", "platform", "by")
        self._drifts = counter(
            "hutong_drift",
            "Native fields that an adapter does not know, misses or cannot read.",
            "platform",
            "operation",
            "what",
        )
        self._stumbles = counter("hutong_delivery_stumbles", "Failures of the gateway itself.", "platform")

    def _time(self) -> None:
        self._accepting = Histogram(
            "hutong_accept_seconds", "From a document's arrival to its 202.", buckets=_FAST, registry=self.registry
        )
        self._trying = Histogram(
            "hutong_attempt_seconds", "How long an attempt took.", ["platform"], buckets=_FAST, registry=self.registry
        )
        self._travelling = Histogram(
            "hutong_delivery_seconds",
            "From a message's acceptance to its delivery.",
            ["platform"],
            buckets=_SLOW,
            registry=self.registry,
        )

    def _show(self) -> None:
        labels = ["platform", "kind", "state", "held_by"]
        self._backlog = Gauge("hutong_backlog", "Deliveries not done with.", labels, registry=self.registry)
        self._oldest = Gauge(
            "hutong_backlog_oldest_seconds", "Age of the oldest of them.", labels, registry=self.registry
        )
        self._held = Gauge(
            "hutong_platform_held", "1 while the platform is held.", ["platform", "by"], registry=self.registry
        )

    def __call__(self, event: Event) -> None:
        """Count one event."""
        take = self._takers.get(type(event))
        if take is not None:
            take(event)

    def exposition(self, backlog: Iterable[Standing], now: datetime) -> bytes:
        """Write everything counted so far, with the backlog as it stands now."""
        self._backlog.clear()
        self._oldest.clear()
        for standing in backlog:
            labels = (standing.platform or "", standing.kind, str(standing.state), str(standing.held_by or ""))
            self._backlog.labels(*labels).set(standing.count)
            self._oldest.labels(*labels).set(max(0.0, (now - standing.oldest).total_seconds()))
        return generate_latest(self.registry)

    def _accept(self, event: MessageAccepted) -> None:
        platform = self._platform(event.platform)
        self._accepted.labels(platform, event.type, "true" if event.duplicate else "false").inc()
        self._accepting.observe(event.seconds)

    def _reject(self, event: DocumentRejected) -> None:
        self._rejected.labels(self._platform(event.platform), self._code(event.code)).inc()

    def _miss(self, event: DeliveryUnrouted) -> None:
        self._unrouted.labels(event.kind, event.type).inc()

    def _attempt(self, event: AttemptEnded) -> None:
        platform = self._platform(event.platform)
        self._attempts.labels(platform, event.verdict).inc()
        self._trying.labels(platform).observe(event.seconds)

    def _settle(self, event: DeliverySettled) -> None:
        platform = self._platform(event.platform)
        settled = {"delivered": self._delivered, "refused": self._refused, "dead": self._dead}
        settled[event.state].labels(platform).inc()
        if event.state == "delivered":
            self._travelling.labels(platform).observe(event.seconds)

    def _hold(self, event: PlatformHeld) -> None:
        platform = self._platform(event.platform)
        self._holds.labels(platform, event.by).inc()
        self._held.labels(platform, event.by).set(1)

    def _release(self, event: PlatformReleased) -> None:
        self._held.labels(self._platform(event.platform), event.by).set(0)

    def _stumble(self, event: DeliveryStumbled) -> None:
        self._stumbles.labels(self._platform(event.platform)).inc()

    def _drift(self, event: FieldDrifted) -> None:
        labels = self._platform(event.platform), self._operation(event.operation), event.what
        self._drifts.labels(*labels).inc(event.times)

"""Counts events for Prometheus, and shows the backlog as it stands when asked.

A metric fed by events is one row of METRICS. Labels are bounded: kinds and message types are
registered ones; of platforms, operations and codes, whatever goes beyond the limit is counted under
`other`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from threading import Lock
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.telemetry.events import (
    AdministratorCalled,
    AttemptEnded,
    AttemptTakenBack,
    AuthenticationFailed,
    BatchEnded,
    CallLimited,
    ClaimLost,
    CommitEnded,
    ConnectionRefused,
    DeliveryLeased,
    DeliverySettled,
    DeliveryStopped,
    DeliveryStumbled,
    DeliveryUnrouted,
    DocumentRejected,
    EmergencyCalled,
    EndpointHeld,
    Event,
    FieldDrifted,
    InboxAsked,
    IntakeBusy,
    LeaseLapsed,
    LedgerPruned,
    LoopBlocked,
    LoopLagged,
    MessageAccepted,
    PlatformHeld,
    ReadApart,
    ReceiptLate,
)
from gateway.telemetry.standing import Snapshot, StandingGauges

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""The content type of an exposition."""

LIMITED = ("platform", "operation", "code")
"""Labels whose values come from outside."""

OTHER = "other"
"""The value of such a label for all that is beyond the limit."""

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 43200.0, 259200.0)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_MOST_LABELS = 4096


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: which event feeds it, and which of the event's attributes are its labels.

    With `buckets` it is a histogram, otherwise a counter. `value` is the attribute that is observed or
    added; without it each event adds one. `only`: a property of the event; where it is false nothing counts.
    """

    name: str
    text: str
    event: type[Event]
    labels: tuple[str, ...] = ()
    only: str | None = None
    value: str | None = None
    buckets: tuple[float, ...] | None = None


METRICS = (
    Metric(
        "hutong_messages_accepted",
        "Messages accepted (duplicates apart).",
        MessageAccepted,
        ("platform", "type", "duplicate"),
    ),
    Metric(
        "hutong_documents_rejected",
        "Documents not accepted from their sender.",
        DocumentRejected,
        ("platform", "code"),
    ),
    Metric("hutong_intake_busy", "Calls that were told to come again (429).", IntakeBusy, ("platform",)),
    Metric(
        "hutong_calls_limited",
        "Calls that came more often than their platform may call (429).",
        CallLimited,
        ("platform",),
    ),
    Metric(
        "hutong_batches",
        "Batches, by how they ended: done, cut (the sender left), or the code of what ended them.",
        BatchEnded,
        ("platform", "outcome"),
    ),
    Metric(
        "hutong_reads_apart",
        "Large bodies and replies read in a process of their own, by outcome: ok, rejected, or why they were not read.",
        ReadApart,
        ("platform", "outcome"),
    ),
    Metric(
        "hutong_loop_lag_seconds",
        "How late timers of the event loop come: for so long everybody waits.",
        LoopLagged,
        value="seconds",
        buckets=_FAST,
    ),
    Metric(
        "hutong_loop_blocked_seconds",
        "For how long single steps of more than 100 ms stopped the event loop, by whose they were.",
        LoopBlocked,
        ("platform", "operation"),
        value="seconds",
    ),
    Metric(
        "hutong_connections_refused",
        "Connections refused or closed before anybody knew whose they are.",
        ConnectionRefused,
        ("why",),
    ),
    Metric(
        "hutong_authentications_failed",
        "Calls without a credential that we know.",
        AuthenticationFailed,
        ("why", "call"),
    ),
    Metric(
        "hutong_administrator_calls",
        "Calls under the administrator's token, which stands for no person.",
        AdministratorCalled,
        ("call",),
    ),
    Metric("hutong_emergency_calls", "Calls under the emergency token.", EmergencyCalled, ("call",)),
    Metric("hutong_deliveries_unrouted", "Deliveries with no platform to go to.", DeliveryUnrouted, ("kind", "type")),
    Metric("hutong_attempts", "Attempts to deliver, by how they ended.", AttemptEnded, ("platform", "verdict")),
    Metric(
        "hutong_attempts_failed",
        "Attempts that brought neither yes nor no, by why: `connection.refused`, `timeout.read`, `http.500` …",
        AttemptEnded,
        ("platform", "code"),
        only="failed",
    ),
    Metric(
        "hutong_attempts_unanswered",
        "Attempts that brought no answer at all.",
        AttemptEnded,
        ("platform",),
        only="unanswered",
    ),
    Metric(
        "hutong_deliveries_delivered",
        "Deliveries accepted by the platform.",
        DeliverySettled,
        ("platform",),
        only="delivered",
    ),
    Metric(
        "hutong_deliveries_refused",
        "Deliveries the platform understood and refused.",
        DeliverySettled,
        ("platform",),
        only="refused",
    ),
    Metric(
        "hutong_deliveries_dead",
        "Deliveries we gave up; each parks its lane.",
        DeliverySettled,
        ("platform",),
        only="dead",
    ),
    Metric("hutong_inbox_polls", "Times a platform asked for its inbox, and was answered.", InboxAsked, ("platform",)),
    Metric(
        "hutong_deliveries_leased",
        "Deliveries that platforms fetched; what is leased now is `sending` in the backlog.",
        DeliveryLeased,
        ("platform",),
    ),
    Metric(
        "hutong_leases_lapsed",
        "Leases that lapsed without a receipt; the delivery is given out again.",
        LeaseLapsed,
        ("platform",),
    ),
    Metric("hutong_receipts_late", "Receipts that came after their lease had lapsed.", ReceiptLate, ("platform",)),
    Metric("hutong_platform_holds", "Times a whole platform was held.", PlatformHeld, ("platform", "by")),
    Metric(
        "hutong_endpoint_holds",
        "Times one message type to a platform was held.",
        EndpointHeld,
        ("platform", "type"),
    ),
    Metric(
        "hutong_attempts_taken_back",
        "Attempts that waited for a slot and were taken back before anything was sent.",
        AttemptTakenBack,
        ("platform",),
    ),
    Metric("hutong_claims_lost", "Times another process took over delivering to a platform.", ClaimLost, ("platform",)),
    Metric("hutong_delivery_stops", "Times this process stopped delivering for good.", DeliveryStopped, ("code",)),
    Metric(
        "hutong_drift",
        "Native fields that an adapter does not know, misses or cannot read.",
        FieldDrifted,
        ("platform", "operation", "what"),
        value="times",
    ),
    Metric(
        "hutong_pruned",
        "Messages, bodies of messages, and rejections that went because they were old.",
        LedgerPruned,
        ("what", "type"),
        value="count",
    ),
    Metric("hutong_pruned_bytes", "About how many bytes were kept of them.", LedgerPruned, ("what",), value="size"),
    Metric("hutong_delivery_stumbles", "Failures of the gateway itself.", DeliveryStumbled, ("platform",)),
    Metric(
        "hutong_accept_seconds",
        "From a document's receipt to its 202: the gateway's own time.",
        MessageAccepted,
        value="seconds",
        buckets=_FAST,
    ),
    Metric(
        "hutong_keep_seconds",
        "The ledger's part of that: from handing it over to its answer.",
        MessageAccepted,
        value="keeping",
        buckets=_FAST,
    ),
    Metric(
        "hutong_commit_operations",
        "Operations of the ledger that shared a commit.",
        CommitEnded,
        value="operations",
        buckets=_SIZES,
    ),
    Metric("hutong_commit_seconds", "How long a commit took.", CommitEnded, value="seconds", buckets=_FAST),
    Metric(
        "hutong_first_sent_seconds",
        "From a message's receipt to its first attempt: how long it waited here.",
        AttemptEnded,
        ("platform",),
        only="first",
        value="waited",
        buckets=_SLOW,
    ),
    Metric(
        "hutong_attempt_seconds",
        "How long an attempt took, from sending to the answer or to giving it up.",
        AttemptEnded,
        ("platform",),
        value="seconds",
        buckets=_FAST,
    ),
    Metric(
        "hutong_delivery_seconds",
        "From a message's acceptance to its delivery.",
        DeliverySettled,
        ("platform",),
        only="delivered",
        value="seconds",
        buckets=_SLOW,
    ),
)
"""Every metric that events feed. What is read from the ledger at each scrape is in Metrics."""


class MetricFeed:
    """Feeds one metric. What the labels' values of an event lead to is looked up once and remembered."""

    def __init__(
        self, metric: Metric, collector: Counter | Histogram, label: Callable[[str, Any], str], most: int = _MOST_LABELS
    ) -> None:
        self._metric = metric
        self._only = metric.only
        self._collector = collector
        self._label = label
        self._most = most
        self._values = attrgetter(*metric.labels) if metric.labels else None
        self._counted = attrgetter(metric.value) if metric.value else None
        self._known: dict[Any, Callable[[float], None]] = {}
        self._series: set[tuple[str, ...]] = set()

    def __call__(self, event: Event) -> None:
        """Count an event, if it is one that the metric is about."""
        if self._only is not None and not getattr(event, self._only):
            return
        values = () if self._values is None else self._values(event)
        count = self._known.get(values)
        if count is None:
            count = self._found(values if isinstance(values, tuple) else (values,))
            if len(self._known) < self._most:
                self._known[values] = count
        count(1 if self._counted is None else self._counted(event))

    def _found(self, values: tuple[Any, ...]) -> Callable[[float], None]:
        labels = tuple(self._label(name, value) for name, value in zip(self._metric.labels, values, strict=False))
        # Each label is bounded; what many values of two labels make together is bounded here.
        if labels not in self._series and len(self._series) >= 2 * self._most:
            labels = tuple(
                OTHER if name in LIMITED else value for name, value in zip(self._metric.labels, labels, strict=False)
            )
        self._series.add(labels)
        labelled = self._collector.labels(*labels) if labels else self._collector
        count: Callable[[float], None] = labelled.observe if isinstance(labelled, Histogram) else labelled.inc
        return count


class LabelLimit:
    """Lets through so many different label values, and calls every further one `other`."""

    def __init__(self, most: int = _MOST_LABELS) -> None:
        self._most = most
        self._seen: set[str] = set()

    def __call__(self, value: str) -> str:
        """Give the value, or `other` when there are too many already."""
        if value in self._seen:
            return value
        if len(self._seen) >= self._most:
            return OTHER
        self._seen.add(value)
        return value


class Metrics:
    """A hook that counts; one registry of its own, so that two gateways in a process never mix."""

    def __init__(self, *, most_labels: int = _MOST_LABELS) -> None:
        self.registry = CollectorRegistry()
        self._limits = {name: LabelLimit(most_labels) for name in LIMITED}
        self._fed: dict[type[Event], list[MetricFeed]] = defaultdict(list)
        for metric in METRICS:
            self._fed[metric.event].append(MetricFeed(metric, self._collector(metric), self._label, most_labels))
        self._shown: dict[str, Gauge] = {}
        self._writing = Lock()
        self._standing = StandingGauges(self.registry, self._label)

    def _collector(self, metric: Metric) -> Counter | Histogram:
        if metric.buckets is None:
            return Counter(metric.name, metric.text, metric.labels, registry=self.registry)
        return Histogram(metric.name, metric.text, metric.labels, buckets=metric.buckets, registry=self.registry)

    def show(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show a value as it stands at each scrape; asked for again under one name, the latest reader is used."""
        shown = self._shown.get(name)
        if shown is None:
            shown = self._shown[name] = Gauge(name, text, registry=self.registry)
        shown.set_function(read)

    def __call__(self, event: Event) -> None:
        """Count one event in every metric that it feeds."""
        for feed in self._fed.get(type(event), ()):
            feed(event)

    def _label(self, name: str, value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        text = "" if value is None else str(value)
        return self._limits[name](text) if name in self._limits else text

    def exposition(self, snapshot: Snapshot) -> bytes:
        """Write everything counted so far, with how things stand now.

        It takes a while: call it on a thread.
        """
        with self._writing:
            self._standing.show(snapshot)
            return generate_latest(self.registry)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from gateway.delivery.breaker import BreakerPhase
from gateway.delivery.worker import WorkerStanding
from gateway.ledger.records import Contact, ContactWay
from gateway.telemetry.events import (
    AttemptEnded,
    AttemptTakenBack,
    ClaimLost,
    CommitEnded,
    DeliverySettled,
    DeliveryStopped,
    DeliveryStumbled,
    DeliveryUnrouted,
    DocumentRejected,
    EndpointHeld,
    Event,
    MessageAccepted,
    PlatformHeld,
)
from gateway.telemetry.metrics import METRICS, Metric, Metrics
from gateway.telemetry.standing import Snapshot, StandingHold

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
P = "penalty.330000"


@dataclass
class Standing:
    platform: str | None
    kind: str
    state: str
    held_by: str | None
    count: int
    oldest: datetime


def samples(
    metrics: Metrics, *standings: Standing, holds: Sequence[StandingHold] = ()
) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Read the page of a backlog and holds as Prometheus would."""
    return page(metrics, Snapshot(NOW, standings, holds))


def page(metrics: Metrics, snapshot: Snapshot) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Read what a snapshot's page says."""
    text = metrics.exposition(snapshot).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(*events: Event, most_labels: int = 4096) -> Metrics:
    """Give metrics that were told these events."""
    metrics = Metrics(most_labels=most_labels)
    for event in events:
        metrics(event)
    return metrics


def test_rejected_refused_and_dead_are_three_counters() -> None:
    """What a sender got back, what a platform said no to, and what we gave up are never mixed."""
    found = samples(
        told(
            MessageAccepted("m", "case.transferred", P, "case", 0.004),
            DocumentRejected(P, "case", "document.invalid"),
            DeliverySettled("d", "m", P, "case.transferred", "refused", 1, 1.0),
            DeliverySettled("d", "m", P, "case.transferred", "dead", 9, 1.0),
            DeliverySettled("d", "m", P, "case.transferred", "delivered", 1, 1.0),
        )
    )
    one = frozenset({("platform", P)})
    assert found["hutong_deliveries_refused_total", one] == 1
    assert found["hutong_deliveries_dead_total", one] == 1
    assert found["hutong_deliveries_delivered_total", one] == 1
    assert found["hutong_documents_rejected_total", one | {("code", "document.invalid")}] == 1
    accepted = one | {("type", "case.transferred"), ("duplicate", "false")}
    assert found["hutong_messages_accepted_total", accepted] == 1


def test_attempts_are_counted_by_how_they_ended() -> None:
    """Platform and verdict; the duration goes into a histogram."""
    attempt = AttemptEnded("d", "m", P, "case.transferred", 1, "retry", 503, 0.2)
    found = samples(told(attempt, attempt))
    assert found["hutong_attempts_total", frozenset({("platform", P), ("verdict", "retry")})] == 2
    assert found["hutong_attempt_seconds_count", frozenset({("platform", P)})] == 2


def test_the_backlog_is_shown_as_it_stands() -> None:
    """Counts and ages come from the ledger at each scrape; what is gone is gone from the page."""
    metrics = Metrics()
    labels = frozenset({("platform", P), ("kind", "penalty"), ("state", "held"), ("held_by", "breaker")})
    held = Standing(P, "penalty", "held", "breaker", 7, NOW - timedelta(minutes=2))
    found = samples(metrics, held)
    assert found["hutong_backlog", labels] == 7
    assert found["hutong_backlog_oldest_seconds", labels] == 120
    assert ("hutong_backlog", labels) not in samples(metrics)


def test_unrouted_deliveries_stand_without_a_platform() -> None:
    """Nobody to deliver to is a number too."""
    waiting = Standing(None, "penalty", "unrouted", None, 1, NOW)
    found = samples(told(DeliveryUnrouted("m", "penalty", "case.transferred")), waiting)
    none = frozenset({("platform", ""), ("kind", "penalty"), ("state", "unrouted"), ("held_by", "")})
    assert found["hutong_backlog", none] == 1
    assert (
        found["hutong_deliveries_unrouted_total", frozenset({("kind", "penalty"), ("type", "case.transferred")})] == 1
    )


def test_a_platform_is_shown_as_held_while_it_is() -> None:
    """The alert rule reads one gauge, and that says what the ledger has, whatever was told meanwhile."""
    by = frozenset({("platform", P), ("by", "credentials")})
    metrics = told(PlatformHeld(P, "credentials"), DeliveryStumbled(P, "KeyError"))
    assert samples(metrics, holds=[StandingHold(P, "credentials")])["hutong_platform_held", by] == 1
    assert samples(metrics, holds=[StandingHold(P, "credentials")])["hutong_platform_holds_total", by] == 1
    assert ("hutong_platform_held", by) not in samples(metrics)
    assert samples(metrics)["hutong_delivery_stumbles_total", frozenset({("platform", P)})] == 1


def test_an_endpoint_is_shown_as_held_while_it_is() -> None:
    """Apart from its platform, which is not held."""
    endpoint = frozenset({("platform", P), ("type", "case.transferred")})
    metrics = told(EndpointHeld(P, "case.transferred", "breaker.open"))
    found = samples(metrics, holds=[StandingHold(P, "endpoint", "case.transferred")])
    assert found["hutong_endpoint_held", endpoint] == 1
    assert found["hutong_endpoint_holds_total", endpoint] == 1
    assert not [name for name, _ in found if name == "hutong_platform_held"]
    assert ("hutong_endpoint_held", endpoint) not in samples(metrics)


def test_what_was_called_off_lost_or_stopped_is_counted() -> None:
    """Attempts that never spoke, claims that another process has, and the end of delivery."""
    platform = frozenset({("platform", P)})
    events = AttemptTakenBack("d-1", "m-1", P, "case.transferred"), ClaimLost(P), DeliveryStopped("ledger.superseded")
    found = samples(told(*events))
    assert found["hutong_attempts_taken_back_total", platform] == 1
    assert found["hutong_claims_lost_total", platform] == 1
    assert found["hutong_delivery_stops_total", frozenset({("code", "ledger.superseded")})] == 1


def test_label_values_are_bounded() -> None:
    """Whatever senders and platforms invent, the page stays small."""
    found = samples(told(*(DocumentRejected(P, "case", f"code-{n}") for n in range(50)), most_labels=10))
    rejected = {labels: value for (name, labels), value in found.items() if name == "hutong_documents_rejected_total"}
    assert len(rejected) == 11
    assert rejected[frozenset({("platform", P), ("code", "other")})] == 40


def test_series_are_bounded_where_labels_multiply() -> None:
    """Ten platforms with ten codes each are a hundred series, or as many as there may be and one more."""
    events = [
        AttemptEnded("d", "m", f"penalty.{number:06}", "t", 1, "retry", 500, 0.1, code=f"http.{code}")
        for number in range(10)
        for code in range(500, 510)
    ]
    found = samples(told(*events, most_labels=10))
    failed = {
        dict(labels)["code"]: value for (name, labels), value in found.items() if name == "hutong_attempts_failed_total"
    }
    assert failed["other"] > 0
    series = [labels for name, labels in found if name == "hutong_attempts_failed_total"]
    assert len(series) == 21
    assert sum(value for (name, _), value in found.items() if name == "hutong_attempts_failed_total") == 100


def test_each_hop_is_measured_apart() -> None:
    """Received to accepted and the ledger's part of it, received to sent, sent to answered; resends wait for others."""
    first = AttemptEnded("d", "m", P, "t", 1, "retry", None, 0.2, waited=3.0)
    found = samples(
        told(MessageAccepted("m", "t", P, "case", 0.04, keeping=0.03), first, replace(first, number=2, status=200))
    )
    one = frozenset({("platform", P)})
    assert found["hutong_accept_seconds_sum", frozenset()] == 0.04
    assert found["hutong_keep_seconds_sum", frozenset()] == 0.03
    assert (found["hutong_first_sent_seconds_sum", one], found["hutong_first_sent_seconds_count", one]) == (3, 1)
    assert found["hutong_attempt_seconds_sum", one] == 0.4
    assert found["hutong_attempts_unanswered_total", one] == 1


def test_commits_are_measured_by_size_and_time() -> None:
    """How many operations shared each, and how long it took."""
    found = samples(told(CommitEnded(3, 0.02), CommitEnded(5, 0.01)))
    assert found["hutong_commit_operations_sum", frozenset()] == 8
    assert found["hutong_commit_seconds_count", frozenset()] == 2


def test_last_contacts_claims_and_breakers_are_shown_as_they_stand() -> None:
    """When each operation was heard and each type delivered; who delivers; whether the breaker is open."""
    contacts = [
        Contact(P, ContactWay.HEARD, "case", NOW),
        Contact(P, ContactWay.DELIVERED, "case.transferred", NOW - timedelta(seconds=5)),
    ]
    workers = [
        WorkerStanding(P, claimed=True, breaker=BreakerPhase.OPEN),
        WorkerStanding("penalty.320000", claimed=False, breaker=BreakerPhase.CLOSED),
    ]
    metrics = Metrics()
    found = page(metrics, Snapshot(NOW, contacts=contacts, workers=workers))
    assert found["hutong_last_heard_timestamp_seconds", frozenset({("platform", P), ("operation", "case")})] == (
        NOW.timestamp()
    )
    delivered = frozenset({("platform", P), ("type", "case.transferred")})
    assert found["hutong_last_delivered_timestamp_seconds", delivered] == NOW.timestamp() - 5
    one, other = frozenset({("platform", P)}), frozenset({("platform", "penalty.320000")})
    assert (found["hutong_claimed", one], found["hutong_claimed", other]) == (1, 0)
    assert (found["hutong_breaker", one], found["hutong_breaker", other]) == (2, 0)
    assert not [
        name for name, _ in samples(metrics) if name in ("hutong_claimed", "hutong_last_heard_timestamp_seconds")
    ]


def test_two_gateways_in_one_process_count_apart() -> None:
    """Each has a registry of its own."""
    told(DocumentRejected(P, "case", "a"))
    assert ("hutong_documents_rejected_total", frozenset({("platform", P), ("code", "a")})) not in samples(Metrics())


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_takes_its_labels_and_value_from_its_event(metric: Metric) -> None:
    """A row that names an attribute its event does not have would fail only when the event comes."""
    attributes = set(metric.event.__struct_fields__)
    attributes |= {name for name, value in vars(metric.event).items() if isinstance(value, property)}
    named = {*metric.labels, *(one for one in (metric.value, metric.only) if one)}
    assert named <= attributes

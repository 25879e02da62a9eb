"""What follows from an attempt: pure, so each rule is one line to try."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.base import Reply, RetrySchedule, Verdict, VerdictKind
from gateway.delivery.settlement import Try, settle
from gateway.ledger.records import Platform, Settlement, Work
from gateway.message import Delivery, Message, State

NOW = datetime(2026, 9, 1, tzinfo=UTC)
PLATFORM = Platform("penalty.330100", "penalty", "330100", "plain", {}, NOW)
MESSAGE = Message(
    id="m-1",
    type="case.transferred",
    document={"case_number": "A-1"},
    source="mobile-enforcement.330000",
    operation="case",
    adapter="plain@1.0.0",
    region="330000",
    ordering_key="A-1",
    correlation_id="m-1",
    received_at=NOW,
    identity="A-1",
    digest="x",
)
DELIVERY = Delivery("d-1", "m-1", "case.transferred", "penalty", PLATFORM.id, "A-1", State.READY, NOW)


def after(verdict: Verdict) -> Settlement:
    """Settle an attempt that was answered so."""
    tried = Try(NOW, NOW + timedelta(seconds=1), verdict, Reply(200))
    return settle(Work(DELIVERY, MESSAGE), tried, PLATFORM, RetrySchedule())


def test_a_platforms_own_number_becomes_an_alias() -> None:
    """The case file brings the case number into the world; what the platform calls it is kept beside it."""
    settled = after(Verdict(VerdictKind.ACCEPTED, reference="CF-9"))
    assert (settled.state, settled.attempt.reference, settled.alias) == (
        State.DELIVERED,
        "CF-9",
        ("case_number", "A-1"),
    )


@pytest.mark.parametrize("reference", ["A-1", None, "9" * 201])
def test_what_names_nothing_new_is_no_alias(reference: str | None) -> None:
    """The same number, none, and one too long to be a number leave nothing to speak of later."""
    assert after(Verdict(VerdictKind.ACCEPTED, reference=reference)).alias is None


def test_what_a_platform_says_is_kept_within_bounds() -> None:
    """A reference that is no number is dropped, and a flood of words is cut."""
    settled = after(Verdict(VerdictKind.REFUSED, reference="9" * 201, reason="否" * 5000))
    assert settled.attempt.reference is None
    assert len(settled.attempt.reason or "") == 2000

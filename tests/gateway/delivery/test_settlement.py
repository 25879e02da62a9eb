"""What follows from an attempt: pure, so each rule is one line to try."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from adapters.base import Reply, RetrySchedule, Verdict, VerdictKind
from gateway.delivery.settlement import CallOutcome, settle
from gateway.ledger.records import Platform, Settlement, Work
from gateway.message import Delivery, HeldBy, Message, State

NOW = datetime(2026, 9, 1, tzinfo=UTC)
STEADY = NOW + timedelta(days=1)
PLATFORM = Platform("penalty.330100", "penalty", "330100", "plain", {}, NOW, revision=7)
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


def after(verdict: Verdict, delivery: Delivery = DELIVERY) -> Settlement:
    """Settle an attempt that was answered so."""
    tried = CallOutcome(NOW, 1.5, verdict, Reply(200), in_doubt=verdict.in_doubt)
    return settle(Work(delivery, MESSAGE), 3, tried, PLATFORM, RetrySchedule(), STEADY)


def test_a_platforms_own_number_becomes_an_alias() -> None:
    """The case file brings the case number into the world; what the platform calls it is kept beside it."""
    settled = after(Verdict(VerdictKind.ACCEPTED, reference="CF-9"))
    assert (settled.state, settled.attempt.reference, settled.alias) == (
        State.DELIVERED,
        "CF-9",
        ("case_number", "A-1"),
    )


@pytest.mark.parametrize("reference", ["A-1", None, "9" * 201])
def test_a_reference_equal_to_the_number_is_no_alias(reference: str | None) -> None:
    """The same number, none, and one too long to be a number leave nothing to speak of later."""
    assert after(Verdict(VerdictKind.ACCEPTED, reference=reference)).alias is None


def test_what_a_platform_says_is_kept_within_bounds() -> None:
    """A reference that is no number is dropped, and a flood of words is cut."""
    settled = after(Verdict(VerdictKind.REFUSED, reference="9" * 201, reason="否" * 5000))
    assert settled.attempt.reference is None
    assert len(settled.attempt.reason or "") == 2000


def test_an_attempt_ends_after_as_many_seconds_as_were_measured() -> None:
    """Whatever was done to the wall clock meanwhile."""
    attempt = after(Verdict(VerdictKind.ACCEPTED)).attempt
    assert (attempt.number, attempt.started_at, attempt.ended_at) == (3, NOW, NOW + timedelta(seconds=1.5))


def test_the_next_attempt_is_due_by_the_steady_clock() -> None:
    """And trying adds the attempt and the wait that was decided, nothing else."""
    before = replace(DELIVERY, tried_for=100.0)
    settled = after(Verdict(VerdictKind.RETRY, after=timedelta(seconds=30)), before)
    assert (settled.state, settled.due_at) == (State.WAITING, STEADY + timedelta(seconds=30))
    assert settled.waits_since == STEADY
    assert settled.tried_for == 100.0 + 1.5 + 30.0


def test_it_is_given_up_after_the_scheduled_time() -> None:
    """With the last reason."""
    settled = after(Verdict(VerdictKind.RETRY, code="timeout"), replace(DELIVERY, tried_for=72 * 3600.0))
    assert (settled.state, settled.attempt.code, settled.attempt.reason) == (State.DEAD, "gave-up", "timeout")


def test_refused_credentials_hold_the_platform_of_the_attempts_revision() -> None:
    """In the same settlement, with the revision it is about; the delivery is ready again."""
    settled = after(Verdict(VerdictKind.CREDENTIALS, code="http.401"))
    assert settled.state is State.READY
    assert settled.hold is not None
    assert (settled.hold.by, settled.hold.reason, settled.hold.type) == (HeldBy.CREDENTIALS, "http.401", None)
    assert settled.revision == 7


@pytest.mark.parametrize("kind", [VerdictKind.ACCEPTED, VerdictKind.REFUSED, VerdictKind.DEAD, VerdictKind.RETRY])
def test_nothing_else_holds_a_platform(kind: VerdictKind) -> None:
    """Breakers are judged by many attempts, not by one."""
    assert after(Verdict(kind)).hold is None


@pytest.mark.parametrize(("kind", "doubted"), [(VerdictKind.RETRY, True), (VerdictKind.ACCEPTED, False)])
def test_doubt_is_kept_until_it_is_settled(kind: VerdictKind, doubted: bool) -> None:
    """A readable yes ends it."""
    assert after(Verdict(kind, in_doubt=True)).in_doubt is doubted


CITIZEN = "11010519491231002X"
PERSON = replace(MESSAGE, document={"case_number": "A-1", "party": {"name": "甲某", "citizen_id": CITIZEN}})


@pytest.mark.parametrize("said", [CITIZEN, CITIZEN.lower(), f"{CITIZEN}已存在", f"重复：{CITIZEN}/2026"])
def test_a_reason_never_tells_a_citizen_id_that_was_sent(said: str) -> None:
    """A platform repeats what it was sent; what is kept of its words is masked."""
    tried = CallOutcome(NOW, 1.5, Verdict(VerdictKind.REFUSED, reason=said, reference=said), Reply(200))
    attempt = settle(Work(DELIVERY, PERSON), 1, tried, PLATFORM, RetrySchedule(), STEADY).attempt
    assert attempt.reason is not None
    assert "110105************" in attempt.reason
    assert CITIZEN not in attempt.reason.upper()
    assert attempt.reference is None or attempt.reference.upper() != CITIZEN


def test_a_number_that_was_not_sent_stays_in_a_reason() -> None:
    """Eighteen digits may be a case number: only what names somebody is masked."""
    tried = CallOutcome(NOW, 1.5, Verdict(VerdictKind.REFUSED, reason="330110202607100018 已归档"), Reply(200))
    attempt = settle(Work(DELIVERY, PERSON), 1, tried, PLATFORM, RetrySchedule(), STEADY).attempt
    assert attempt.reason == "330110202607100018 已归档"

"""A platform's health and its endpoints': what one attempt tells of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.base import Reply, Verdict, VerdictKind
from gateway.delivery.breaker import BreakerPhase, BreakerPolicy
from gateway.delivery.health import WHOLE, Health, HealthSign
from gateway.delivery.settlement import CallOutcome
from gateway.ledger.records import Work
from gateway.message import Delivery, Message, State

NOW = 1000.0
AT = datetime(2026, 9, 1, tzinfo=UTC)
CASE, FINE = "case.transferred", "penalty.decided"


def after(type: str, sign: HealthSign, lanes: str, health: Health | None = None) -> Health:
    """Record the same sign for several lanes."""
    health = health or Health(BreakerPolicy(lanes=3))
    for lane in lanes:
        health = health.attempted(type, lane, sign, NOW)
    return health


def tried(reply: Reply | None, kind: VerdictKind = VerdictKind.RETRY, **more: object) -> CallOutcome:
    """Give an attempt that was answered so."""
    return CallOutcome(AT, 1.0, Verdict(kind, **more), reply)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("attempt", "sign"),
    [
        (tried(None), HealthSign.PLATFORM),
        (tried(Reply(502)), HealthSign.PLATFORM),
        (tried(Reply(503)), HealthSign.PLATFORM),
        (tried(Reply(503), after=timedelta(seconds=9)), HealthSign.PLATFORM),
        (tried(Reply(504), in_doubt=True), HealthSign.PLATFORM),
        (tried(Reply(200), in_doubt=True, code="reply.unreadable"), HealthSign.PLATFORM),
        (tried(Reply(429)), HealthSign.PLATFORM),
        (tried(Reply(429), after=timedelta(seconds=9)), None),
        (tried(Reply(500)), HealthSign.ENDPOINT),
        (tried(Reply(501)), HealthSign.ENDPOINT),
        (tried(Reply(200)), HealthSign.WELL),
        (tried(Reply(200), VerdictKind.ACCEPTED), HealthSign.WELL),
        (tried(Reply(409), VerdictKind.REFUSED), HealthSign.WELL),
        (tried(Reply(400), VerdictKind.DEAD), HealthSign.WELL),
        (tried(Reply(401), VerdictKind.CREDENTIALS), HealthSign.WELL),
        (tried(None, VerdictKind.CREDENTIALS, code="setting.missing"), None),
        (tried(None, VerdictKind.DEAD, code="request.unwritable"), None),
    ],
)
def test_what_an_attempt_tells(attempt: CallOutcome, sign: HealthSign | None) -> None:
    """No answer, or one of what stands in front: the platform. Another server error: the endpoint."""
    assert attempt.sign is sign


def test_an_error_of_ours_tells_nothing_of_the_platform() -> None:
    """An exception in an adapter is not the platform's."""
    assert CallOutcome(AT, 1.0, Verdict(VerdictKind.RETRY, code="internal"), ours=True).sign is None


def test_an_endpoint_that_fails_is_held_alone() -> None:
    """The platform answers; other types flow."""
    health = after(CASE, HealthSign.ENDPOINT, "abc")
    assert health.held == {CASE}
    assert (health.holds(CASE), health.holds(FINE)) == (True, False)


def test_endpoints_are_counted_apart() -> None:
    """Two lanes of one and two of another are not four."""
    assert after(FINE, HealthSign.ENDPOINT, "cd", after(CASE, HealthSign.ENDPOINT, "ab")).held == frozenset()


def test_a_platform_that_gives_no_answer_is_held_whole() -> None:
    """And what its endpoints failed of is explained by that."""
    health = after(CASE, HealthSign.PLATFORM, "abc")
    assert health.held == {WHOLE}
    assert health.holds(FINE)
    assert not health.breaker(CASE).fresh


def test_an_endpoint_that_hangs_is_held_alone_while_others_answer() -> None:
    """Time-outs of one type; the answers of the other keep the platform's breaker closed."""
    health = Health(BreakerPolicy(lanes=3))
    for lane in "abc":
        health = after(FINE, HealthSign.WELL, "x", after(CASE, HealthSign.PLATFORM, lane, health))
    assert health.held == {CASE}


def test_an_answer_of_another_endpoint_closes_no_endpoint() -> None:
    """Each is judged by its own."""
    assert after(FINE, HealthSign.WELL, "xyz", after(CASE, HealthSign.ENDPOINT, "ab")).breaker(CASE).fresh == {"a", "b"}


def test_a_lane_that_failed_is_known_until_it_succeeds() -> None:
    """By its endpoint, or by the whole platform."""
    health = after(CASE, HealthSign.ENDPOINT, "a", after(CASE, HealthSign.PLATFORM, "b"))
    assert [health.has_failed(work(lane)) for lane in "abx"] == [True, True, False]
    assert [health.has_failed(work(lane, FINE)) for lane in "ab"] == [False, True]
    assert not after(CASE, HealthSign.WELL, "a", health).has_failed(work("a"))


@pytest.mark.parametrize("sign", [HealthSign.WELL, HealthSign.ENDPOINT])
def test_any_answer_to_its_probe_releases_the_platform(sign: HealthSign) -> None:
    """An endpoint that fails is an answer: somebody is there."""
    health = after(CASE, HealthSign.PLATFORM, "abc").probing(WHOLE)
    assert health.held == {WHOLE}
    assert health.probed(WHOLE, CASE, "x", sign, NOW).held == frozenset()


def test_a_probe_without_an_answer_keeps_the_platform_held() -> None:
    """For longer; one that tells nothing leaves it as it was."""
    health = after(CASE, HealthSign.PLATFORM, "abc").probing(WHOLE)
    assert health.probed(WHOLE, CASE, "x", HealthSign.PLATFORM, NOW).breaker(WHOLE).openings == 2
    assert health.probed(WHOLE, CASE, "x", None, NOW).breaker(WHOLE).phase is BreakerPhase.OPEN


@pytest.mark.parametrize(
    ("sign", "held"), [(HealthSign.WELL, set()), (HealthSign.ENDPOINT, {CASE}), (HealthSign.PLATFORM, {CASE})]
)
def test_an_endpoint_is_released_by_its_own_answer(sign: HealthSign, held: set[str]) -> None:
    """Nothing else will do."""
    health = after(CASE, HealthSign.ENDPOINT, "abc").probing(CASE)
    assert health.probed(CASE, CASE, "x", sign, NOW).held == held


def test_a_probe_of_the_platform_that_its_endpoint_answers_releases_both() -> None:
    """It was sent when both were held; another endpoint stays as it is."""
    held = Health(BreakerPolicy()).reopened({WHOLE, CASE, FINE}).probing(WHOLE)
    assert held.probed(WHOLE, CASE, "x", HealthSign.WELL, NOW).held == {FINE}
    assert held.probed(WHOLE, CASE, "x", HealthSign.ENDPOINT, NOW).held == {CASE, FINE}


def test_what_somebody_else_saw_fail_is_probed_at_once() -> None:
    """It is held, as far as it is not already, and closes by the probe's answer or stays open for the usual time."""
    known = after(CASE, HealthSign.ENDPOINT, "abc")
    health = known.reopened({WHOLE, CASE})
    assert health.held == {WHOLE, CASE}
    assert health.breaker(CASE) is known.breaker(CASE)
    assert health.breaker(WHOLE).may_probe(NOW)
    well = health.probing(WHOLE).probed(WHOLE, FINE, "x", HealthSign.WELL, NOW)
    assert well.held == {CASE}
    down = health.probing(WHOLE).probed(WHOLE, FINE, "x", HealthSign.PLATFORM, NOW)
    assert WHOLE in down.held
    assert down.breaker(WHOLE).until == NOW + down.policy.cool_down.total_seconds()
    assert known.reopened(()).held == known.held


def test_a_healthy_platform_keeps_no_breaker() -> None:
    """The ordinary case makes no new value."""
    health = Health(BreakerPolicy())
    assert after(CASE, HealthSign.WELL, "abc", health) is health


def test_a_given_up_lane_is_forgotten() -> None:
    """In the platform's breaker and in the endpoint's."""
    assert after(CASE, HealthSign.PLATFORM, "a").forgotten(CASE, "a").breakers == {}


def test_the_probe_is_a_head_that_has_not_just_failed() -> None:
    """One that did not fail, else the one that failed longest ago."""
    health = after(CASE, HealthSign.PLATFORM, "abc")
    assert health.choose(WHOLE, [work("b"), work("a"), work("x")]).delivery.lane == "x"  # type: ignore[union-attr]
    assert health.choose(WHOLE, [work("c"), work("b")]).delivery.lane == "b"  # type: ignore[union-attr]
    assert health.choose(WHOLE, []) is None


def work(lane: str, type: str = CASE) -> Work:
    """Give a head of a lane."""
    message = Message("m", type, {}, "s", "o", "a", "330000", lane, lane, AT, "i", "d")
    return Work(Delivery(f"d-{lane}", "m", type, "penalty", "penalty.330000", lane, State.READY, AT), message)

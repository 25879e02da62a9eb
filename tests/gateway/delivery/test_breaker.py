from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.delivery.breaker import Breaker, Phase, Policy

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
POLICY = Policy(window=10, least=4, rate=0.5, cool_down=timedelta(seconds=5), longest=timedelta(seconds=12))


def after(outcomes: str) -> Breaker:
    """Record outcomes, `x` a failure."""
    breaker = Breaker(POLICY)
    for outcome in outcomes:
        breaker = breaker.record(NOW, failed=outcome == "x")
    return breaker


def test_a_few_failures_alone_open_nothing() -> None:
    """Below `least` known attempts nobody can tell a rate."""
    assert after("xxx").phase is Phase.CLOSED


def test_it_opens_at_the_failure_rate_over_the_window() -> None:
    """Half of the last attempts failing opens it; what left the window no longer counts."""
    assert after("xxxx").phase is Phase.OPEN
    assert after("..xx").phase is Phase.OPEN
    assert after("..........xxxx").phase is Phase.CLOSED
    assert after("..........xxxxx").phase is Phase.OPEN


def test_answers_under_way_when_it_opened_change_nothing() -> None:
    """Only the probe closes an open breaker."""
    opened = after("xxxx")
    assert opened.record(NOW, failed=False) is opened


def test_it_lets_one_probe_out_after_the_cool_down() -> None:
    """Open for the cool-down, then a probe may go."""
    opened = after("xxxx")
    assert not opened.may_probe(NOW + timedelta(seconds=4.9))
    assert opened.may_probe(NOW + timedelta(seconds=5))
    assert not opened.probing().may_probe(NOW + timedelta(seconds=5))


def test_an_answered_probe_closes_it_with_a_clean_slate() -> None:
    """Old failures are forgotten with the probe's answer."""
    closed = after("xxxx").probing().probed(NOW, failed=False)
    assert closed == Breaker(POLICY)


def test_each_failed_probe_doubles_the_cool_down_up_to_the_longest() -> None:
    """5 s, 10 s, then 12 s and no more."""
    breaker, waits = after("xxxx"), []
    for _ in range(4):
        assert breaker.until is not None
        waits.append((breaker.until - NOW).total_seconds())
        breaker = breaker.probing().probed(NOW, failed=True)
    assert waits == [5, 10, 12, 12]


def test_a_probe_that_never_left_proves_nothing() -> None:
    """It stays open, and the next probe may go at once."""
    later = NOW + timedelta(seconds=5)
    again = after("xxxx").probing().probed(later, failed=None)
    assert again.phase is Phase.OPEN
    assert again.may_probe(later)

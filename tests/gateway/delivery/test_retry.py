from __future__ import annotations

from datetime import timedelta

from adapters.base import RetrySchedule
from gateway.delivery.retry import longest_wait, next_attempt

SCHEDULE = RetrySchedule(
    first=timedelta(seconds=2), factor=3.0, max=timedelta(seconds=60), give_up_after=timedelta(hours=3)
)


def wait(attempts: int, tried_for: float = 0.0, after: timedelta | None = None) -> timedelta:
    """Give the wait before the next attempt."""
    decided = next_attempt(SCHEDULE, attempts=attempts, tried_for=tried_for, after=after)
    assert decided is not None
    return decided


def test_the_wait_grows_by_the_factor_with_full_jitter_up_to_the_maximum() -> None:
    """The n-th wait lies anywhere between nothing and first × factor^(n-1), never beyond max."""
    for attempts, most in ((1, 2), (2, 6), (3, 18), (4, 54), (5, 60), (5000, 60)):
        waits = [wait(attempts).total_seconds() for _ in range(200)]
        assert 0 <= min(waits) < most * 0.2
        assert most * 0.8 < max(waits) <= most


def test_what_the_platform_asked_for_is_the_least() -> None:
    """Retry-After is honoured even when it is longer than the schedule's own maximum."""
    assert wait(1, after=timedelta(minutes=5)) == timedelta(minutes=5)


def test_no_platform_makes_a_delivery_wait_longer_than_an_hour() -> None:
    """A header that asks for a year is a mistake."""
    assert wait(1, after=timedelta(days=365)) == timedelta(hours=1)


def test_it_gives_up_when_it_was_tried_long_enough() -> None:
    """After give_up_after of trying there is no next attempt."""
    assert next_attempt(SCHEDULE, attempts=9, tried_for=3 * 3600.0) is None


def test_the_last_attempt_comes_no_later_than_the_moment_of_giving_up() -> None:
    """However long the platform asks to wait, one last attempt is made when the time is over."""
    assert wait(9, tried_for=3 * 3600.0 - 60, after=timedelta(days=365)) == timedelta(minutes=1)


def test_no_wait_is_longer_than_the_longest() -> None:
    """So that a later due time shows that a clock was moved."""
    assert longest_wait(SCHEDULE) == timedelta(hours=1)
    assert longest_wait(RetrySchedule(max=timedelta(hours=6))) == timedelta(hours=6)

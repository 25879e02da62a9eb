"""When to try again: a pure decision on the declared schedule."""

from __future__ import annotations

from datetime import timedelta

from tenacity import RetryCallState, Retrying, wait_random_exponential

from adapters.base import RetrySchedule

LONGEST_ASKED = timedelta(hours=1)
"""A platform that asks for a longer wait than this is tried after this, unless the settings say otherwise."""

_retrying = Retrying()


def next_attempt(
    schedule: RetrySchedule,
    *,
    attempts: int,
    tried_for: float,
    after: timedelta | None = None,
    longest_asked: timedelta = LONGEST_ASKED,
) -> timedelta | None:
    """Give the wait before the next attempt, or None to give up.

    `attempts` are those made; `tried_for` the seconds of trying so far (see `Delivery`); `after` the
    wait the platform asked for: never shorter than that (up to `longest_asked`), and never so long
    that the last attempt would come later than the moment of giving up.
    """
    remaining = schedule.give_up_after - timedelta(seconds=tried_for)
    if remaining <= timedelta(0):
        return None
    asked = min(after or timedelta(0), longest_asked)
    return min(max(_jittered(schedule, attempts), asked), remaining)


def longest_wait(schedule: RetrySchedule, longest_asked: timedelta = LONGEST_ASKED) -> timedelta:
    """Give the longest wait that `next_attempt` decides; what is due later than that was written by another clock."""
    return max(schedule.max, longest_asked)


def _jittered(schedule: RetrySchedule, attempts: int) -> timedelta:
    strategy = wait_random_exponential(
        multiplier=schedule.first.total_seconds(),
        max=schedule.max.total_seconds(),
        exp_base=schedule.factor,
    )
    state = RetryCallState(_retrying, None, (), {})
    state.attempt_number = max(1, attempts)
    return timedelta(seconds=strategy(state))

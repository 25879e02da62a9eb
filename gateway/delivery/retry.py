"""When to try again: a pure decision on the declared schedule."""

from __future__ import annotations

from datetime import datetime, timedelta

from tenacity import RetryCallState, Retrying, wait_random_exponential

from adapters.base import RetrySchedule

_retrying = Retrying()


def next_attempt(
    schedule: RetrySchedule,
    *,
    attempts: int,
    tried_for: timedelta,
    now: datetime,
    after: timedelta | None = None,
) -> datetime | None:
    """Give the moment of the next attempt, or None to give up.

    `attempts` are those made; `tried_for` the time since the first of them that was not held;
    `after` the wait the platform asked for: never shorter than that, and never so long that the
    last attempt would come later than the moment of giving up.
    """
    remaining = schedule.give_up_after - tried_for
    if remaining <= timedelta(0):
        return None
    wait = max(_jittered(schedule, attempts), after or timedelta(0))
    return now + min(wait, remaining)


def _jittered(schedule: RetrySchedule, attempts: int) -> timedelta:
    strategy = wait_random_exponential(
        multiplier=schedule.first.total_seconds(),
        max=schedule.max.total_seconds(),
        exp_base=schedule.factor,
    )
    state = RetryCallState(_retrying, None, (), {})
    state.attempt_number = max(1, attempts)
    return timedelta(seconds=strategy(state))

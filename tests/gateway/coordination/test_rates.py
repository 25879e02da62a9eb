"""How often something may be done, decided from one number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.coordination.rates import Rate, drawn

RATES = st.builds(Rate, calls=st.integers(1, 1000), burst=st.integers(1, 1000))
PAUSES = st.lists(st.floats(0, 3, allow_nan=False), max_size=200)


def test_a_burst_goes_at_once_and_then_one_a_step() -> None:
    """Three at once, then one each half second."""
    rate, due = Rate(2, 3), 0.0
    waits = []
    for now in (100.0, 100.0, 100.0, 100.0, 100.4, 100.5, 100.5):
        due, wait = drawn(due, now, rate)
        waits.append(round(wait, 3))
    assert waits == [0, 0, 0, 0.5, 0.1, 0, 0.5]


def test_who_rests_has_the_burst_again_and_no_more() -> None:
    """However long the rest was."""
    rate, due = Rate(1, 3), 0.0
    for now in (0.0, 1e6):
        waits = []
        for _ in range(4):
            due, wait = drawn(due, now, rate)
            waits.append(wait)
        assert waits == [0, 0, 0, pytest.approx(1)]


@given(RATES, PAUSES)
def test_never_more_than_the_burst_and_what_the_time_brings(rate: Rate, pauses: list[float]) -> None:
    """In every stretch of time, whatever the calls' own moments are."""
    now, due, went = 1000.0, 0.0, []
    for pause in pauses:
        now += pause
        due, wait = drawn(due, now, rate)
        if wait == 0:
            went.append(now)
    for first, begins in enumerate(went):
        allowed = ((count + first, at) for count, at in enumerate(went[first:], 1))
        assert all(last - first <= rate.burst + (at - begins) * rate.calls + 1e-3 for last, at in allowed)


@given(RATES, PAUSES)
def test_who_waits_as_long_as_it_is_told_may_go(rate: Rate, pauses: list[float]) -> None:
    """A wait is no longer than a step, and true."""
    now, due = 1000.0, 0.0
    for pause in pauses:
        now += pause / 100
        due, wait = drawn(due, now, rate)
        assert 0 <= wait <= rate.step + 1e-6
        if wait:
            now += wait
            due, wait = drawn(due, now, rate)
            assert wait == 0


def test_a_clock_that_is_set_back_stops_nobody() -> None:
    """What was paid off by another clock counts as nothing."""
    due, wait = drawn(1e9, 5.0, Rate(1, 2))
    assert (due, wait) == (6.0, 0.0)

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Conflict, Invalid
from gateway.ledger import decisions
from gateway.ledger.records import Platform, Settlement
from gateway.message import TRANSITIONS, Attempt, Delivery, HeldBy, State

NOW = datetime(2026, 9, 1, tzinfo=UTC)
PLATFORM = Platform("penalty.330000", "penalty", "330000", "penalty", {}, NOW)


def delivery(state: State = State.READY, position: int = 1) -> Delivery:
    """A delivery in a state."""
    held_by = HeldBy.OPERATOR if state is State.HELD else None
    return Delivery(
        f"d{position}", "m", "t", "penalty", PLATFORM.id, "L", state, NOW, position=position, held_by=held_by
    )


@pytest.mark.parametrize("state", State)
def test_settled_only_as_the_table_says(state: State) -> None:
    """An attempt can end only in a state that sending may pass to."""
    settlement = Settlement(Attempt("d1", 1, NOW, NOW, "x"), state)
    if state in TRANSITIONS[State.SENDING]:
        assert decisions.settled(delivery(State.SENDING), settlement).state in (state, State.READY)
    else:
        with pytest.raises(Conflict):
            decisions.settled(delivery(State.SENDING), settlement)


@given(st.lists(st.sampled_from([State.READY, State.WAITING, State.DEAD, State.HELD]), max_size=5))
def test_first_is_head(states: list[State]) -> None:
    """The first open delivery of a lane is its head."""
    lane = [delivery(state, position) for position, state in enumerate(states)]
    assert decisions.head_of(lane) == (lane[0] if lane else None)


def test_one_being_sent_keeps_its_seat() -> None:
    """One being sent is the head wherever it stands."""
    lane = [delivery(State.READY, 1), delivery(State.SENDING, 2)]
    assert decisions.head_of(lane) == lane[1]


@pytest.mark.parametrize("state", State)
def test_only_what_could_be_sent_is_shown_held(state: State) -> None:
    """A platform's hold shows on what is ready or waiting, and on nothing else."""
    shown = decisions.shown(delivery(state), {HeldBy.BREAKER, HeldBy.PAUSED}, parked=False)
    if state in (State.READY, State.WAITING):
        assert (shown.state, shown.held_by) == (State.HELD, HeldBy.PAUSED)
    else:
        assert shown == delivery(state)


spans = st.lists(st.tuples(st.sampled_from([HeldBy.PAUSED, HeldBy.BREAKER]), st.booleans(), st.integers(0, 100)))


@given(spans)
def test_unheld_clock_never_runs_while_held(story: list[tuple[HeldBy, bool, int]]) -> None:
    """The unheld clock passes exactly the time in which nothing held the platform, and never runs back."""
    platform, now, free = PLATFORM, NOW, 0
    for by, lift, seconds in story:
        change = decisions.without_hold if lift else decisions.with_hold
        platform = change(platform, by, now)
        free += 0 if platform.holds else seconds
        now += timedelta(seconds=seconds)
        assert platform.unheld(now) - PLATFORM.unheld(NOW) == pytest.approx(free)


def test_due_exactly() -> None:
    """A waiting delivery may be sent at the moment it is due, and not before."""
    waiting = decisions.settled(
        delivery(State.SENDING), Settlement(Attempt("d1", 1, NOW, NOW, "retry"), State.WAITING, NOW)
    )
    assert decisions.is_sendable(waiting, NOW)
    assert not decisions.is_sendable(waiting, NOW - timedelta(microseconds=1))
    assert not decisions.is_sendable(delivery(State.DEAD), NOW)


@pytest.mark.parametrize("cursor", ["", "-1", "1.5", "一", "٣", "1" * 30, "x"])
def test_cursors_are_ours(cursor: str) -> None:
    """Anything that is not a number is refused."""
    with pytest.raises(Invalid):
        decisions.read_cursor(cursor)
    assert decisions.read_cursor("42") == 42
    assert decisions.read_cursor(None) is None

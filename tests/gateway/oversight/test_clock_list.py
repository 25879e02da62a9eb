"""What is looked for by a state, and what is counted by the days that are left; pure."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway.ledger.clocked import ClockCount, ClockSpan, ClockStanding
from gateway.ledger.records import Area
from gateway.oversight.clock_list import ListedState, Warned, bounds, standing, within
from gateway.oversight.clocks import warned_until
from gateway.telemetry.standing import StandingClocks
from schemas.calendar import PUBLISHED

TODAY = date(2026, 9, 10)
WARNED = Warned(TODAY, date(2026, 9, 15))
AT = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("today", "days", "until"),
    [
        (date(2026, 9, 10), 0, date(2026, 9, 10)),
        (date(2026, 9, 10), 3, date(2026, 9, 15)),  # a Thursday: Friday, Monday, Tuesday
        (date(2026, 9, 30), 1, date(2026, 10, 8)),  # the National Day's holidays are between
        (date(2030, 1, 3), 2, date(2030, 1, 7)),  # a year that nobody entered has five days a week
    ],
)
def test_warnings_begin_some_working_days_ahead(today: date, days: int, until: date) -> None:
    """What is due in a holiday is told before it."""
    assert warned_until(today, days, PUBLISHED) == until


@pytest.mark.parametrize(
    ("state", "until", "spans"),
    [
        (ListedState.RUNNING, None, [ClockSpan(ClockStanding.OPEN, TODAY, None)]),
        (ListedState.LAPSING, None, [ClockSpan(ClockStanding.OPEN, TODAY, date(2026, 9, 15))]),
        (ListedState.LAPSING, date(2026, 9, 12), [ClockSpan(ClockStanding.OPEN, TODAY, date(2026, 9, 12))]),
        (
            ListedState.MISSED, None,
            [ClockSpan(ClockStanding.OPEN, None, date(2026, 9, 9)), ClockSpan(ClockStanding.MISSED, None, None)],
        ),
        (
            ListedState.MISSED, date(2026, 1, 1),
            [
                ClockSpan(ClockStanding.OPEN, None, date(2026, 1, 1)),
                ClockSpan(ClockStanding.MISSED, None, date(2026, 1, 1)),
            ],
        ),
        (ListedState.STOPPED, None, [ClockSpan(ClockStanding.STOPPED, None, None)]),
        (ListedState.UNKNOWN, None, [ClockSpan(ClockStanding.UNKNOWN, None, None)]),
        (ListedState.MET, date(2026, 1, 1), [ClockSpan(ClockStanding.MET, None, date(2026, 1, 1))]),
        (None, None, [ClockSpan(each, None, None) for each in ClockStanding]),
    ],
)  # fmt: skip
def test_a_state_is_looked_for_where_it_stands_today(
    state: ListedState | None, until: date | None, spans: list[ClockSpan]
) -> None:
    """An open one runs or is missed by its day alone."""
    assert list(WARNED.spans(state, until)) == spans


def test_a_region_has_its_codes_and_its_areas() -> None:
    """By level; what has no code of its own lies where its parent does."""
    areas = {
        code: Area(code, "区", parent, AT)
        for code, parent in (("370171", "370100"), ("660000", "650000"), ("660100", "660000"))
    }  # fmt: skip
    assert within("000000", areas) == (None, ())
    assert within("370000", areas) == (("370000", "379999"), ("370171",))
    assert within("330110", areas) == (("330110", "330110"), ())
    assert within("650000", areas) == (("650000", "659999"), ("660000", "660100"))


def test_what_is_not_over_is_shown_by_state_and_by_the_days_left() -> None:
    """Near ones are running, too; what is stopped or unknown has no days."""
    days = bounds(WARNED)
    counted = [
        ClockCount("r", ClockStanding.OPEN, None, 1),
        ClockCount("r", ClockStanding.OPEN, TODAY, 2),
        ClockCount("r", ClockStanding.OPEN, date(2026, 9, 14), 3),
        ClockCount("r", ClockStanding.OPEN, date(2026, 9, 16), 4),
        ClockCount("r", ClockStanding.OPEN, date(2026, 10, 11), 5),
        ClockCount("r", ClockStanding.STOPPED, date(2026, 10, 11), 6),
    ]
    assert all(each.since in days for each in counted if each.since)
    assert set(standing(counted, WARNED)) == {
        StandingClocks("r", "missed", "", 1),
        StandingClocks("r", "running", "0-3", 2),
        StandingClocks("r", "lapsing", "0-3", 2),
        StandingClocks("r", "running", "4-7", 3 + 4),
        StandingClocks("r", "lapsing", "4-7", 3),
        StandingClocks("r", "running", "31+", 5),
        StandingClocks("r", "stopped", "", 6),
    }

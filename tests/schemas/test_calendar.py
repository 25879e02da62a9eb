"""Working days: holidays, make-up days, and years that nobody knows."""

from __future__ import annotations

from datetime import date

import pytest

from schemas.calendar import PUBLISHED, YearOfDays


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2025-09-28", True),  # a Sunday worked to make up for the National Day holiday
        ("2025-09-30", True),
        ("2025-10-01", False),
        ("2025-10-08", False),
        ("2025-10-09", True),
        ("2025-10-11", True),  # a Saturday worked
        ("2025-10-12", False),
        ("2026-09-20", True),  # a Sunday worked
        ("2026-10-07", False),
        ("2026-10-08", True),
        ("2026-10-10", True),  # a Saturday worked
        ("2026-10-11", False),
        ("2027-01-04", None),  # not published when this release was made
        ("2003-12-31", None),
    ],
)
def test_a_day_works_rests_or_is_unknown(day: str, works: bool | None) -> None:
    """Holidays rest, make-up days work, and of a year that nobody knows nothing is said."""
    assert PUBLISHED.works(date.fromisoformat(day)) is works


def test_an_entered_year_takes_the_place_of_what_was_known() -> None:
    """What an operator enters for a year is all that is known of it; the others stay."""
    spring = YearOfDays(frozenset({date(2027, 2, 8)}), frozenset({date(2027, 2, 14)}))
    known = PUBLISHED.amended({2027: spring})
    assert [known.works(date(2027, 2, day)) for day in (8, 9, 13, 14)] == [False, True, False, True]
    assert known.works(date(2026, 10, 10)) is True
    assert PUBLISHED.works(date(2027, 2, 8)) is None

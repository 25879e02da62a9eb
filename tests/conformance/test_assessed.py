"""Until when the findings of cases hold, and what they rest on, on both engines and in the model."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.ledger.assessments import CALENDAR, AssessedCase, DueCase, Ground
from gateway.ledger.records import CalendarYear, Retention
from gateway.message import State

DAY = 86_400.0
PERMIT, YEAR = Ground("permit.changed permit_number", "P-1"), Ground(CALENDAR, "2027")
EARLY, TODAY, LATE = date(2026, 8, 31), date(2026, 9, 1), date(2026, 10, 2)


def assessed(lane: str, *grounds: Ground, since: Any = None, until: Any = LATE, changes: int = 0) -> AssessedCase:
    """A case that was assessed; each is its own correlation."""
    return AssessedCase(lane, lane, since, until, grounds, changes)


async def due(ledger: Any, day: date = TODAY, limit: int = 100) -> list[str]:
    """The lanes of the cases that are due on a day."""
    found = await ledger.due_cases(day, limit)
    assert all(isinstance(each, DueCase) and each.correlation_id == each.lane for each in found)
    return [each.lane for each in found]


async def make_all_due(ledger: Any, limit: int = 500) -> int:
    """Let everything that changed reach its cases; gives how many steps that took."""
    steps = 1
    while await ledger.make_due(limit):
        steps += 1
    return steps


@pytest.fixture
async def cases(play: Any) -> None:
    """Five cases of which a message is kept."""
    for name in "ABCDE":
        await play.accept(f"m{name}", lane=name)


@pytest.mark.usefixtures("cases")
async def test_a_case_is_due_when_its_findings_do_not_hold_any_more(ledger: Any) -> None:
    """From the day on before which they held, and never where they hold for good; what is due longest is first."""
    await ledger.put_findings([], [assessed("A"), assessed("B", until=None), assessed("C", until=date(2026, 9, 30))])
    assert [await due(ledger, day) for day in (TODAY, date(2026, 9, 30), LATE)] == [[], ["C"], ["C", "A"]]
    assert await due(ledger, LATE, 1) == ["C"]
    await ledger.put_findings([], [assessed("C", since=LATE, until=None)])
    assert await due(ledger, LATE) == ["A"]


@pytest.mark.usefixtures("cases")
async def test_findings_of_a_later_day_are_due_when_the_clock_is_put_back(ledger: Any) -> None:
    """What holds only from a day on that is not there yet was found by a clock that was ahead."""
    await ledger.put_findings([], [assessed("A", since=LATE, until=None), assessed("B", since=EARLY, until=None)])
    assert await due(ledger) == ["A"]
    assert await due(ledger, date(2026, 8, 30)) == ["B", "A"]


@pytest.mark.usefixtures("cases")
async def test_what_a_case_rests_on_makes_it_due_when_it_changes(ledger: Any) -> None:
    """Those that rest on it, each once, and no other; what nothing rests on changes nothing."""
    await ledger.put_findings([], [assessed("A", PERMIT), assessed("B", YEAR, PERMIT), assessed("C", YEAR)])
    await ledger.change_grounds([PERMIT, Ground("permit.changed permit_number", "P-2")])
    assert await due(ledger) == []
    assert await make_all_due(ledger) == 1
    assert await due(ledger) == ["A", "B"]
    assert await ledger.ground_changes(["A", "B", "C", "D"]) == {"A": 1, "B": 1, "C": 0}
    await ledger.put_findings([], [assessed("A", changes=1), assessed("B", PERMIT, changes=1)])
    await ledger.change_grounds([PERMIT])
    await make_all_due(ledger)
    assert await due(ledger) == ["B"]


@pytest.mark.usefixtures("cases")
async def test_a_year_that_is_entered_makes_the_cases_due_that_it_concerns(ledger: Any, make: Any) -> None:
    """In the commit that keeps the year: whoever dies then has lost neither."""
    await ledger.put_findings([], [assessed("A", YEAR), assessed("B", Ground(CALENDAR, "2026")), assessed("C", YEAR)])
    await ledger.put_year(CalendarYear(2027, ("2027-01-01",), (), make.at()), make.intent())
    await make_all_due(ledger)
    assert await due(ledger) == ["A", "C"]


@pytest.mark.usefixtures("cases")
async def test_what_changed_while_a_case_was_looked_at_is_not_lost(ledger: Any) -> None:
    """Whoever looked before the change may put what it found, and the case stays due."""
    await ledger.put_findings([], [assessed("A", PERMIT)])
    before = (await ledger.ground_changes(["A"]))["A"]
    await ledger.change_grounds([PERMIT])
    await make_all_due(ledger)
    await ledger.put_findings([], [assessed("A", PERMIT, changes=before)])
    assert await due(ledger) == ["A"]
    after = (await ledger.ground_changes(["A"]))["A"]
    await ledger.put_findings([], [assessed("A", PERMIT, changes=after)])
    assert await due(ledger) == []


@pytest.mark.usefixtures("cases")
async def test_many_cases_are_made_due_a_few_at_a_time(ledger: Any) -> None:
    """Each step makes so many due and no more; a ground that changes meanwhile is gone through from the beginning."""
    await ledger.put_findings([], [assessed(name, PERMIT) for name in "ABCDE"])
    await ledger.change_grounds([PERMIT])
    assert await ledger.make_due(2)
    assert await due(ledger) == ["A", "B"]
    await ledger.put_findings([], [assessed("A", PERMIT, changes=1)])
    await ledger.change_grounds([PERMIT])
    assert await make_all_due(ledger, 2) == 3
    assert await due(ledger) == ["A", "B", "C", "D", "E"]
    assert not await ledger.make_due(2)


async def test_nothing_is_kept_of_a_case_that_is_gone(play: Any, ledger: Any, make: Any) -> None:
    """Pruned with its case; and what an older look puts afterwards, or of another correlation, is not kept either."""
    await play.accept("m1", lane="A")
    await play.end("m1/0", State.DELIVERED)
    await play.accept("m2", lane="B")
    await ledger.put_findings([], [assessed("A", PERMIT, until=EARLY), assessed("B", PERMIT, until=EARLY)])
    kept = Retention(make.at(DAY) - make.at(), make.at(DAY) - make.at())
    for day, seen in ((0, 0.0), (5, 5 * DAY)):
        while (await ledger.prune(kept, "pruner", make.at(day * DAY), seen=seen)).more:
            seen = 0.0
    assert await due(ledger) == ["B"]
    await ledger.put_findings([], [assessed("A", PERMIT, until=EARLY)])
    await ledger.put_findings([], [replace(assessed("B", until=None), correlation_id="elsewhere")])
    assert await due(ledger) == ["B"]
    await ledger.change_grounds([PERMIT])
    await make_all_due(ledger)
    assert await ledger.ground_changes(["A", "B"]) == {"B": 1}

"""Deadlines of cases as they are kept, on both engines."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from gateway.errors import Invalid
from gateway.ledger.clocked import (
    ClockCount,
    ClockedCase,
    ClockFilter,
    ClockSpan,
    ClockStanding,
    CountedCase,
    CountedCorrelation,
    KeptClock,
)
from gateway.ledger.records import Retention
from gateway.message import State

NAME, DAY = "clocks", 86_400.0
EVERY = ClockFilter(tuple(ClockSpan(each) for each in ClockStanding))


def clock(
    rule: str = "case.filing", due: int | None = 16, standing: ClockStanding = ClockStanding.OPEN, **more: Any
) -> KeptClock:
    """A deadline that ends on a day of September 2026."""
    day = None if due is None else date(2026, 9, due)
    return KeptClock(rule, more.pop("about", ""), standing, date(2026, 9, 1), day, None, ("m",), **more)


def counted(correlation: str, *clocks: KeptClock, region: str = "330100", by: str = "rules") -> CountedCorrelation:
    """A correlation of one case."""
    lane = f"case_number:penalty.330000:{correlation}"
    case = ClockedCase(correlation, lane, correlation, region, ("penalty.330000",), complete=True, counted_by=by)
    return CountedCorrelation(correlation, (CountedCase(case, clocks),))


async def keep(ledger: Any, play: Any, *cases: CountedCorrelation) -> None:
    """Accept a message of each case, and keep its deadlines."""
    for case in cases:
        if await ledger.message(f"of {case.correlation_id}") is None:
            await play.accept(f"of {case.correlation_id}", lane=case.correlation_id)
    assert await ledger.follow(NAME)
    assert await ledger.put_clocks(NAME, cases)


async def found(ledger: Any, filter: ClockFilter = EVERY, limit: int = 50) -> list[tuple[str, str, int | None]]:
    """What is found, page by page: case, rule and day."""
    shown: list[tuple[str, str, int | None]] = []
    cursor = None
    while True:
        page = await ledger.find_clocks(filter, cursor, limit)
        for each in page.items:
            due = each.clock.due_at
            shown.append((each.case.number, each.clock.rule, due.day if due else None))
        cursor = page.cursor
        if cursor is None:
            return shown


async def test_what_was_kept_is_found(play: Any, ledger: Any) -> None:
    """Whole, with its case."""
    full = clock("measure", None, ClockStanding.UNKNOWN, about="ZG-1", unknown_year=2027)
    case = counted("A", full)
    await keep(ledger, play, case)
    [one] = (await ledger.find_clocks(EVERY)).items
    assert (one.case, one.clock) == (case.cases[0].case, full)


async def test_what_ends_first_comes_first(play: Any, ledger: Any) -> None:
    """Whatever its state, page by page, and what has no last day behind; each once."""
    await keep(
        ledger,
        play,
        counted("A", clock("late", 20), clock("none", None, ClockStanding.STOPPED), clock("met", 5, ClockStanding.MET)),
        counted("B", clock("soon", 3), *(clock(f"same {n}", 10) for n in range(5))),
    )
    every = await found(ledger)
    assert [day for _, _, day in every] == [3, 5, 10, 10, 10, 10, 10, 20, None]
    for limit in (1, 2, 3):
        assert await found(ledger, limit=limit) == every


async def test_a_state_between_days_and_a_place(play: Any, ledger: Any) -> None:
    """Both days are included; a region has codes, and areas beside them."""
    await keep(
        ledger,
        play,
        counted("A", clock("a", 3), clock("b", 4), clock("c", 5), clock("met", 4, ClockStanding.MET)),
        counted("B", clock("d", 4), region="330203"),
        counted("C", clock("e", 4), region="660000"),
    )
    four = ClockSpan(ClockStanding.OPEN, date(2026, 9, 4), date(2026, 9, 4))
    assert {rule for _, rule, _ in await found(ledger, ClockFilter((four,)))} == {"b", "d", "e"}
    assert {rule for _, rule, _ in await found(ledger, ClockFilter((four,), ("330200", "330299")))} == {"d"}
    here = ClockFilter((four,), ("330100", "330199"), ("660000",))
    assert {rule for _, rule, _ in await found(ledger, here)} == {"b", "e"}


async def test_deadlines_take_the_place_of_those_before(play: Any, ledger: Any) -> None:
    """Of a correlation as a whole; of others nothing changes."""
    await keep(ledger, play, counted("A", clock("a"), clock("b")), counted("B", clock("c")))
    await keep(ledger, play, counted("A", clock("b", 20)))
    assert await found(ledger) == [("B", "c", 16), ("A", "b", 20)]
    await keep(ledger, play, CountedCorrelation("A", ()))
    assert await found(ledger) == [("B", "c", 16)]


async def test_only_who_follows_keeps_deadlines(play: Any, ledger: Any) -> None:
    """A process that lost the right has read less than the one that has it now."""
    await play.accept("of A", lane="A")
    assert not await ledger.put_clocks(NAME, [counted("A", clock())])
    assert await found(ledger) == []


async def test_no_deadline_of_a_case_that_is_not_there(ledger: Any) -> None:
    """Its messages may be pruned, or tied to another case, while it is counted."""
    assert await ledger.follow(NAME)
    assert await ledger.put_clocks(NAME, [counted("gone", clock())])
    assert await found(ledger) == []


async def test_deadlines_go_with_their_case(play: Any, ledger: Any, make: Any) -> None:
    """When it is pruned."""
    await keep(ledger, play, counted("A", clock("a")))
    await play.end("of A/0", State.DELIVERED)
    await keep(ledger, play, counted("new", clock("b")))
    kept = Retention(timedelta(days=400), timedelta(days=200))
    for day, seen in ((0, 0.0), (900, 900 * DAY)):
        while (await ledger.prune(kept, "pruner", make.at(day * DAY), seen=seen)).more:
            seen = 0.0
    assert await found(ledger) == [("new", "b", 16)]
    assert await ledger.counted_otherwise("other rules") == ["new"]


async def test_deadlines_of_a_case_that_was_tied_to_another_are_forgotten(play: Any, ledger: Any, make: Any) -> None:
    """What is left of it is shown again, and counted anew."""
    said = {"document": {"case_number": "AJ-1"}, "numbers": {"case_number": "AJ-1"}}
    await play.accept("a1", lane="AJ-1", correlation_id="a1", **said)
    await play.begin("a1/0")
    said = {"document": {"case_number": "CF-7"}, "numbers": {"case_number": "CF-7"}}
    await play.accept("b1", lane="CF-7", source=make.penalty, correlation_id="b1", to=[], **said)
    assert await ledger.follow(NAME)
    assert await ledger.put_clocks(NAME, [counted("a1", clock("a")), counted("b1", clock("b"))])
    await play.settle("a1/0", State.DELIVERED, reference="CF-7", alias=("case_number", "AJ-1"))
    assert await found(ledger) == [("a1", "a", 16)]


async def test_what_was_counted_by_other_rules(play: Any, ledger: Any) -> None:
    """Cases without a deadline too: by other rules they may have one."""
    await keep(ledger, play, counted("A", by="1"), counted("B", by="2"), counted("C", by="3"))
    assert set(await ledger.counted_otherwise("2")) == {"A", "C"}
    assert len(await ledger.counted_otherwise("2", 1)) == 1
    assert await ledger.counted_otherwise("9", 10) == ["A", "B", "C"]


async def test_what_is_not_over_is_counted(play: Any, ledger: Any) -> None:
    """By rule, and by the last bound before its day."""
    await keep(
        ledger,
        play,
        counted(
            "A", clock("a", 3), clock("b", 9), clock("c", None, ClockStanding.STOPPED), clock("d", 1, ClockStanding.MET)
        ),
        counted("B", clock("a", 4), clock("b", 20)),
    )
    bounds = [date(2026, 9, 4), date(2026, 9, 9)]
    said = await ledger.count_clocks(bounds)
    assert {each for each in said if each.standing is ClockStanding.OPEN} == {
        ClockCount("a", ClockStanding.OPEN, None, 1),
        ClockCount("a", ClockStanding.OPEN, bounds[0], 1),
        ClockCount("b", ClockStanding.OPEN, bounds[1], 2),
    }
    assert [(each.rule, each.count) for each in said if each.standing is not ClockStanding.OPEN] == [("c", 1)]


@pytest.mark.parametrize(
    "cursor", ["", "x", "1", "1.", "1.zz", "99999999." + "0" * 32, "²." + "0" * 32, "-1." + "0" * 32]
)
async def test_a_cursor_that_is_not_ours(ledger: Any, cursor: str) -> None:
    """It is told, and nothing is looked for."""
    with pytest.raises(Invalid) as told:
        await ledger.find_clocks(EVERY, cursor)
    assert told.value.code == "cursor.unknown"

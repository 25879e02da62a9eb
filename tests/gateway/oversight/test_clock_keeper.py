"""Deadlines are kept as they follow from the documents, the rules and the calendar, whatever changed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from gateway.errors import Unavailable
from gateway.ledger.clocked import ClockFilter, ClockSpan, ClockStanding, FoundClock
from gateway.ledger.records import CalendarYear, Intent, Retention
from gateway.oversight import cases
from gateway.oversight.cases import CaseFinder
from gateway.oversight.clock_keeper import ClockKeeper, counted_by, lanes
from gateway.oversight.clock_list import ClockList, ListedClock, ListedState
from gateway.oversight.follower import Follower
from schemas.calendar import PUBLISHED
from schemas.clocks import ClockRule, bundled, read_clocks

MOBILE, PENALTY = "mobile-enforcement.330110", "penalty.330110"
ZONE = ZoneInfo("Asia/Shanghai")
EVERY = ClockFilter(tuple(ClockSpan(each) for each in ClockStanding))
FILING = """\
clocks:
  - {rule: case.filing, title: 立案, en: Filing, article: 新, bound: authority, days: 30, counting: natural,
     starts: [{type: case.transferred, day: found_at}],
     ends: [{type: case.progressed, day: at, where: {node: filed}}]}
"""


class Office:
    """A desk with two platforms, whose deadlines are kept; `now` is where its clock stands."""

    def __init__(self, desk: Any, write: Any) -> None:
        self.desk, self.write = desk, write
        self.now = datetime(2026, 8, 12, 4, tzinfo=UTC)
        self.keeper = self.keeping()

    def keeping(self, rules: Sequence[ClockRule] | None = None) -> ClockKeeper:
        """What keeps deadlines, by these rules."""
        return ClockKeeper(self.desk.ledger, lambda: self.now, ZONE, rules)

    async def transferred(self, number: str = "AJ-1", **more: Any) -> Any:
        """Hand a case over that was found on 2 August."""
        return await self.desk.send(MOBILE, "case.transferred", self.write.case(case_number=number, **more))

    async def node(self, node: str, on: str, number: str = "AJ-1") -> Any:
        """Tell a node of its chain."""
        said = self.write.progress(case_number=number, node=node, at=f"{on}T09:00:00+08:00")
        return await self.desk.send(PENALTY, "case.progressed", said)

    async def follow(self) -> None:
        """Show all that is new."""
        while await Follower(self.desk.ledger, (self.keeper,)).step():
            pass

    async def kept(self) -> list[FoundClock]:
        """Every deadline that is kept."""
        return list((await self.desk.ledger.find_clocks(EVERY, None, 200)).items)

    async def rules(self) -> dict[str, tuple[str, str, date | None]]:
        """Rule → case, standing and last day."""
        return {
            one.clock.rule: (one.case.number, one.clock.standing.value, one.clock.due_at) for one in await self.kept()
        }

    async def listed(self, state: ListedState | None = None, days: int = 3, **more: Any) -> list[ListedClock]:
        """What the list shows today."""
        listing = ClockList(self.desk.ledger, lambda: self.now, ZONE, days)
        return list((await listing.find(state, **more)).items)


@pytest.fixture
async def office(racing: Any, write: Any) -> Office:
    """An office over a ledger that fails as it is told to."""
    await racing.at(MOBILE, PENALTY)
    return Office(racing, write)


async def test_deadlines_follow_the_documents(office: Office) -> None:
    """They begin with the document that starts them, and end with the one that meets them."""
    case = await office.transferred()
    await office.follow()
    assert await office.rules() == {"case.filing": ("AJ-1", "open", date(2026, 8, 17))}
    [one] = await office.kept()
    assert (one.case.region, set(one.case.platforms), one.case.complete) == ("330110", {MOBILE, PENALTY}, True)
    assert one.clock.evidence == (case.message.id,)
    await office.node("filed", "2026-08-10")
    await office.follow()
    kept = await office.rules()
    assert kept["case.filing"] == ("AJ-1", "met", date(2026, 8, 17))
    assert kept["case.decision"] == ("AJ-1", "open", date(2026, 11, 8))


async def test_the_list_says_what_the_case_says(office: Office) -> None:
    """On any day: what is kept once is judged by the day on which it is asked for."""
    await office.transferred()
    await office.node("filed", "2026-08-10")
    await office.node("notified", "2026-08-11")
    await office.node("suspended", "2026-09-01")
    await office.node("notified", "2026-12-30", "AJ-2")
    await office.follow()
    finder = CaseFinder(office.desk.ledger, lambda: office.now, ZONE)
    for days in (0, 6, 100, 400):
        office.now = datetime(2026, 8, 12, 4, tzinfo=UTC) + timedelta(days=days)
        said = [clock for number in ("AJ-1", "AJ-2") for clock in (await finder.of(number)).clocks]
        shown = [one.clock for one in await office.listed()]
        assert sorted(map(repr, shown)) == sorted(map(repr, said))


async def test_what_runs_out_is_found_by_the_days_of_warning(office: Office) -> None:
    """By working days; missed the day after, without anybody writing anything."""
    await office.transferred()
    await office.follow()
    assert [one.lapsing for one in await office.listed(ListedState.LAPSING)] == [True]  # 12 August, due on the 17th
    assert await office.listed(ListedState.LAPSING, days=2) == []
    assert [one.lapsing for one in await office.listed(ListedState.RUNNING, days=2)] == [False]
    office.now = datetime(2026, 8, 17, 15, 59, tzinfo=UTC)
    assert len(await office.listed(ListedState.RUNNING)) == 1
    office.now = datetime(2026, 8, 17, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    assert await office.listed(ListedState.RUNNING) == []
    [missed] = await office.listed(ListedState.MISSED)
    assert (missed.clock.state, missed.clock.days_left, missed.lapsing) == ("missed", -1, False)


async def test_places_and_days(office: Office) -> None:
    """A region has what lies in it; a day, what is due by it."""
    await office.transferred()
    await office.desk.at("mobile-enforcement.330200")
    other = office.write.case(case_number="AJ-2", found_at="2026-08-05T09:00:00+08:00", region="330203")
    await office.desk.send("mobile-enforcement.330200", "case.transferred", other)
    await office.follow()
    numbers = {region: [one.case.number for one in await office.listed(region=region)] for region in
               ("000000", "330000", "330100", "330110", "330111", "440000")}  # fmt: skip
    assert numbers["330110"] == numbers["330100"] == ["AJ-1"]
    assert numbers["330111"] == numbers["440000"] == []
    assert numbers["000000"] == numbers["330000"] == ["AJ-1", "AJ-2"]
    assert await office.listed(until=date(2026, 8, 16)) == []
    assert [one.case.number for one in await office.listed(until=date(2026, 8, 17))] == ["AJ-1"]


@pytest.mark.parametrize("call", ["put_clocks", "keep_followed"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_write_that_failed_loses_no_deadline(office: Office, call: str, when: str) -> None:
    """The messages are shown again, and counted again."""
    await office.transferred()
    getattr(office.desk.ledger, f"fail_{when}")(call)
    with pytest.raises(Unavailable):
        await office.follow()
    await office.node("filed", "2026-08-10")
    await office.follow()
    assert set(await office.rules()) == {"case.filing", "case.decision"}
    assert len(await office.kept()) == 2


async def test_a_case_that_is_tied_to_another_takes_its_deadlines_with_it(office: Office) -> None:
    """The number that nobody uses any more has none, and the case has those of both."""
    case = await office.transferred()
    claim = await office.desk.begin(case.deliveries[0])
    await office.node("filed", "2026-08-10", "CF-7")
    await office.follow()
    assert {one.case.number for one in await office.kept()} == {"AJ-1", "CF-7"}
    await office.desk.settle_as(claim, case.deliveries[0], "case_number", "AJ-1", "CF-7")
    assert {one.case.number for one in await office.kept()} == {"AJ-1"}
    await office.follow()
    kept = await office.rules()
    assert kept["case.filing"] == ("AJ-1", "met", date(2026, 8, 17))
    assert kept["case.decision"][0] == "AJ-1"


async def test_a_case_that_is_tied_while_it_is_counted(office: Office) -> None:
    """What was read before and is kept after is counted again: nothing stays under the old number."""
    case = await office.transferred()
    claim = await office.desk.begin(case.deliveries[0])
    await office.node("filed", "2026-08-10", "CF-7")
    gate = office.desk.ledger.hold_before("put_clocks")
    following = asyncio.create_task(office.follow())
    await gate.reached()
    await office.desk.settle_as(claim, case.deliveries[0], "case_number", "AJ-1", "CF-7")
    gate.open()
    await following
    await office.follow()
    assert {one.case.number for one in await office.kept()} == {"AJ-1"}
    assert (await office.rules())["case.filing"][1] == "met"


async def test_a_case_that_is_pruned_while_it_is_counted(office: Office) -> None:
    """It leaves no deadline behind."""
    case = await office.transferred()
    await office.desk.accept_as(case.deliveries[0], "case_number", "AJ-1", "")
    await office.transferred("AJ-2")
    gate = office.desk.ledger.hold_before("put_clocks")
    following = asyncio.create_task(office.follow())
    await gate.reached()
    kept, day = Retention(timedelta(days=2), timedelta(days=1)), 86_400.0
    for days in (0, 300):
        seen = days * day
        while (
            await office.desk.ledger.prune(kept, "pruner", office.desk.clock() + timedelta(days=days), seen=seen)
        ).more:
            seen = 0.0
    gate.open()
    await following
    assert {one.case.number for one in await office.kept()} == {"AJ-2"}


async def test_a_year_that_is_entered_counts_at_once(office: Office) -> None:
    """What was unknown for it is known then; nobody has to send anything again."""
    await office.node("notified", "2026-12-30")
    await office.follow()
    assert {one.clock.unknown_year for one in await office.kept()} == {2027}
    assert await office.listed(ListedState.UNKNOWN) == await office.listed()
    assert not await office.keeper.step()
    at = office.desk.clock()
    year = CalendarYear(2027, ("2027-01-01",), (), at)
    await office.desk.ledger.put_year(year, Intent("admin", "", at))
    await office.keeper.step()
    assert {one.clock.due_at for one in await office.kept()} == {date(2027, 1, 7)}
    by = {one.case.counted_by for one in await office.kept()}
    assert not await office.keeper.step()
    assert by == {one.case.counted_by for one in await office.kept()}


async def test_rules_that_changed_count_for_every_case(office: Office) -> None:
    """A release with other deadlines counts anew, a little at a time; whoever does not follow counts nothing."""
    for number in range(25):
        await office.transferred(f"AJ-{number}")
    await office.follow()
    newer = office.keeping(read_clocks(FILING))
    assert await newer.step(), "there are more"
    assert not await newer.step()
    assert {one.clock.due_at for one in await office.kept()} == {date(2026, 9, 1)}
    assert len(await office.kept()) == 25


async def test_who_does_not_follow_counts_nothing_anew(office: Office) -> None:
    """One process does it."""
    await office.transferred()
    assert not await office.keeping(read_clocks(FILING)).step()
    assert await office.kept() == []


async def test_a_case_of_too_many_documents_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest count, and it is told that there are more."""
    monkeypatch.setattr(cases, "MOST", 1)
    monkeypatch.setattr(cases, "_PAGE", 1)
    await office.transferred()
    await office.node("filed", "2026-08-10")
    await office.follow()
    [one] = await office.kept()
    assert (one.clock.rule, one.case.complete) == ("case.decision", False)


async def test_days_beyond_all_days_stop_nobody(office: Office) -> None:
    """A decision on the last day that there is has deadlines that are unknown; what comes behind it is counted."""
    await office.transferred()
    decision = office.write.decision(decided_on="9999-12-31")
    await office.desk.send(PENALTY, "penalty.decided", decision)
    await office.transferred("AJ-2")
    await office.follow()
    kept = {(one.case.number, one.clock.rule): one.clock.standing.value for one in await office.kept()}
    assert kept[("AJ-1", "decision.service")] == kept[("AJ-1", "decision.publication")] == "unknown"
    assert kept[("AJ-2", "case.filing")] == "open"
    case = await CaseFinder(office.desk.ledger, lambda: office.now, ZONE).of("AJ-1")
    assert {each.state.value for each in case.clocks if each.rule.rule == "decision.service"} == {"unknown"}


async def test_a_case_that_cannot_be_counted_leaves_the_others(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of the rules themselves is logged with its case, which has no deadlines then; the others are counted."""
    [filing, decision] = [
        next(each for each in bundled() if each.rule == rule) for rule in ("case.filing", "case.decision")
    ]
    office.keeper = office.keeping([replace(filing, days=0, months=-99_999), decision])
    await office.transferred()
    await office.node("filed", "2026-08-03", "AJ-2")
    await office.follow()
    assert await office.rules() == {"case.decision": ("AJ-2", "open", date(2026, 11, 1))}
    assert any("AJ-1" in record.getMessage() for record in caplog.records)


async def test_a_write_that_failed_is_not_a_case_that_cannot_be_counted(office: Office) -> None:
    """A ledger that cannot be read or written is raised: nothing is passed, and it is counted later."""
    await office.transferred()
    for call in ("find_messages", "put_clocks"):
        office.desk.ledger.fail_before(call)
        with pytest.raises(Unavailable):
            await office.follow()
        assert await office.kept() == []
    await office.follow()
    assert list(await office.rules()) == ["case.filing"]


def test_other_rules_and_other_years_have_another_name() -> None:
    """And the same ones the same name, in every process."""
    rules = read_clocks(FILING)
    again = read_clocks(FILING)
    names = {counted_by(PUBLISHED, rules), counted_by(PUBLISHED, bundled()), counted_by(PUBLISHED.amended({}), again)}
    assert len(names) == 2
    without = PUBLISHED.amended({2026: PUBLISHED.years[2025]})
    assert counted_by(without, rules) not in names


def test_deadlines_are_looked_for_where_one_can_start() -> None:
    """By the numbers of the documents that start one: not in the lanes of orders or of inspections."""
    assert lanes(bundled()) == {"case_number", "measure_number"}

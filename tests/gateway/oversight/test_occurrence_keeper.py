"""What the regular report counts is kept once, whichever write fails, and follows a year that is entered."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.errors import Unavailable
from gateway.ledger.occurrences import TallyFilter
from gateway.ledger.records import CalendarYear, Intent
from gateway.oversight.figures import Figure
from gateway.oversight.follower import Follower
from gateway.oversight.occurrence_keeper import OccurrenceKeeper
from gateway.oversight.occurrences import OccurrenceReader
from gateway.oversight.reports import Reports
from schemas.figures import bundled

MOBILE, PENALTY = "mobile-enforcement.330110", "penalty.330110"
ZONE = ZoneInfo("Asia/Shanghai")
NONE: dict[str, int | None] = {"inspection_cap": None}
EVERYTHING = TallyFilter(202601, 202712, months=True, authorities=True)


class Bureau:
    """A desk, and what keeps and counts for the report."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.reports = Reports(desk.ledger, bundled(), desk.clock, ZONE, NONE)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Begin as another process does after a crash."""
        self.keeper = OccurrenceKeeper(self.desk.ledger, bundled(), ZONE, NONE)
        self.follower = Follower(self.desk.ledger, (self.keeper,), share=1.0)

    async def work(self) -> None:
        """Keep and count everything that there is."""
        while await self.follower.step():
            pass
        for _ in range(3):
            await self.keeper.step()

    async def tallies(self) -> list[str]:
        """Every count that is kept."""
        found = await self.desk.ledger.tallies(EVERYTHING, OccurrenceReader(bundled(), ZONE, NONE))
        return sorted(repr(each) for each in found)

    async def figure(self, name: str, period: str) -> Figure:
        """One figure of the nation."""
        report = await self.reports.usage(period, "000000")
        return next(each for each in report.figures if each.rule.figure == name)


@pytest.fixture
async def bureau(office: Any) -> Bureau:
    """Everybody speaks canonically."""
    await office.desk.at(MOBILE, PENALTY, adapter="canonical")
    return Bureau(office.desk)


async def happen(bureau: Bureau, write: Any) -> None:
    """An inspection, a case that the penalty platform accepts, its decision and the correction of it."""
    desk = bureau.desk
    await desk.send(MOBILE, "inspection.recorded", write.inspection())
    case = await desk.send(MOBILE, "case.transferred", write.case())
    [delivery] = [each for each in case.deliveries if each.platform == PENALTY]
    await desk.accept_as(delivery, "case_number", "AJ-1", "CF-1")
    await desk.send(PENALTY, "penalty.decided", write.decision(case_number="CF-1"))
    await desk.send(PENALTY, "penalty.decided", write.decision(case_number="CF-1", fine="300000"))


@pytest.mark.parametrize("call", ["keep_occurrences", "count_use", "keep_followed"])
@pytest.mark.parametrize("when", ["fail_before", "fail_after"])
async def test_whichever_write_fails_everything_counts_once(bureau: Bureau, write: Any, call: str, when: str) -> None:
    """Before or after its commit; another process goes on, and shows again what was not noted as shown."""
    await happen(bureau, write)
    getattr(bureau.desk.ledger, when)(call)
    with suppress(Unavailable):
        await bureau.work()
    assert bureau.desk.ledger.faults_left() == []
    bureau.begin_anew()
    await bureau.work()
    counted = await bureau.tallies()
    fines = await bureau.figure("fines", "2026-09")
    assert (fines.numerator, fines.denominator) == (300_000, 1)
    inspections = await bureau.figure("entry-timeliness", "2026-08")
    assert inspections.denominator == 1
    use = await bureau.reports.usage("2026-09", "000000")
    assert use.use is not None
    assert {each.platform: each.received for each in use.use.platforms} == {MOBILE: 2, PENALTY: 2}
    assert use.use.delivery.count == 1
    await bureau.work()
    assert await bureau.tallies() == counted


@pytest.mark.parametrize("call", ["keep_occurrences", "count_use"])
async def test_what_comes_while_a_write_takes_long_is_counted_too(bureau: Bureau, write: Any, call: str) -> None:
    """Once before it writes and once when it has written, another document comes."""
    await bureau.desk.send(MOBILE, "inspection.recorded", write.inspection())
    gates = [bureau.desk.ledger.hold_before(call), bureau.desk.ledger.hold_after(call)]
    working = asyncio.create_task(bureau.work())
    for number, gate in enumerate(gates, 2):
        await gate.reached()
        await bureau.desk.send(MOBILE, "inspection.recorded", write.inspection(inspection_number=f"JC-{number}"))
        gate.open()
        if working.done():
            working = asyncio.create_task(bureau.work())
    await working
    await bureau.work()
    assert (await bureau.figure("entry-timeliness", "2026-08")).denominator == 3
    use = (await bureau.reports.usage("2026-09", "000000")).use
    assert use is not None
    assert {each.platform: each.received for each in use.platforms}[MOBILE] == 3


async def test_a_year_that_is_entered_mends_what_could_not_be_counted(bureau: Bureau, write: Any) -> None:
    """Nobody has to send anything again, and what is counted then is not read over and over."""
    await happen(bureau, write)
    late = write.decision(decided_on="2027-03-01", decision_number="杭环罚〔2027〕1号", case_number="CF-1")
    await bureau.desk.send(PENALTY, "penalty.decided", late)
    await bureau.work()
    before = await bureau.figure("publication-on-time", "2027-03")
    assert (before.numerator, before.denominator, before.value) == (0, 1, None)
    year = CalendarYear(2027, ("2027-01-01",), (), bureau.desk.clock())
    await bureau.desk.ledger.put_year(year, Intent("admin", "", bureau.desk.clock()))
    await bureau.work()
    after = await bureau.figure("publication-on-time", "2027-03")
    assert (after.denominator, after.value, after.unknown) == (1, 0, None)
    calls = len(bureau.desk.ledger.calls)
    await bureau.work()
    assert not {"uncounted", "keep_occurrences"} & {*bureau.desk.ledger.calls[calls:]}


@pytest.mark.parametrize("call", ["uncounted", "keep_occurrences"])
async def test_a_mending_that_fails_is_done_again(bureau: Bureau, write: Any, call: str) -> None:
    """By the same process at its next step, or by another one."""
    await bureau.desk.send(MOBILE, "case.transferred", write.case())
    await bureau.desk.send(PENALTY, "penalty.decided", write.decision(decided_on="2027-03-01"))
    await bureau.work()
    year = CalendarYear(2027, ("2027-01-01",), (), bureau.desk.clock())
    await bureau.desk.ledger.put_year(year, Intent("admin", "", bureau.desk.clock()))
    bureau.desk.ledger.fail_before(call)
    with pytest.raises(Unavailable):
        await bureau.keeper.step()
    await bureau.work()
    assert (await bureau.figure("publication-on-time", "2027-03")).unknown is None


async def test_a_year_that_is_entered_while_messages_are_read_counts(bureau: Bureau, write: Any) -> None:
    """They were read by the old calendar, and kept after all that could not be counted was mended."""
    await bureau.desk.send(MOBILE, "case.transferred", write.case())
    await bureau.desk.send(PENALTY, "penalty.decided", write.decision(decided_on="2027-03-01"))
    gate = bureau.desk.ledger.hold_before("keep_occurrences")
    working = asyncio.create_task(bureau.follower.step())
    await gate.reached()
    year = CalendarYear(2027, ("2027-01-01",), (), bureau.desk.clock())
    await bureau.desk.ledger.put_year(year, Intent("admin", "", bureau.desk.clock()))
    await bureau.keeper.step()
    gate.open()
    await working
    assert (await bureau.figure("publication-on-time", "2027-03")).unknown is None

"""Cases are looked at again when a day has passed, or something has changed that their findings rest on."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from gateway.errors import Unavailable
from gateway.ledger.records import CalendarYear, Intent
from gateway.oversight.assessor import Assessor
from gateway.oversight.due_cases import DueCases
from schemas.assessment import CheckTest, NamedDocument
from schemas.assessment_file import bundled

MOBILE, PENALTY, STAFF = "mobile-enforcement.330110", "penalty.330110", "personnel.330110"
ZONE = ZoneInfo("Asia/Shanghai")
ACT = {"acts": {"from": "2026-07-01", "to": "2026-07-31"}, "violations": [{"item_code": "33-1", "facts": "超标"}]}
NOTIFIED = {"node": "notified", "at": "2026-12-30", "served": {"way": "direct", "on": "2026-12-30"}}


@pytest.fixture
async def town(office: Any) -> Any:
    """Oversight of a county; it is noon."""
    await office.desk.at(MOBILE, PENALTY, STAFF, adapter="canonical")
    office.now = noon("2026-09-01")
    return office


def noon(day: str) -> datetime:
    """A moment of a day."""
    return datetime.fromisoformat(f"{day}T12:00:00+08:00")


async def measure(town: Any, write: Any, number: str, action: str, on: str) -> None:
    """Something is sealed in a case, or released."""
    said = {"measure_number": f"CF-{number}", "kind": "seal", "action": action, "decided_on": on, "served_on": on}
    about = {name: write.decision()[name] for name in ("party", "region", "authority", "legal_basis")}
    await town.desk.send(MOBILE, "measure.ordered", {**said, **about, "case_number": number})


async def sealed(town: Any, write: Any, number: str = "AJ-1", **more: Any) -> None:
    """A case in which something was sealed; the thirty days end on 24 September."""
    await town.desk.send(MOBILE, "case.transferred", write.case(case_number=number, **more))
    await measure(town, write, number, "impose", "2026-08-25")


async def certified(town: Any, *numbers: str) -> None:
    """Officers have their certificates told."""
    for number in numbers:
        certificate = {"number": number, "name": "执法人员", "authority": {"name": "余杭分局"}, "region": "330110"}
        valid = {"valid_from": "2025-01-01", "valid_to": "2029-12-31", "status": "valid"}
        await town.desk.send(STAFF, "officer.changed", certificate | valid)


async def results(town: Any, rule: str) -> list[str]:
    """What a rule came to, by case."""
    return [str(each.result) for each in sorted(await town.findings(rule), key=lambda one: one.lane)]


async def told(town: Any, rule: str) -> list[str]:
    """What was told of a rule."""
    return [each.document["result"] for each in await town.said() if each.document["rule"] == rule]


# ── days ──────────────────────────────────────────────────────────────────────────────────────
async def test_a_seizure_that_nobody_released_is_found_when_its_days_are_over(town: Any, write: Any) -> None:
    """Not on its last day, and on the next one though no document comes; whoever is concerned is told once."""
    await sealed(town, write)
    await town.follow()
    for day, result in (("2026-09-24", "not-applicable"), ("2026-09-25", "missed"), ("2026-12-01", "missed")):
        town.now = noon(day)
        await town.look()
        assert await results(town, "seizure.in-time") == [result], day
    assert await told(town, "seizure.in-time") == ["missed"]


async def test_a_day_begins_in_the_zone(town: Any, write: Any) -> None:
    """A minute after midnight in China, while it is the day before elsewhere."""
    await sealed(town, write)
    await town.follow()
    town.now = datetime.fromisoformat("2026-09-24T16:01:00+00:00")
    await town.look()
    assert await results(town, "seizure.in-time") == ["missed"]


async def test_what_ended_in_time_is_not_looked_at_again(town: Any, write: Any) -> None:
    """A seizure that was released turns on no day: nothing is due on any."""
    await sealed(town, write)
    await town.follow()
    await measure(town, write, "AJ-1", "release", "2026-09-10")
    await town.follow()
    assert await results(town, "seizure.in-time") == ["met"]
    assert await town.desk.ledger.due_cases(date(2030, 1, 1)) == []


async def test_a_clock_that_was_ahead_leaves_nothing_behind(town: Any, write: Any) -> None:
    """What it found too early is looked at again when the clock is put back, once, and again when the day comes."""
    await sealed(town, write)
    await town.follow()
    for day, result in (
        ("2026-10-08", "missed"),
        ("2026-09-02", "not-applicable"),
        ("2026-09-02", "not-applicable"),
        ("2026-09-25", "missed"),
    ):
        town.now = noon(day)
        assert await town.look() == 1
        assert await results(town, "seizure.in-time") == [result], day
    assert await told(town, "seizure.in-time") == ["missed", "not-applicable", "missed"]


async def test_many_cases_of_one_day_are_looked_at_a_few_at_a_time(town: Any, write: Any) -> None:
    """No step looks at more than it may, however many are due; each is looked at once."""
    for number in range(5):
        await sealed(town, write, f"AJ-{number}")
    await town.follow()
    town.now = noon("2026-09-25")
    before = len(town.desk.ledger.calls)
    assert await town.due.step()
    assert (await results(town, "seizure.in-time")).count("missed") == 2
    assert town.desk.ledger.calls[before:].count("put_findings") == 2
    assert await town.look() == 2
    assert town.desk.ledger.calls[before:].count("put_findings") == 5
    assert await results(town, "seizure.in-time") == ["missed"] * 5


async def test_a_case_that_cannot_be_judged_is_tried_again_the_next_day(town: Any, write: Any) -> None:
    """It stands in nobody's way: on one day it is tried once."""
    [some, *_] = [each for each in bundled().checks if each.rule == "limitation.kept"]
    broken = replace(some, rule="broken", of=(NamedDocument("case.transferred"),), tests=(CheckTest(),))
    checks = replace(bundled(), checks=(some, broken))
    town.assessor = Assessor(town.desk.ledger, town.own, town.clock, ZONE, checks=checks)
    town.due = DueCases(town.desk.ledger, town.assessor, town.clock, ZONE, most=2)
    await town.desk.ledger.follow("assessment")
    case = await town.desk.send(MOBILE, "case.transferred", write.case())
    await town.assessor.see([case.message])
    assert await town.desk.ledger.due_cases(date(2026, 9, 1)) == []
    town.now = noon("2026-09-02")
    assert not await town.due.step()
    assert await town.desk.ledger.due_cases(date(2026, 9, 2)) == []
    assert len(await town.desk.ledger.due_cases(date(2026, 9, 3))) == 1


# ── grounds ───────────────────────────────────────────────────────────────────────────────────
async def test_a_certificate_that_comes_late_is_found(town: Any, write: Any) -> None:
    """The cases that name the officer are looked at again; those that do not are left alone."""
    await town.desk.send(MOBILE, "inspection.recorded", write.inspection())
    await town.desk.send(MOBILE, "case.transferred", write.case(inspection_number="JC-1"))
    await sealed(town, write, "AJ-2", officers=[{"name": "赵三", "number": "33010009"}])
    await town.follow()
    assert await results(town, "officers.two") == ["unknown", "not-applicable"]
    await certified(town, "33010001", "33010002")
    await town.follow()
    before = len(town.desk.ledger.calls)
    await town.look()
    assert await results(town, "officers.two") == ["met", "not-applicable"]
    assert town.desk.ledger.calls[before:].count("put_findings") == 1
    assert await told(town, "officers.two") == ["met"]


async def test_a_year_that_is_entered_is_counted_by(town: Any, write: Any) -> None:
    """What was unknown for want of its holidays is known; cases that never counted in it are left alone."""
    await sealed(town, write, "AJ-2")
    await town.desk.send(MOBILE, "case.transferred", write.case())
    await town.desk.send(PENALTY, "case.progressed", write.progress(**NOTIFIED))
    await town.desk.send(PENALTY, "penalty.decided", write.decision(decided_on="2027-01-20"))
    await town.follow()
    assert await results(town, "notice.waited") == ["unknown", "not-applicable"]
    year = CalendarYear(2027, ("2027-01-01",), (), town.clock())
    await town.desk.ledger.put_year(year, Intent("admin", "", town.clock()))
    before = len(town.desk.ledger.calls)
    await town.look()
    assert await results(town, "notice.waited") == ["met", "not-applicable"]
    assert town.desk.ledger.calls[before:].count("put_findings") == 1


async def test_a_second_fine_for_one_act_is_found_in_the_first_case_too(town: Any, write: Any) -> None:
    """The first case hears of what was decided in another one after it."""
    for number in ("1", "2"):
        await town.desk.send(MOBILE, "case.transferred", write.case(case_number=f"AJ-{number}"))
        decision = write.decision(case_number=f"AJ-{number}", decision_number=f"杭环罚〔2026〕{number}号", **ACT)
        await town.desk.send(PENALTY, "penalty.decided", decision)
        await town.follow()
    assert await results(town, "act.fined-once") == ["met", "missed"]
    await town.look()
    assert await results(town, "act.fined-once") == ["missed", "missed"]


async def test_a_year_that_is_entered_while_a_case_is_assessed_counts(town: Any, write: Any) -> None:
    """The case was read before and is kept for the first time after the year has reached all others."""
    await town.desk.send(MOBILE, "case.transferred", write.case())
    await town.desk.send(PENALTY, "case.progressed", write.progress(**NOTIFIED))
    await town.desk.send(PENALTY, "penalty.decided", write.decision(decided_on="2027-01-20"))
    gate = town.desk.ledger.hold_before("put_findings")
    following = asyncio.create_task(town.follow())
    await gate.reached()
    year = CalendarYear(2027, ("2027-01-01",), (), town.clock())
    await town.desk.ledger.put_year(year, Intent("admin", "", town.clock()))
    assert not await town.desk.ledger.make_due()
    gate.open()
    await following
    assert await results(town, "notice.waited") == ["met"]


# ── processes ─────────────────────────────────────────────────────────────────────────────────
async def test_who_does_not_show_messages_looks_at_nothing(town: Any, write: Any) -> None:
    """One process does it: before it shows messages it does not ask what is due."""
    await sealed(town, write)
    assert not await town.due.step()
    assert "due_cases" not in town.desk.ledger.calls


@pytest.mark.parametrize("call", ["make_due", "due_cases", "put_findings", "tell_findings", "change_grounds"])
@pytest.mark.parametrize("when", ["fail_before", "fail_after"])
async def test_a_crash_at_any_step_loses_nothing_and_says_nothing_twice(
    town: Any, write: Any, call: str, when: str
) -> None:
    """A day passes and certificates come, and a call fails: another process finds all, and tells it once."""
    await town.desk.send(MOBILE, "inspection.recorded", write.inspection())
    await sealed(town, write, inspection_number="JC-1")
    await town.follow()
    town.now = noon("2026-09-25")
    await certified(town, "33010001", "33010002")
    getattr(town.desk.ledger, when)(call)
    with suppress(Unavailable):
        await town.follow()
        await town.look()
    town.reopen()
    await town.follow()
    await town.look()
    await town.assessments.reconcile()
    assert town.desk.ledger.faults_left() == []
    assert (await results(town, "seizure.in-time"), await results(town, "officers.two")) == (["missed"], ["met"])
    assert (await told(town, "seizure.in-time"), await told(town, "officers.two")) == (["missed"], ["met"])
    assert (await town.desk.ledger.untold_findings())[0] == []

"""Cases are assessed when they change; what is news is kept once, told at least once, and may be answered."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from gateway.errors import Invalid, NotFound, Unavailable
from gateway.ledger.assessments import CaseSearch
from gateway.message import State
from gateway.oversight import cases
from gateway.oversight.assessor import Assessor
from gateway.oversight.follower import Follower
from schemas.assessment import CheckTest, NamedDocument
from schemas.assessment_file import bundled

MOBILE, PENALTY, PERMITS = "mobile-enforcement.330110", "penalty.330110", "pollutant-permit.330000"
CASE = "AJ-1"
ZONE = ZoneInfo("Asia/Shanghai")
LANE = f"case_number:{MOBILE}:{CASE}"


@pytest.fixture
async def town(office: Any) -> Any:
    """Oversight of a county with a mobile-enforcement and a penalty platform."""
    await office.desk.at(MOBILE, PENALTY, adapter="canonical")
    return office


async def handed_over(town: Any, write: Any, **more: Any) -> Any:
    """The case is handed over by mobile enforcement."""
    return await town.desk.send(MOBILE, "case.transferred", write.case(**more))


async def decided(town: Any, write: Any, **more: Any) -> Any:
    """The penalty platform decides it."""
    return await town.desk.send(PENALTY, "penalty.decided", write.decision(**more))


async def result(town: Any, rule: str) -> str:
    """What a rule came to."""
    [found] = await town.findings(rule)
    return str(found.result)


# ── keeping ───────────────────────────────────────────────────────────────────────────────────
async def test_a_case_is_assessed_when_it_changes(town: Any, write: Any) -> None:
    """Every check is kept with the messages that show it, the case's number and region; a later document changes it."""
    case = await handed_over(town, write, occurred_on="2024-08-02")
    await town.follow()
    [kept] = await town.findings("limitation.kept")
    assert (kept.result, kept.evidence) == ("met", (case.message.id,))
    assert (kept.lane, kept.case_number, kept.region, kept.correlation_id) == (LANE, CASE, "330110", case.message.id)
    assert await result(town, "authority.competent") == "not-applicable"
    decision = await decided(town, write, authority={"name": "杭州市生态环境局余杭分局"})
    await town.follow()
    [kept] = await town.findings("authority.competent")
    assert (kept.result, kept.evidence) == ("missed", (decision.message.id,))


async def test_what_stands_beside_a_case_is_looked_up(town: Any, write: Any) -> None:
    """Permits and certificates are found by the numbers that the case's documents name, whoever sent them when."""
    await town.desk.at(PERMITS, "personnel.330000", adapter="canonical")
    await town.desk.send(PERMITS, "permit.changed", write.permit(valid_to="2026-08-01"))
    inspection = write.inspection(permit_number=write.permit()["permit_number"])
    await town.desk.send(MOBILE, "inspection.recorded", inspection)
    for name, number in (("王一", "33010001"), ("李二", "33010002")):
        certificate = {"number": number, "name": name, "authority": {"name": "余杭分局"}, "region": "330110"}
        valid = {"valid_from": "2025-01-01", "valid_to": "2029-12-31", "status": "valid"}
        await town.desk.send("personnel.330000", "officer.changed", certificate | valid)
    await handed_over(town, write, inspection_number="JC-1")
    await town.follow()
    assert await result(town, "permit.valid-at-inspection") == "missed"
    assert await result(town, "officers.two") == "met"


async def test_another_case_of_the_party_is_compared(town: Any, write: Any) -> None:
    """A fine for the same act in another case of the same company is found, and is no document of this one."""
    act = {"acts": {"from": "2026-07-01", "to": "2026-07-31"}, "violations": [{"item_code": "33-1", "facts": "超标"}]}
    for number in ("1", "2"):
        await handed_over(town, write, case_number=f"AJ-{number}")
        await decided(town, write, case_number=f"AJ-{number}", decision_number=f"杭环罚〔2026〕{number}号", **act)
    await town.follow()
    assert [each.result for each in await town.findings("act.fined-once")] == ["missed", "missed"]
    assert [len(each.evidence) for each in await town.findings("authority.competent")] == [1, 1]


async def test_what_an_older_look_came_to_does_not_stay(town: Any, write: Any) -> None:
    """A run has read the case and not written yet; a decision comes and is assessed; then the run writes."""
    case = await handed_over(town, write)
    await town.follow()
    gate = town.desk.ledger.hold_before("put_findings")
    run = asyncio.create_task(town.assessor.assess([LANE], case.message.id))
    await gate.reached()
    await decided(town, write, authority={"name": "杭州市生态环境局余杭分局"})
    await town.follow()
    assert await result(town, "authority.competent") == "missed"
    gate.open()
    await run
    assert await result(town, "authority.competent") == "missed"


async def test_what_came_again_changes_nothing(town: Any, write: Any) -> None:
    """Seen a second time, as after a crash of the follower, a case has the same findings and nothing is said anew."""
    case = await handed_over(town, write, occurred_on="2024-08-02")
    await town.follow()
    before, said = await town.findings(), await town.said()
    await town.assessor.see([case.message])
    assert await town.findings() == before
    assert await town.said() == said


# ── telling ───────────────────────────────────────────────────────────────────────────────────
async def test_news_goes_to_the_platforms_of_the_case_in_its_lane(town: Any, write: Any) -> None:
    """What was met or missed comes from the gateway, of the case's region, behind the case's own documents."""
    await handed_over(town, write, occurred_on="2020-01-01")
    await town.follow()
    [said] = [each for each in await town.said() if each.document["rule"] == "limitation.kept"]
    assert (said.source, said.region, said.ordering_key) == ("gateway.000000", "330110", LANE)
    assert said.document["subject"] == {"case_number": CASE}
    assert (said.document["result"], said.document["article"]) == ("missed", "行政处罚法第三十六条")
    assert said.document["detail"].startswith("看违法行为终了之日")
    sent = await town.desk.ledger.deliveries_of(said.id)
    assert sorted(each.platform for each in sent) == [MOBILE, PENALTY]
    [kept] = await town.findings("limitation.kept")
    assert kept.told == said.id


async def test_what_cannot_be_told_apart_is_not_news_at_first(town: Any, write: Any) -> None:
    """Not applicable and unknown are kept; they are told only where something else had been told before."""
    await handed_over(town, write)
    await town.follow()
    assert await result(town, "limitation.kept") == "unknown"
    assert await town.said() == []
    await handed_over(town, write, occurred_on="2020-01-01")
    await town.follow()
    await handed_over(town, write, facts="改正后")
    await town.follow()
    told = [each.document["result"] for each in await town.said() if each.document["rule"] == "limitation.kept"]
    assert told == ["missed", "unknown"]


async def test_what_the_gateway_says_is_not_assessed(town: Any, write: Any) -> None:
    """Its own messages change no case: after the last document nothing more is said."""
    await handed_over(town, write, occurred_on="2020-01-01")
    await town.follow()
    many = len(await town.said())
    await town.follow()
    await town.follow()
    assert len(await town.said()) == many > 0


async def test_nobody_waits_for_an_assessment_that_nobody_takes(office: Any, write: Any) -> None:
    """Where no platform takes it the finding is kept and no message is made; one that takes it leaves none unrouted."""
    await office.desk.at(MOBILE, PENALTY, adapter="deaf")
    await office.desk.send(MOBILE, "case.transferred", write.case(occurred_on="2020-01-01"))
    await office.follow()
    assert (await office.said(), await result(office, "limitation.kept")) == ([], "missed")
    await office.desk.at(MOBILE, adapter="canonical")
    await office.desk.send(MOBILE, "case.transferred", write.case(occurred_on="2019-01-01", case_number="AJ-2"))
    await office.follow()
    [said] = await office.said()
    assert [(each.platform, each.state) for each in await office.desk.ledger.deliveries_of(said.id)] == [
        (MOBILE, State.READY)
    ]


async def test_an_installation_may_keep_findings_to_itself(town: Any, write: Any) -> None:
    """With telling switched off findings are kept and shown, and no platform gets anything."""
    town.tells = False
    town.reopen()
    await handed_over(town, write, occurred_on="2020-01-01")
    await town.follow()
    assert (await town.said(), await result(town, "limitation.kept")) == ([], "missed")


async def test_history_is_assessed_and_nobody_is_told(town: Any, write: Any) -> None:
    """What came more than a week ago, as when a gateway is first upgraded, is kept and told only when asked for."""
    await handed_over(town, write, occurred_on="2020-01-01")
    town.now = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=8)
    town.reopen()
    await town.follow()
    assert (await town.said(), await result(town, "limitation.kept")) == ([], "missed")
    run = await town.assessments.begin(town.intent(), case_number=CASE)
    await finished(town, run.id)
    assert [each.document["rule"] for each in await town.said()] == ["limitation.kept"]


async def test_history_is_told_to_nobody_though_another_task_tells_meanwhile(town: Any, write: Any) -> None:
    """Old findings are kept as told to nobody at once: whatever tells findings right then tells none."""
    await handed_over(town, write, occurred_on="2020-01-01")
    town.now = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=400)
    town.reopen()
    gate = town.desk.ledger.hold_after("put_findings")
    seeing = asyncio.create_task(town.follow())
    await gate.reached()
    await town.assessments.reconcile()
    gate.open()
    await seeing
    assert (await town.said(), await result(town, "limitation.kept")) == ([], "missed")


async def test_of_a_case_of_too_many_documents_nothing_is_missed(
    town: Any, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not found may stand in a document that was not looked at: it is unknown, and the sentence says why."""
    monkeypatch.setattr(cases, "MOST", 1)
    monkeypatch.setattr(cases, "_PAGE", 1)
    await handed_over(town, write)
    await decided(town, write, authority={"name": "杭州市生态环境局余杭分局"})
    await town.follow()
    [kept] = await town.findings("authority.competent")
    assert kept.result == "unknown"
    assert "未全部查看" in kept.said_zh


async def test_days_beyond_all_days_do_not_stop_the_assessment(town: Any, write: Any) -> None:
    """An act in the last year that there is cannot be counted from: that is unknown, and later cases are assessed."""
    await handed_over(town, write, occurred_on="9998-12-31", found_at="9999-12-31T23:00:00+08:00")
    await decided(town, write, decided_on="9999-12-31")
    await handed_over(town, write, case_number="AJ-2", occurred_on="2020-01-01")
    await town.follow()
    found = {each.case_number: each.result for each in await town.findings("limitation.kept")}
    assert found == {"AJ-1": "unknown", "AJ-2": "missed"}


async def test_a_case_that_cannot_be_judged_leaves_the_others(
    town: Any, write: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of the checks themselves is logged with its case; it keeps its findings, and the others are assessed."""
    [some, *_] = [each for each in bundled().checks if each.rule == "limitation.kept"]
    broken = replace(some, rule="broken", of=(NamedDocument("penalty.decided"),), tests=(CheckTest(),))
    town.assessor = Assessor(
        town.desk.ledger, town.own, town.clock, ZONE, checks=replace(bundled(), checks=(some, broken))
    )
    town.follower = Follower(town.desk.ledger, (town.assessor,), share=1.0)
    await handed_over(town, write, occurred_on="2020-01-01")
    await decided(town, write)
    await handed_over(town, write, case_number="AJ-2", occurred_on="2020-01-01")
    await town.follow()
    assert [each.case_number for each in await town.findings("limitation.kept")] == ["AJ-2"]
    assert any(LANE in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("call", ["put_findings", "tell_findings", "accept"])
@pytest.mark.parametrize("when", ["fail_before", "fail_after"])
async def test_a_crash_at_any_step_loses_nothing_and_says_nothing_twice(
    town: Any, write: Any, call: str, when: str
) -> None:
    """Whichever write fails, before or after its commit: another process keeps and tells each finding once."""
    await handed_over(town, write, occurred_on="2020-01-01")
    getattr(town.desk.ledger, when)(call)
    with suppress(Unavailable):
        await town.follower.step()
    town.reopen()
    await town.follow()
    await town.assessments.reconcile()
    said = [each.document["rule"] for each in await town.said()]
    assert said.count("limitation.kept") == 1
    assert len(said) == len(set(said))
    [kept] = await town.findings("limitation.kept")
    assert kept.told in {each.id for each in await town.said()}


# ── answers ───────────────────────────────────────────────────────────────────────────────────
async def test_an_authority_may_answer(town: Any, write: Any) -> None:
    """What the penalty platform says of a finding is kept with it, is told to nobody, and is assessed by nobody."""
    case = await handed_over(town, write, occurred_on="2020-01-01")
    penalty = next(each for each in case.deliveries if each.platform == PENALTY)
    await town.desk.accept_as(penalty, "case_number", CASE, "CF-77")
    await town.follow()
    [said] = await town.said()
    answer = {**said.document, "subject": {"case_number": "CF-77"}, "reviewer": "复核员甲", "answer": "已另案说明"}
    heard = await town.desk.send(PENALTY, "assessment.recorded", answer)
    assert heard.deliveries == ()
    await town.follow()
    [kept] = await town.findings("limitation.kept")
    assert (kept.reviewer, kept.answer, kept.answered_by) == ("复核员甲", "已另案说明", PENALTY)
    assert len(await town.said()) == 2  # its own, and the answer


@pytest.mark.parametrize("when", ["fail_before", "fail_after"])
async def test_an_answer_is_kept_though_a_write_fails(town: Any, write: Any, when: str) -> None:
    """What the ledger could not keep, or kept unheard, is shown again and kept."""
    await handed_over(town, write, occurred_on="2020-01-01")
    await town.follow()
    [said] = await town.said()
    await town.desk.send(PENALTY, "assessment.recorded", {**said.document, "answer": "已另案说明"})
    getattr(town.desk.ledger, when)("answer_finding")
    with pytest.raises(Unavailable):
        await town.follow()
    await town.follow()
    assert [each.answer for each in await town.findings("limitation.kept")] == ["已另案说明"]


async def test_an_answer_to_nothing_changes_nothing(town: Any, write: Any) -> None:
    """An answer about a rule that was never found, or that says nothing, is accepted and kept nowhere else."""
    await handed_over(town, write, occurred_on="2020-01-01")
    await town.follow()
    said = {"subject": {"case_number": CASE}, "version": "1", "result": "met", "at": "2026-09-01T10:00:00+08:00"}
    await town.desk.send(MOBILE, "assessment.recorded", {**said, "rule": "no.such", "answer": "不同意"})
    await town.desk.send(MOBILE, "assessment.recorded", {**said, "rule": "limitation.kept"})
    await town.follow()
    assert all(each.answer is None for each in await town.findings())


# ── runs ──────────────────────────────────────────────────────────────────────────────────────
async def finished(town: Any, run_id: str) -> Any:
    """Wait until a run has ended."""
    while (run := await town.assessments.progress(run_id)).finished_at is None:
        await town.assessments.resume()
        await asyncio.sleep(0)
    return run


async def test_a_run_assesses_the_cases_of_a_region_and_a_time(town: Any, write: Any) -> None:
    """Cases of which something came then are assessed, in steps, once each step; others are left alone."""
    await town.desk.at("mobile-enforcement.330106", "penalty.330106", adapter="canonical")
    early = town.clock()
    for number in range(3):
        await handed_over(town, write, case_number=f"AJ-{number}")
        await town.desk.send(PENALTY, "case.progressed", write.progress(case_number=f"AJ-{number}"))
    await town.desk.send(
        "mobile-enforcement.330106", "case.transferred", write.case(case_number="AJ-9", region="330106")
    )
    run = await town.assessments.begin(town.intent(), region="330110", since=early)
    done = await finished(town, run.id)
    assert (done.cases, done.reached_at) == (3, done.until)
    assert done.changed == len(await town.findings())
    assert {each.case_number for each in await town.findings("party.identical")} == {"AJ-0", "AJ-1", "AJ-2"}
    again = await finished(town, (await town.assessments.begin(town.intent(), region="330000", since=early)).id)
    assert again.cases == 4
    assert {each.lane for each in await town.findings("party.identical", regions=("330106", "330106"))} == {
        "case_number:mobile-enforcement.330106:AJ-9"
    }


async def test_a_run_looks_through_a_day_at_a_time(town: Any, write: Any) -> None:
    """However long its time, no search of it is longer; what came on the border of two is found, and once."""
    early = town.clock()
    for number in range(3):
        await handed_over(town, write, case_number=f"AJ-{number}")
    first = (await town.desk.ledger.find_cases(CaseSearch("case_number", early, town.clock())))[0]
    day = timedelta(days=1)
    town.desk.ledger.fail_before("find_cases", meant=lambda search, *_: search.until - search.since > day)
    since = first.received_at - 3 * day
    run = await town.assessments.begin(town.intent(), region="330110", since=since, until=town.clock() + 2 * day)
    done = await finished(town, run.id)
    assert (done.cases, done.reached_at) == (3, done.until)
    assert town.desk.ledger.faults_left() == ["find_cases"], "no search was longer"


async def test_a_run_goes_on_after_a_crash(town: Any, write: Any) -> None:
    """Another process takes it up where it stands; a step that failed is done again."""
    early = town.clock()
    for number in range(5):
        await handed_over(town, write, case_number=f"AJ-{number}")
    town.desk.ledger.fail_after("step_assessment")
    intent = town.intent(key="k")
    run = await town.assessments.begin(intent, since=early)
    await town.assessments.stop()
    town.reopen()
    assert (await town.assessments.begin(intent, since=early)).id == run.id
    done = await finished(town, run.id)
    assert done.cases >= 5
    assert len({each.lane for each in await town.findings()}) == 5


async def test_what_is_asked_of_a_run_must_be_said(town: Any) -> None:
    """Neither a case nor a time, both, or a case that there is not, is refused; so is an unknown run."""
    for asked in ({}, {"case_number": CASE, "since": town.clock()}):
        with pytest.raises(Invalid) as raised:
            await town.assessments.begin(town.intent(), **asked)
        assert raised.value.code == "assessment.what"
    with pytest.raises(NotFound) as missing:
        await town.assessments.begin(town.intent(), case_number="AJ-404")
    assert missing.value.code == "case.unknown"
    with pytest.raises(NotFound) as unknown:
        await town.assessments.progress("no-such-run")
    assert unknown.value.code == "assessment.unknown"


async def test_findings_are_found_by_any_number_of_the_case(town: Any, write: Any) -> None:
    """By the number of whoever issued it, of whoever calls it otherwise, and of its decision."""
    case = await handed_over(town, write, occurred_on="2020-01-01")
    penalty = next(each for each in case.deliveries if each.platform == PENALTY)
    await town.desk.accept_as(penalty, "case_number", CASE, "CF-77")
    await decided(town, write, case_number="CF-77")
    await town.follow()
    every = {each.rule for each in await town.findings()}
    for number in (CASE, "cf-77", "杭环罚〔2026〕1号"):
        page = await town.assessments.find(case_number=number, limit=200)
        assert {each.rule for each in page.items} == every, number
    assert (await town.assessments.find(case_number="AJ-404")).items == ()
    assert (await town.assessments.find(region="330200")).items == ()
    assert len((await town.assessments.find(region="330100", result="missed")).items) >= 1

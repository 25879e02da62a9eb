"""Measures, rechecks, hand-overs, reviews, publications and leads: where they go, and in whose lane."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.source import BrokenBundle, load
from gateway.intake.routes import parse_routes

PARTY = {"name": "杭州示例化工有限公司", "credit_code": "91330110MA2CXY1R13"}
OFFICERS = [{"name": "王一", "number": "33010001"}, {"name": "李二", "number": "33010002"}]
MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"
CREDIT, JUSTICE, NATIONAL = "credit-publicity.330000", "justice.330000", "pollutant-permit.000000"


def places(accepted) -> set[str | None]:
    """Name the platforms a message goes to; None for the unrouted."""
    return {one.platform for one in accepted.deliveries}


def lane(accepted) -> str:
    """Name the lane of a message."""
    return str(accepted.message.ordering_key)


def measure(**more: Any) -> dict[str, Any]:
    """Write an order to correct."""
    return {
        "measure_number": "杭环责改〔2026〕1号",
        "kind": "correct",
        "action": "impose",
        "party": PARTY,
        "region": "330110",
        "authority": {"name": "杭州市生态环境局"},
        "decided_on": "2026-09-02",
        "legal_basis": ["排污许可管理条例 第三十四条"],
    } | more


def recheck(**more: Any) -> dict[str, Any]:
    """Write a recheck of it."""
    return {
        "measure_number": "杭环责改〔2026〕1号",
        "party": PARTY,
        "region": "330110",
        "at": "2026-09-20T10:00:00+08:00",
        "officers": OFFICERS,
        "result": "corrected",
    } | more


async def test_nothing_is_published_without_an_explicit_yes(desk, write):
    """行政处罚决定: allowed, not allowed, and not said."""
    await desk.at(PENALTY, MOBILE, CREDIT)
    published = await desk.send(PENALTY, "penalty.decided", write.decision(case_number="AJ-1"))
    assert places(published) == {MOBILE, CREDIT}
    hidden = write.decision(case_number="AJ-2", publish={"allowed": False, "reason": "社会影响较小"})
    assert places(await desk.send(PENALTY, "penalty.decided", hidden)) == {MOBILE}
    unstated = write.decision(case_number="AJ-3")
    del unstated["publish"]
    told = await desk.send(PENALTY, "penalty.decided", unstated)
    assert places(told) == {MOBILE}
    assert "publish.unstated" in [one["code"] for one in told.message.warnings]


async def test_mobile_enforcement_that_handles_a_case_itself_tells_the_penalty_platform(desk, write):
    """处罚决定 and 办案环节 of either go to the other, and never back."""
    await desk.at(PENALTY, MOBILE, CREDIT)
    assert places(await desk.send(MOBILE, "penalty.decided", write.decision())) == {PENALTY, CREDIT}
    assert places(await desk.send(MOBILE, "case.progressed", write.progress(case_number="AJ-9"))) == {PENALTY}
    assert places(await desk.send(PENALTY, "case.progressed", write.progress(case_number="AJ-8"))) == {MOBILE}


async def test_inspections_and_cases_flow_up_to_the_higher_enforcement_platform(desk, write):
    """现场检查 and 案件 of a city; where there is none above, nothing is waited for."""
    city = "mobile-enforcement.330100"
    await desk.at(city, PENALTY)
    assert places(await desk.send(city, "case.transferred", write.case())) == {PENALTY}
    await desk.at(MOBILE)
    assert places(await desk.send(city, "case.transferred", write.case(case_number="AJ-2"))) == {PENALTY, MOBILE}
    assert MOBILE in places(await desk.send(city, "inspection.recorded", write.inspection()))


async def test_a_case_and_all_its_documents_share_one_lane(desk, write):
    """From the case file to what became of the decision."""
    await desk.at(PENALTY, MOBILE, CREDIT, JUSTICE)
    first = lane(await desk.send(MOBILE, "case.transferred", write.case()))
    later = [
        (PENALTY, "measure.ordered", measure(case_number="AJ-1")),
        (MOBILE, "recheck.recorded", recheck()),
        (PENALTY, "penalty.decided", write.decision()),
        (CREDIT, "penalty.published", publication()),
        (PENALTY, "decision.reviewed", review()),
        (PENALTY, "case.handed-over", handover()),
        (JUSTICE, "case.handed-over", handover(outcome="accepted", outcome_on="2026-10-05")),
    ]
    assert {lane(await desk.send(*one)) for one in later} == {first}


async def test_a_measure_without_a_case_has_a_lane_with_its_rechecks(desk, write):
    """责令改正, its extension and its recheck stay in order."""
    await desk.at(PENALTY, MOBILE)
    imposed = await desk.send(PENALTY, "measure.ordered", measure())
    assert places(imposed) == {MOBILE}
    extended = measure(measure_number="杭环责改〔2026〕2号", action="extend", parent_number="杭环责改〔2026〕1号")
    assert lane(await desk.send(PENALTY, "measure.ordered", extended)) == lane(imposed)
    again = await desk.send(MOBILE, "recheck.recorded", recheck())
    assert (lane(again), places(again)) == (lane(imposed), {PENALTY})
    assert again.message.correlation_id == imposed.message.correlation_id


async def test_a_recheck_of_a_measure_nobody_sent_has_a_lane_of_its_own(desk, write):
    """And the case's where it names one."""
    await desk.at(PENALTY, MOBILE)
    alone = await desk.send(MOBILE, "recheck.recorded", recheck(measure_number="X-7"))
    assert lane(alone) == f"measure_number:{MOBILE}:X-7"
    case = await desk.send(MOBILE, "case.transferred", write.case())
    named = await desk.send(MOBILE, "recheck.recorded", recheck(measure_number="X-8", case_number="AJ-1"))
    assert lane(named) == lane(case)


async def test_a_measure_of_a_permit_holder_reaches_the_permit_platforms(desk, write):
    """Measures and rechecks that name the permit."""
    await desk.at(PENALTY, MOBILE, NATIONAL)
    permit = write.permit()["permit_number"]
    assert NATIONAL in places(await desk.send(PENALTY, "measure.ordered", measure(permit_number=permit)))
    assert NATIONAL in places(await desk.send(MOBILE, "recheck.recorded", recheck(permit_number=permit)))


def handover(**more: Any) -> dict[str, Any]:
    """Write a hand-over to the police."""
    receiver = {"name": "杭州市公安局"}
    return {"case_number": "AJ-1", "to": "detention", "decided_on": "2026-10-01", "receiver": receiver} | more


def review(**more: Any) -> dict[str, Any]:
    """Write a reconsideration of the decision."""
    decision = {"case_number": "AJ-1", "decision_number": "杭环罚〔2026〕1号"}
    return decision | {"stage": "reconsideration", "filed_on": "2026-10-10"} | more


def publication(**more: Any) -> dict[str, Any]:
    """Write what the publicity platform says of the decision."""
    return {"decision_number": "杭环罚〔2026〕1号", "state": "published", "at": "2026-09-25"} | more


async def test_a_hand_over_goes_to_justice_and_its_answer_comes_back(desk, write):
    """移送 and 移送结果."""
    await desk.at(PENALTY, MOBILE, JUSTICE)
    assert places(await desk.send(PENALTY, "case.handed-over", handover())) == {JUSTICE}
    answered = await desk.send(JUSTICE, "case.handed-over", handover(outcome="filed", outcome_on="2026-10-05"))
    assert places(answered) == {PENALTY, MOBILE}


async def test_a_publication_finds_its_case_by_the_decision(desk, write):
    """The publicity platform need not know the case's number."""
    await desk.at(PENALTY, MOBILE, CREDIT)
    decided = await desk.send(PENALTY, "penalty.decided", write.decision())
    shown = await desk.send(CREDIT, "penalty.published", publication())
    assert places(shown) == {PENALTY, MOBILE}
    assert shown.message.correlation_id == decided.message.correlation_id
    assert lane(shown) == lane(decided)


async def test_a_review_reaches_whoever_shows_the_decision(desk, write):
    """复议、诉讼."""
    await desk.at(PENALTY, MOBILE, CREDIT, NATIONAL)
    await desk.send(PENALTY, "penalty.decided", write.decision(permit_number=write.permit()["permit_number"]))
    told = await desk.send(PENALTY, "decision.reviewed", review(result="annulled", concluded_on="2026-11-01"))
    assert places(told) == {MOBILE, CREDIT, NATIONAL}


async def test_a_lead_goes_to_enforcement_and_its_answer_to_who_reported(desk):
    """线索 and 线索反馈; an answer to nothing is refused by the lead's name."""
    source = "monitoring.330000"
    await desk.at(source, "complaint.330000", MOBILE)
    lead = {
        "lead_number": "XS-1",
        "channel": "monitoring",
        "region": "330110",
        "at": "2026-09-01T08:00:00+08:00",
        "content": "总排口化学需氧量小时均值超标",
        "outlet_code": "DW001",
        "pollutant": "w01018",
        "value": "98.5",
        "limit": "50",
    }
    reported = await desk.send(source, "lead.reported", lead)
    assert places(reported) == {MOBILE}
    answer = {"lead_number": "XS-1", "state": "done", "at": "2026-09-03T08:00:00+08:00"}
    answered = await desk.send(MOBILE, "lead.answered", answer)
    assert places(answered) == {source}
    assert lane(answered) == lane(reported)
    rejection = await desk.fail(MOBILE, "lead.answered", answer | {"lead_number": "XS-2"})
    assert rejection.code == "lead.unknown"


async def test_rolls_reach_those_who_need_them(desk, write):
    """排污登记 and 执法人员."""
    await desk.at(NATIONAL, "personnel.330000", MOBILE, PENALTY)
    registration = {
        "registration_number": "91330110MA2CXY1R13001W",
        "unit": "杭州示例化工有限公司",
        "region": "330110",
        "status": "new",
        "at": "2026-09-01",
    }
    assert places(await desk.send(NATIONAL, "registration.changed", registration)) == {MOBILE}
    officer = {
        "number": "浙01020304",
        "name": "王一",
        "authority": {"name": "杭州市生态环境局"},
        "region": "330100",
        "valid_from": "2026-01-01",
        "valid_to": "2030-12-31",
        "status": "valid",
    }
    assert places(await desk.send("personnel.330000", "officer.changed", officer)) == {MOBILE, PENALTY}


async def test_an_assessment_comes_from_the_gateway_or_answers_it(desk):
    """A platform that is not told of assessments may not say that it checked a case."""
    await desk.at(CREDIT)
    assessment = {
        "subject": {"case_number": "AJ-1"},
        "rule": "officers.two",
        "version": "1",
        "result": "met",
        "at": "2026-09-01T08:00:00+08:00",
    }
    rejection = await desk.fail(CREDIT, "assessment.recorded", assessment)
    assert rejection.code == "type.forbidden"


def test_the_gateway_is_no_kind_of_platform():
    """Its name is reserved."""
    with pytest.raises(BrokenBundle) as caught:
        parse_routes(load("kinds: {gateway: 网关}\nroutes: {}\n".encode(), "routes.yaml"))
    assert [one.code for one in caught.value.findings] == ["kind.reserved"]

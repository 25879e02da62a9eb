"""What the case already knows is filled in, marked, and never written over what was sent."""

from __future__ import annotations

from msgspec.structs import asdict

from gateway.intake.enricher import same_party
from gateway.message import Enriched, effective_document, overlaid, with_value

PARTY_ONLY = {"name": "杭州示例化工有限公司"}


async def house(desk) -> None:
    """Register the platforms of a province, its penalties and permits kept nationally."""
    await desk.at("mobile-enforcement.330000", "penalty.000000", "credit-publicity.330000", "pollutant-permit.000000")


async def test_the_permit_of_a_case_is_filled_in_and_routes_its_decision(desk, write):
    """排污许可管理条例 第二十五条 needs the permit number that penalty systems rarely carry."""
    await house(desk)
    permit = write.permit()["permit_number"]
    case = await desk.send("mobile-enforcement.330000", "case.transferred", write.case(permit_number=permit))
    decision = await desk.send("penalty.000000", "penalty.decided", write.decision(party=PARTY_ONLY))
    message = decision.message
    assert message.enriched == {
        "permit_number": Enriched(permit, case.message.id),
        "party.credit_code": Enriched(permit[:18], case.message.id),
    }
    assert "permit_number" not in message.document
    assert message.document["party"] == PARTY_ONLY
    assert effective_document(message)["permit_number"] == permit
    assert effective_document(message)["party"] == {**PARTY_ONLY, "credit_code": permit[:18]}
    assert message.keys["permit_number"] == permit
    assert "pollutant-permit.000000" in {one.platform for one in decision.deliveries}


async def test_what_was_filled_in_is_a_warning_that_names_field_and_source(desk, write):
    """An operator sees what the sender did not write."""
    await house(desk)
    permit = write.permit()["permit_number"]
    case = await desk.send("mobile-enforcement.330000", "case.transferred", write.case(permit_number=permit))
    decision = await desk.send("penalty.000000", "penalty.decided", write.decision())
    (warning,) = decision.message.warnings
    assert (warning["code"], warning["field"], warning["value"]) == ("value.enriched", "permit_number", permit)
    assert warning["title"] == "排污许可证编号"
    assert case.message.id in warning["message"]
    assert case.message.id in warning["message_en"]


async def test_what_was_sent_is_never_overwritten(desk, write):
    """The decision names another permit: that one stands."""
    await house(desk)
    permit = write.permit()["permit_number"]
    other = f"{permit[:18]}002P"
    await desk.send("mobile-enforcement.330000", "case.transferred", write.case(permit_number=permit))
    decision = await desk.send("penalty.000000", "penalty.decided", write.decision(permit_number=other))
    assert decision.message.enriched == {}
    assert effective_document(decision.message)["permit_number"] == other


async def test_the_region_of_a_case_routes_the_steps_that_name_none(desk, write):
    """The national penalty platform's step of a 杭州 case goes to 杭州, not to the whole country."""
    await house(desk)
    await desk.at("mobile-enforcement.330100", "mobile-enforcement.000000")
    await desk.send("mobile-enforcement.330100", "case.transferred", write.case())
    step = await desk.send("penalty.000000", "case.progressed", write.progress())
    assert step.message.region == "330110"
    assert [one.platform for one in step.deliveries] == ["mobile-enforcement.330100"]
    assert effective_document(step.message)["region"] == "330110"


async def test_another_enterprises_numbers_are_not_told_of_this_one(desk, write):
    """An inspection of A found B at fault: B's case gets neither A's permit nor A's credit code."""
    await house(desk)
    permit = write.permit()["permit_number"]
    await desk.send("mobile-enforcement.330000", "inspection.recorded", write.inspection(permit_number=permit))
    case = await desk.send(
        "mobile-enforcement.330000",
        "case.transferred",
        write.case(party={"name": "宁波示例运输有限公司"}, inspection_number="JC-1"),
    )
    assert case.message.enriched == {}


async def test_a_person_gets_no_companys_credit_code(desk, write):
    """A party with a citizen id is a person, and stays one."""
    await house(desk)
    await desk.send("mobile-enforcement.330000", "inspection.recorded", write.inspection())
    case = await desk.send(
        "mobile-enforcement.330000",
        "case.transferred",
        write.case(
            party={"name": "杭州示例化工有限公司", "citizen_id": "11010519491231002X"}, inspection_number="JC-1"
        ),
    )
    assert "party.credit_code" not in case.message.enriched


async def test_a_document_of_no_case_is_left_alone(desk, write):
    """Without a recognised number there is nothing to know."""
    await house(desk)
    await desk.send(
        "mobile-enforcement.330000", "case.transferred", write.case(permit_number=write.permit()["permit_number"])
    )
    other = await desk.send("penalty.000000", "penalty.decided", write.decision(case_number="CF-1"))
    assert other.message.enriched == {}


async def test_the_digest_is_of_what_was_sent(desk, write):
    """The same decision before and after the case knew more is the same decision."""
    await house(desk)
    await desk.send("mobile-enforcement.330000", "case.transferred", write.case())
    first = await desk.send("penalty.000000", "penalty.decided", write.decision())
    permit = write.permit()["permit_number"]
    await desk.send("mobile-enforcement.330000", "case.transferred", write.case(permit_number=permit))
    again = await desk.send("penalty.000000", "penalty.decided", write.decision())
    assert again.duplicate
    assert asdict(again.message) == asdict(first.message)


def test_laying_over_leaves_the_document_as_it_was():
    """A copy is made along the path; the rest is shared."""
    document = {"party": {"name": "甲"}, "kinds": ["fine"]}
    result = overlaid(document, {"party.credit_code": Enriched("X", "m")})
    assert document == {"party": {"name": "甲"}, "kinds": ["fine"]}
    assert result == {"party": {"name": "甲", "credit_code": "X"}, "kinds": ["fine"]}
    assert result["kinds"] is document["kinds"]
    assert with_value({}, "site.location", 1) == {"site": {"location": 1}}


def test_parties_are_the_same_by_code_else_by_name():
    """Full-width brackets and spaces in a name do not make it another; a missing party contradicts nobody."""
    assert same_party({"party": {"name": "甲（杭州）公司"}}, {"holder": {"name": "甲(杭州) 公司"}})
    assert same_party({"party": {"name": "甲", "credit_code": "1"}}, {"party": {"name": "乙", "credit_code": "1"}})
    assert not same_party({"party": {"name": "甲", "credit_code": "1"}}, {"party": {"name": "甲", "credit_code": "2"}})
    assert not same_party({"party": {"name": "甲"}}, {"party": {"name": "乙"}})
    assert same_party({"case_number": "1"}, {"party": {"name": "乙"}})

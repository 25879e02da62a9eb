"""Whose number is it? Scoping, aliases, lanes, and the way back to whoever ordered."""

from __future__ import annotations

from gateway.ledger.records import MessageFilter


async def house(desk) -> None:
    """Register the platforms of a province, its permits kept nationally."""
    await desk.at("mobile-enforcement.330000", "penalty.330000", "credit-publicity.330000", "pollutant-permit.000000")


async def test_a_number_of_a_platform_is_scoped_by_it(desk, write):
    """The lane of a case is its number together with the platform that issued it."""
    await house(desk)
    sent = await desk.send("mobile-enforcement.330000", "case.transferred", write.case())
    assert sent.message.ordering_key == "case_number:mobile-enforcement.330000:AJ-1"
    assert sent.deliveries[0].lane == sent.message.ordering_key


async def test_a_national_number_is_the_same_everywhere(desk, write):
    """Permits and projects are ordered by their own number, whoever speaks of them."""
    await house(desk)
    await desk.at("construction-project.330000")
    permit = await desk.send("pollutant-permit.000000", "permit.changed", write.permit())
    project = await desk.send("construction-project.330000", "project.approved", write.approval())
    assert permit.message.ordering_key == f"permit_number:{write.permit()['permit_number']}"
    assert project.message.ordering_key == "project:杭环审〔2025〕6号"


async def test_a_case_that_was_sent_is_recognised_by_its_number(desk, write):
    """The penalty platform speaks of the case it was sent: same correlation, same lane, caused by it."""
    await house(desk)
    case = (await desk.send("mobile-enforcement.330000", "case.transferred", write.case())).message
    step = (await desk.send("penalty.330000", "case.progressed", write.progress())).message
    assert step.correlation_id == case.correlation_id == case.id
    assert step.causation_id == case.id
    assert step.ordering_key == case.ordering_key


async def test_a_platforms_own_name_for_a_case_is_replaced_by_the_original(desk, write):
    """It took AJ-1 as CF-77; when it speaks of CF-77 the gateway understands AJ-1 and keeps what was written."""
    await house(desk)
    case = await desk.send("mobile-enforcement.330000", "case.transferred", write.case())
    await desk.accept_as(case.deliveries[0], "case_number", "AJ-1", "CF-77")
    step = (await desk.send("penalty.330000", "case.progressed", write.progress(case_number="CF-77"))).message
    assert step.document["case_number"] == step.keys["case_number"] == "AJ-1"
    assert step.raw_numbers == {"case_number": "CF-77"}
    assert (step.ordering_key, step.correlation_id) == (case.message.ordering_key, case.message.correlation_id)


SPELLINGS = (
    "AJ-2026-001",
    "AJ-2026-001\u200b",
    "\ufeffAJ-2026-001",
    "\u202aAJ-2026-001\u202c",
    "AJ-2026-００１",
    "AJ－2026－001",
    "aj-2026-001",
    "AJ-2026-001\u00a0",
    "AJ-2026-001\u3000",
)


async def test_spellings_of_a_number_are_one_case(desk, write):
    """Copied with what nobody sees, in full width or in small letters: one correlation, one lane, one number."""
    await house(desk)
    sent = [
        (
            await desk.send(
                "penalty.330000", "case.progressed", write.progress(case_number=spelling, opinion=f"意见{place}")
            )
        ).message
        for place, spelling in enumerate(SPELLINGS)
    ]
    assert {one.correlation_id for one in sent} == {sent[0].id}
    assert {one.ordering_key for one in sent} == {"case_number:penalty.330000:AJ-2026-001"}
    assert {one.document["case_number"] for one in sent} == {"AJ-2026-001"}
    found = await desk.ledger.find_messages(MessageFilter(case_number="aj-2026-001"))
    assert len(found.items) == len(sent)


async def test_a_package_of_spellings_is_one_case(desk, write):
    """Records of one package recognise each other, however each spells the number."""
    await house(desk)
    records = [write.case(case_number=spelling, facts=f"事实{place}") for place, spelling in enumerate(SPELLINGS)]
    outcome = await desk.receive("mobile-enforcement.330000", "cases", {"count": len(records), "records": records})
    sent = [one.message for one in outcome.receipt.entries]
    assert {one.correlation_id for one in sent} == {sent[0].id}
    assert len({one.ordering_key for one in sent}) == 1


async def test_the_same_document_in_another_spelling_is_a_duplicate(desk, write):
    """It says nothing new."""
    await house(desk)
    first = await desk.send("penalty.330000", "case.progressed", write.progress(case_number="AJ-9"))
    again = await desk.send("penalty.330000", "case.progressed", write.progress(case_number="AJ-9\u200b"))
    assert (again.duplicate, again.message.id) == (True, first.message.id)


async def test_on_the_way_out_each_platform_gets_its_own_name(desk, write):
    """The order CF-77 belongs to penalty alone: the ledger hands that alias out with work for penalty."""
    await house(desk)
    case = await desk.send("mobile-enforcement.330000", "case.transferred", write.case())
    await desk.accept_as(case.deliveries[0], "case_number", "AJ-1", "CF-77")
    await desk.send("mobile-enforcement.330000", "case.transferred", write.case(facts="补充材料"))
    (again,) = await desk.heads("penalty.330000")
    assert again.aliases == {"case_number": "CF-77"}


async def test_the_same_number_of_another_platform_is_another_case(desk, write):
    """A penalty platform that was never sent AJ-1 means a case of its own."""
    await house(desk)
    await desk.at("penalty.320000", "mobile-enforcement.320000", "credit-publicity.320000")
    case = (await desk.send("mobile-enforcement.330000", "case.transferred", write.case())).message
    other = (await desk.send("penalty.320000", "case.progressed", write.progress())).message
    assert other.ordering_key == "case_number:penalty.320000:AJ-1"
    assert other.correlation_id != case.correlation_id


async def test_a_number_that_a_platform_issues_is_its_own_even_when_it_was_sent_the_same(desk, write):
    """浙江 was ordered DD-1 by the permit platform and gives 杭州 an order DD-1 of its own: two orders."""
    await house(desk)
    await desk.at("mobile-enforcement.330100")
    await desk.send("pollutant-permit.000000", "dispatch.ordered", write.order(region="330200"))
    own = await desk.send("mobile-enforcement.330000", "dispatch.ordered", write.order())
    assert own.message.ordering_key == "order_number:mobile-enforcement.330000:DD-1"
    assert own.message.causation_id is None


async def test_a_changed_document_stays_in_its_case(desk, write):
    """A second version of an inspection has the first one's correlation and lane."""
    await house(desk)
    first = (await desk.send("mobile-enforcement.330000", "inspection.recorded", write.inspection())).message
    second = await desk.send("mobile-enforcement.330000", "inspection.recorded", write.inspection(findings="更正"))
    assert not second.duplicate
    assert second.message.correlation_id == first.correlation_id
    assert second.message.ordering_key == first.ordering_key


async def test_a_case_belongs_to_its_inspection_and_that_to_its_order(desk, write):
    """From the order to the decision one correlation, each number with a lane of its own."""
    await house(desk)
    sent = [
        await desk.send("pollutant-permit.000000", "dispatch.ordered", write.order()),
        await desk.send("mobile-enforcement.330000", "inspection.recorded", write.inspection(order_number="DD-1")),
        await desk.send("mobile-enforcement.330000", "case.transferred", write.case(inspection_number="JC-1")),
        await desk.send("penalty.330000", "penalty.decided", write.decision()),
    ]
    assert {one.message.correlation_id for one in sent} == {sent[0].message.id}
    assert [one.message.ordering_key.partition(":")[0] for one in sent] == [
        "order_number",
        "inspection_number",
        "case_number",
        "case_number",
    ]


async def test_an_acceptance_belongs_to_its_approval(desk, write):
    """验收 names the 环评批复文号: same correlation, and the lane of the same project."""
    await house(desk)
    await desk.at("construction-project.330000")
    approval = await desk.send(
        "construction-project.330000", "project.approved", write.approval(project={"name": "项目", "code": None})
    )
    accepted = await desk.send(
        "construction-project.330000", "project.accepted", write.acceptance(approval_number="杭环审〔2025〕6号")
    )
    assert accepted.message.correlation_id == approval.message.id
    assert accepted.message.ordering_key == approval.message.ordering_key


async def test_a_report_goes_back_to_the_platform_that_ordered(desk, write):
    """浙江 reports on the order it was given: only the orderer gets the report, in the order's lane."""
    await house(desk)
    await desk.at("penalty.000000")
    order = await desk.send("pollutant-permit.000000", "dispatch.ordered", write.order())
    report = await desk.send("mobile-enforcement.330000", "dispatch.reported", write.report())
    assert [one.platform for one in report.deliveries] == ["pollutant-permit.000000"]
    assert report.message.ordering_key == order.message.ordering_key
    assert report.message.region == "330110"


async def test_a_report_under_the_reporters_own_number_finds_its_order(desk, write):
    """浙江 took DD-1 as RW-9 and reports on RW-9: the orderer hears of DD-1."""
    await house(desk)
    order = await desk.send("pollutant-permit.000000", "dispatch.ordered", write.order())
    await desk.accept_as(order.deliveries[0], "order_number", "DD-1", "RW-9")
    report = await desk.send("mobile-enforcement.330000", "dispatch.reported", write.report(order_number="RW-9"))
    assert report.message.document["order_number"] == "DD-1"
    assert [one.platform for one in report.deliveries] == ["pollutant-permit.000000"]


async def test_a_report_on_an_order_that_was_not_given_is_unknown(desk, write):
    """Neither an order never given, nor one given to another, nor the reporter's own."""
    await house(desk)
    await desk.at("mobile-enforcement.320000", "mobile-enforcement.330100")
    await desk.send("pollutant-permit.000000", "dispatch.ordered", write.order(region="330200"))
    await desk.send("mobile-enforcement.330000", "dispatch.ordered", write.order(order_number="DD-2"))
    for platform, number in (
        ("mobile-enforcement.330000", "DD-9"),
        ("mobile-enforcement.320000", "DD-1"),
        ("mobile-enforcement.330000", "DD-2"),
    ):
        rejection = await desk.fail(platform, "dispatch.reported", write.report(order_number=number))
        assert (rejection.status, rejection.code) == (422, "order.unknown")
        assert rejection.problem["errors"][0]["value"] == number


async def test_an_inspection_that_names_an_unknown_order_does_not_make_it_known(desk, write):
    """A number that nobody issued through the gateway is no order to report on."""
    await house(desk)
    await desk.send("mobile-enforcement.330000", "inspection.recorded", write.inspection(order_number="DD-5"))
    rejection = await desk.fail("mobile-enforcement.330000", "dispatch.reported", write.report(order_number="DD-5"))
    assert rejection.code == "order.unknown"


async def test_a_related_case_of_an_order_is_recognised_inside_the_document(desk, write):
    """The penalty platform asks for action on its CF-77: the order speaks of AJ-1 and belongs to that case."""
    await house(desk)
    case = await desk.send("mobile-enforcement.330000", "case.transferred", write.case())
    await desk.accept_as(case.deliveries[0], "case_number", "AJ-1", "CF-77")
    order = await desk.send("penalty.330000", "dispatch.ordered", write.order(related={"case_number": "CF-77"}))
    assert order.message.document["related"]["case_number"] == "AJ-1"
    assert order.message.correlation_id == case.message.correlation_id
    assert order.message.ordering_key == "order_number:penalty.330000:DD-1"


async def test_records_of_one_package_recognise_each_other(desk, write):
    """Two versions of one case in one package belong together."""
    await house(desk)
    records = [write.case(), write.case(facts="补充材料")]
    outcome = await desk.receive("mobile-enforcement.330000", "cases", {"count": 2, "records": records})
    first, second = (one.message for one in outcome.receipt.entries)
    assert first.id != second.id
    assert second.correlation_id == first.correlation_id == first.id

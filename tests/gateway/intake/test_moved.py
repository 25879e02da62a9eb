"""What others write between deciding and keeping: decided again, so that the outcome is that of some order."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import Unavailable
from gateway.intake.reception import ROUNDS
from gateway.ledger.records import Accepted, Intent, Moved, Rejection

MOBILE, PENALTY, PERMITS = "mobile-enforcement.330000", "penalty.330000", "pollutant-permit.330000"
PERMIT = "91330110MA2CXY1R13001P"


# ── cases ─────────────────────────────────────────────────────────────────────────────────────
async def test_two_documents_of_a_case_at_once_are_one_case(desk, write):
    """The decision then knows the permit, whichever of the two named it, and goes to the permit platform."""
    await desk.at(MOBILE, PENALTY, PERMITS, "pollutant-permit.000000")
    one, two = await asyncio.gather(
        desk.send(MOBILE, "case.transferred", write.case()),
        desk.send(MOBILE, "case.transferred", write.case(permit_number=PERMIT, facts="补充")),
    )
    assert one.message.correlation_id == two.message.correlation_id
    assert one.message.ordering_key == two.message.ordering_key
    decided = await desk.send(PENALTY, "penalty.decided", write.decision())
    assert decided.message.enriched["permit_number"].value == PERMIT
    assert PERMITS in {delivery.platform for delivery in decided.deliveries}


async def test_many_documents_of_a_case_at_once_are_one_case(desk, write):
    """Thirty at once, each naming something that the others lack."""
    await desk.at(MOBILE, PENALTY)
    sent = await asyncio.gather(
        *(desk.send(MOBILE, "case.transferred", write.case(facts=f"补充{number}")) for number in range(30))
    )
    assert len({one.message.correlation_id for one in sent}) == 1


async def test_two_spellings_of_a_new_case_at_once_are_one_case(racing, write):
    """Both were decided when nobody knew the number in any spelling."""
    await racing.at(MOBILE, PENALTY)
    gate = racing.ledger.hold_before("accept")
    waiting = asyncio.create_task(racing.send(MOBILE, "case.transferred", write.case(case_number="aj-9\u200b")))
    await gate.reached()
    other = await racing.send(MOBILE, "case.transferred", write.case(case_number="AJ-9"))
    gate.open()
    late = await waiting
    assert late.message.correlation_id == other.message.correlation_id
    assert late.message.ordering_key == other.message.ordering_key
    assert late.message.document["case_number"] == "AJ-9"


async def test_a_document_that_was_decided_before_its_case_was_known_is_decided_again(racing, write):
    """It waits for its commit while the case is accepted; then it belongs to the case."""
    await racing.at(MOBILE, PENALTY)
    gate = racing.ledger.hold_before("accept")
    inspection = write.inspection(inspection_number="JC-9")
    waiting = asyncio.create_task(racing.send(MOBILE, "inspection.recorded", inspection))
    await gate.reached()
    other = await racing.send(MOBILE, "inspection.recorded", {**inspection, "findings": "另一版本"})
    gate.open()
    late = await waiting
    assert late.message.correlation_id == other.message.correlation_id
    assert late.message.causation_id == other.message.id


async def test_what_the_case_learns_meanwhile_is_filled_in(racing, write):
    """The decision lacks the permit; while it waits for its commit the case is told of it."""
    await racing.at(MOBILE, PENALTY, PERMITS, "pollutant-permit.000000")
    await racing.send(MOBILE, "case.transferred", write.case())
    gate = racing.ledger.hold_before("accept")
    waiting = asyncio.create_task(racing.send(PENALTY, "penalty.decided", write.decision()))
    await gate.reached()
    await racing.send(MOBILE, "case.transferred", write.case(permit_number=PERMIT, facts="补充"))
    gate.open()
    decided = await waiting
    assert decided.message.enriched["permit_number"].value == PERMIT
    assert PERMITS in {delivery.platform for delivery in decided.deliveries}


async def test_a_new_correlation_is_given_to_one_of_two_who_name_it_at_once(racing, write):
    """The other has no part in it: 403, as it would be a moment later."""
    await racing.at(MOBILE, "penalty.320000")
    gate = racing.ledger.hold_before("accept")
    case = {"type": "case.transferred", "document": write.case(), "correlation_id": "of-both"}
    waiting = asyncio.create_task(racing.submit(MOBILE, case))
    await gate.reached()
    step = {"type": "case.progressed", "document": write.progress(), "correlation_id": "of-both"}
    first = await racing.submit("penalty.320000", step)
    gate.open()
    assert isinstance(first, Accepted)
    late = await waiting
    assert isinstance(late, Rejection)
    assert (late.status, late.code) == (403, "correlation.foreign")


# ── a platform that calls back before it has answered ─────────────────────────────────────────
async def test_a_number_that_turns_out_to_be_an_alias_ties_its_documents_to_the_case(desk, write):
    """The penalty platform tells of CF-77 before its answer says that CF-77 is AJ-1: both are one case afterwards."""
    await desk.at(MOBILE, PENALTY)
    case = await desk.send(MOBILE, "case.transferred", write.case())
    claim = await desk.begin(case.deliveries[0])
    early = await desk.send(PENALTY, "case.progressed", write.progress(case_number="CF-77"))
    await desk.settle_as(claim, case.deliveries[0], "case_number", "AJ-1", "CF-77")
    tied = await desk.ledger.message(early.message.id)
    assert tied is not None
    assert tied.correlation_id == case.message.correlation_id
    later = write.progress(case_number="CF-77", node="notice", at="2026-08-20T09:00:00+08:00")
    third = await desk.send(PENALTY, "case.progressed", later)
    assert third.message.correlation_id == case.message.correlation_id
    assert third.message.document["case_number"] == "AJ-1"


async def _called_back(desk, write):
    """Let the penalty platform tell of CF-77 before its answer; gives the case, the call back, and what answers."""
    await desk.at(MOBILE, PENALTY)
    case = await desk.send(MOBILE, "case.transferred", write.case())
    claim = await desk.begin(case.deliveries[0])
    early = await desk.send(PENALTY, "case.progressed", write.progress(case_number="CF-77"))
    return case, early, lambda: desk.settle_as(claim, case.deliveries[0], "case_number", "AJ-1", "CF-77")


def _named(write, early):
    """A document of another number, whose sender names the case by what it was answered before."""
    document = write.execution(case_number="CF-78")
    return {"type": "penalty.executed", "document": document, "correlation_id": early.message.correlation_id}


async def test_a_case_is_named_by_the_correlation_that_it_had_before_it_was_tied(desk, write):
    """The platform remembers what it read then; what it sends belongs to the case all the same."""
    case, early, answered = await _called_back(desk, write)
    await answered()
    late = await desk.submit(PENALTY, _named(write, early))
    assert late.message.correlation_id == case.message.correlation_id


@pytest.mark.parametrize("by", ["correlation_id", "corrects"])
async def test_a_case_that_is_tied_meanwhile_is_decided_again(racing, write, by):
    """It waits for its commit while the case that it names goes over to another."""
    case, early, answered = await _called_back(racing, write)
    named = {**_named(write, early), "correlation_id": None, by: getattr(early.message, by) or early.message.id}
    gate = racing.ledger.hold_before("accept")
    waiting = asyncio.create_task(racing.submit(PENALTY, named))
    await gate.reached()
    await answered()
    gate.open()
    assert (await waiting).message.correlation_id == case.message.correlation_id


async def test_a_callback_that_was_decided_before_the_answer_is_decided_again(racing, write):
    """It waits for its commit while the answer is recorded: it speaks of the case it means."""
    await racing.at(MOBILE, PENALTY)
    case = await racing.send(MOBILE, "case.transferred", write.case())
    claim = await racing.begin(case.deliveries[0])
    gate = racing.ledger.hold_before("accept")
    waiting = asyncio.create_task(racing.send(PENALTY, "case.progressed", write.progress(case_number="CF-77")))
    await gate.reached()
    await racing.settle_as(claim, case.deliveries[0], "case_number", "AJ-1", "CF-77")
    gate.open()
    told = await waiting
    assert told.message.correlation_id == case.message.correlation_id
    assert told.message.document["case_number"] == "AJ-1"


# ── platforms that come and go ────────────────────────────────────────────────────────────────
async def test_a_platform_that_comes_meanwhile_gets_the_document(racing, write):
    """Routed to nobody, and kept after the platform was registered: it is routed again, and nobody need look later."""
    await racing.at(MOBILE)
    gate = racing.ledger.hold_before("accept")
    waiting = asyncio.create_task(racing.send(MOBILE, "case.transferred", write.case()))
    await gate.reached()
    await racing.at(PENALTY)
    gate.open()
    assert [one.platform for one in (await waiting).deliveries] == [PENALTY]


async def test_a_platform_that_goes_meanwhile_leaves_the_document_unrouted(racing, write):
    """Never a delivery to nobody: it waits for the next platform, and the sender is warned."""
    await racing.at(MOBILE, PENALTY)
    gate = racing.ledger.hold_before("accept")
    waiting = asyncio.create_task(racing.send(MOBILE, "case.transferred", write.case()))
    await gate.reached()
    await racing.ledger.delete_platform(PENALTY, Intent("test", "", racing.clock()))
    gate.open()
    sent = await waiting
    assert [(one.state.value, one.platform) for one in sent.deliveries] == [("unrouted", None)]
    assert [one["code"] for one in sent.message.warnings] == ["delivery.unrouted"]
    await racing.at("penalty.000000")
    (delivery,) = await racing.ledger.deliveries_of(sent.message.id)
    assert (delivery.state.value, delivery.platform) == ("ready", "penalty.000000")


async def test_an_intake_that_keeps_moving_is_unavailable(racing, write):
    """503 after so many rounds, and nothing is kept; the same again is taken when it is quiet."""
    await racing.at(MOBILE, PENALTY)
    racing.ledger.fail_before("accept", Moved(1), times=ROUNDS)
    with pytest.raises(Unavailable) as caught:
        await racing.send(MOBILE, "case.transferred", write.case())
    assert caught.value.code == "intake.contended"
    assert not (await racing.send(MOBILE, "case.transferred", write.case())).duplicate


# ── packages ──────────────────────────────────────────────────────────────────────────────────
async def test_a_package_gives_what_its_records_would_give_one_by_one(desk, write):
    """The second record is of the first one's case, and knows the permit that the first one named."""
    await desk.at(MOBILE, PENALTY)
    records = [write.case(permit_number=PERMIT), write.case(facts="补充", officers=write.case()["officers"][:2])]
    outcome = await desk.receive(MOBILE, "cases", {"count": 2, "records": records})
    first, second = outcome.receipt.entries
    assert second.message.correlation_id == first.message.id
    assert second.message.enriched["permit_number"].message_id == first.message.id

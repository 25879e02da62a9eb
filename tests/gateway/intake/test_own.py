"""What the gateway itself sends is decided as everybody's is, and only made where somebody takes it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.intake.own import ITSELF, OwnMessages
from gateway.ledger.records import MessageFilter

MOBILE, PENALTY, ELSEWHERE = "mobile-enforcement.330110", "penalty.330110", "mobile-enforcement.330106"
TYPE = "assessment.recorded"


@pytest.fixture
async def desk(plain: Any, new_ledger: Any, desk_of: Any) -> Any:
    """Intake where everybody speaks canonically, and so can the gateway."""
    ledger = new_ledger()
    await ledger.start()
    yield desk_of(ledger, replace(plain, name="canonical"))
    await ledger.stop()


@pytest.fixture
def own(desk: Any) -> OwnMessages:
    """What the gateway sends by."""
    return OwnMessages(desk.reception.preview_submission, desk.reception.submit)


def said(**more: Any) -> dict[str, Any]:
    """What is said of a case."""
    told = {"subject": {"case_number": "AJ-1"}, "rule": "x", "version": "1", "result": "missed", "region": "330110"}
    return {**told, "at": "2026-09-01T10:00:00+08:00", **more}


async def test_it_belongs_to_the_case_whose_issuer_is_named(desk: Any, own: OwnMessages, write: Any) -> None:
    """Two platforms issued one number: what is said of each is in its own lane, and is another message."""
    await desk.at(MOBILE, ELSEWHERE, PENALTY, adapter="canonical")
    here = await desk.send(MOBILE, "case.transferred", write.case())
    there = await desk.send(ELSEWHERE, "case.transferred", write.case(region="330106"))
    for case, issuer in ((here, MOBILE), (there, ELSEWHERE)):
        message = await desk.ledger.message(await own.send(TYPE, said(region=case.message.region), issuer))
        assert (message.source, message.correlation_id) == (ITSELF.id, case.message.id)
        assert message.ordering_key == case.message.ordering_key


async def test_the_same_again_is_the_same_message(desk: Any, own: OwnMessages, write: Any) -> None:
    """Sent again, as after a crash, it is not made again, although others were sent meanwhile."""
    await desk.at(MOBILE, PENALTY, adapter="canonical")
    await desk.send(MOBILE, "case.transferred", write.case())
    first = await own.send(TYPE, said(), MOBILE)
    assert await own.send(TYPE, said(result="met"), MOBILE) != first
    assert await own.send(TYPE, said(), MOBILE) == first
    assert len((await desk.ledger.find_messages(MessageFilter(type=TYPE))).items) == 2


async def test_where_nobody_takes_it_no_message_is_made(desk: Any, own: OwnMessages, write: Any) -> None:
    """Neither a message nor an unrouted delivery stays behind."""
    await desk.at(MOBILE, adapter="canonical")
    await desk.send(MOBILE, "case.transferred", write.case())
    await desk.at(MOBILE, adapter="deaf")
    assert await own.send(TYPE, said(), MOBILE) is None
    assert (await desk.ledger.find_messages(MessageFilter(type=TYPE))).items == ()


async def test_what_is_not_right_is_told_and_not_sent(
    desk: Any, own: OwnMessages, write: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A document of ours that its own schema refuses is a fault of ours: it is logged, and nothing waits for it."""
    await desk.at(MOBILE, adapter="canonical")
    await desk.send(MOBILE, "case.transferred", write.case())
    assert await own.send(TYPE, {"rule": "x"}, MOBILE) is None
    assert await own.send("case.transferred", write.case(), MOBILE) is None  # no route has it come from the gateway
    assert len([one for one in caplog.records if "is not right" in one.message]) == 2


async def test_a_gateway_that_lacks_the_canonical_adapter_says_so(
    plain: Any, new_ledger: Any, desk_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing can be sent, nothing is lost for it, and the log says why."""
    ledger = new_ledger()
    await ledger.start()
    desk = desk_of(ledger, plain)
    own = OwnMessages(desk.reception.preview_submission, desk.reception.submit)
    assert await own.send(TYPE, said(), MOBILE) is None
    assert "cannot send anything itself" in caplog.text
    await ledger.stop()

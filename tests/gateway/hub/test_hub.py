"""The facade: it starts and stops, takes documents in, and obeys operators."""

from __future__ import annotations

import orjson
import pytest
from faulty import FaultyLedger

from adapters.base import Verdict, VerdictKind
from gateway.access import Refusal
from gateway.errors import Conflict, NotFound, Unavailable
from gateway.hub import Principal
from schemas.findings import Rejected

ADMIN = "admin-token-for-these-tests"
MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"


async def test_a_document_travels_from_its_sender_to_its_receiver(house, write):
    """Accepted, delivered under the delivery's id as its key, recorded."""
    await house.register(MOBILE, PENALTY)
    entry = await house.send(MOBILE, "case.transferred", write.case())
    event = await house.next("delivered")
    assert house.post.sent == [(PENALTY, entry.deliveries[0].id)]
    assert event.message_id == entry.message.id


async def test_the_admin_token_is_the_settings(house):
    """It stands for no platform, and none was made."""
    assert house.hub.principals.of(ADMIN) == Principal(None, admin=True)
    assert house.hub.principals.of("") is Refusal.MISSING
    assert house.hub.admin_token_file is None


async def test_a_dossier_is_asked_for_by_a_credit_code(house, write):
    """Anything else is 422; what the ledger knows is there."""
    await house.register("pollutant-permit.330000")
    await house.send("pollutant-permit.330000", "permit.changed", write.permit())
    known = await house.hub.dossiers.of(write.permit()["holder"]["credit_code"].lower())
    assert [one.type for one in known.parts["permits"].entries] == ["permit.changed"]
    with pytest.raises(Rejected) as caught:
        await house.hub.dossiers.of("nobody")
    assert caught.value.status == 422


async def test_operators_replay_discard_hold_and_release(house, write):
    """Each wakes what it must; each is a conflict in the wrong state."""
    await house.register(MOBILE, PENALTY)
    house.post.status = 400
    entry = await house.send(MOBILE, "case.transferred", write.case())
    await house.next("dead")
    house.post.status = 200
    delivery = entry.deliveries[0].id
    await house.hub.deliveries.replay(delivery, house.intent("fixed"))
    await house.next("delivered")
    assert [key for _, key in house.post.sent] == [delivery, delivery]
    with pytest.raises(Conflict):
        await house.hub.deliveries.discard(delivery, house.intent("too late"))
    with pytest.raises(NotFound):
        await house.hub.deliveries.hold("nothing", house.intent("x"))


async def test_a_hub_that_does_not_run_says_so(make):
    """Not before it was started, not after it was stopped."""
    made = make()
    with pytest.raises(Unavailable):
        await made.hub.check()
    await made.hub.start()
    await made.hub.check()
    await made.hub.stop()
    with pytest.raises(Unavailable):
        await made.hub.check()


async def test_a_callback_on_its_way_out_is_written_anew_when_its_number_turns_out_to_be_an_alias(
    make, plain, new_ledger, write
):
    """The penalty platform tells of CF-77 before it answers that this is AJ-1: whoever sent AJ-1 hears of AJ-1."""

    class Numbering(type(plain)):
        def judge(self, message_type, reply, *, budget=None):
            return Verdict(VerdictKind.ACCEPTED, reference="CF-77" if message_type == "case.transferred" else None)

    house = make(FaultyLedger(new_ledger()), Numbering())
    ledger = house.hub.ledger
    await house.hub.start()
    await house.register(MOBILE, PENALTY)
    answer = ledger.hold_before("settle")
    case = await house.send(MOBILE, "case.transferred", write.case())
    await answer.reached()
    begin = ledger.hold_before("begin")
    told = await house.send(PENALTY, "case.progressed", write.progress(case_number="CF-77"))
    await begin.reached()
    answer.open()
    assert (await house.next("delivered")).delivery_id == case.deliveries[0].id
    begin.open()
    assert (await house.next("delivered")).delivery_id == told.deliveries[0].id
    assert orjson.loads((await ledger.sent(told.deliveries[0].id)).body)["case_number"] == "AJ-1"
    await house.hub.stop()

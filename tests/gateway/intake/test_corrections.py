"""Corrections and withdrawals reach everybody who got the original, in its lane."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from gateway.intake.corrections import chain, reaching
from gateway.intake.steps import Planned
from gateway.message import Delivery, State

MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"
CREDIT, NATIONAL = "credit-publicity.330000", "pollutant-permit.000000"
AT = datetime(2026, 9, 1, tzinfo=UTC)


def places(accepted) -> set[str | None]:
    """Name the platforms a message goes to; None for the unrouted."""
    return {one.platform for one in accepted.deliveries}


def delivery(platform: str | None, state: State = State.DELIVERED, **more: Any) -> Delivery:
    """Write a delivery of the original."""
    kind = (platform or "credit-publicity.x").rpartition(".")[0]
    return Delivery("d", "m", "penalty.decided", kind, platform, "lane", state, AT, **more)


def test_whoever_got_the_original_is_added_once():
    """Not who is planned anyway, the caller, the deleted, or whom an operator spared it."""
    planned = (Planned("mobile-enforcement", MOBILE),)
    got = [
        delivery(MOBILE),
        delivery(CREDIT),
        delivery(CREDIT, State.DEAD),
        delivery(PENALTY),
        delivery("construction-project.330000"),
        delivery(NATIONAL, State.DISCARDED),
    ]
    found = reaching(planned, got, {MOBILE, CREDIT, PENALTY, NATIONAL}, PENALTY)
    assert found == (*planned, Planned("credit-publicity", CREDIT))


def test_what_the_original_still_waits_for_the_correction_waits_for_too():
    """Otherwise who comes later would get the original alone."""
    waiting = delivery(None, State.UNROUTED, toward="nearest")
    expected = Planned("credit-publicity", None, "nearest")
    assert reaching((), [waiting, waiting], set(), PENALTY) == (expected,)
    assert reaching((expected,), [waiting], set(), PENALTY) == (expected,)


async def test_a_withdrawal_reaches_the_publicity_platform_though_it_allows_no_publication(desk, write):
    """撤销处罚决定: shown before, taken down now, in the lane of the case."""
    await desk.at(PENALTY, MOBILE, CREDIT)
    decided = await desk.send(PENALTY, "penalty.decided", write.decision())
    assert places(decided) == {MOBILE, CREDIT}
    withdrawn = write.decision(status="withdrawn", publish={"allowed": False})
    told = await desk.send(PENALTY, "penalty.decided", withdrawn)
    assert places(told) == {MOBILE, CREDIT}
    assert told.message.corrects == decided.message.id
    assert told.message.ordering_key == decided.message.ordering_key


async def test_a_decision_nobody_published_is_withdrawn_without_publicity(desk, write):
    """Who did not get the original learns nothing of it."""
    await desk.at(PENALTY, MOBILE, CREDIT)
    hidden = {"publish": {"allowed": False}}
    await desk.send(PENALTY, "penalty.decided", write.decision(**hidden))
    assert places(await desk.send(PENALTY, "penalty.decided", write.decision(status="withdrawn", **hidden))) == {MOBILE}


async def test_a_correction_under_a_new_number_reaches_who_got_the_old_one(desk, write):
    """`corrects` names the decision that it replaces; a permit it no longer names is told as well."""
    await desk.at(PENALTY, MOBILE, CREDIT, NATIONAL)
    permit = write.permit()["permit_number"]
    first = await desk.send(PENALTY, "penalty.decided", write.decision(permit_number=permit))
    assert places(first) == {MOBILE, CREDIT, NATIONAL}
    corrected = write.decision(
        decision_number="杭环罚〔2026〕9号",
        corrects="杭环罚[2026]1号",
        status="corrected",
        fine="100000",
        publish={"allowed": False},
    )
    told = await desk.send(PENALTY, "penalty.decided", corrected)
    assert places(told) == {MOBILE, CREDIT, NATIONAL}
    assert told.message.corrects == first.message.id


async def test_who_came_with_a_correction_gets_the_next_one(desk, write):
    """Published only by the first correction, taken down by the second."""
    await desk.at(PENALTY, MOBILE, CREDIT)
    await desk.send(PENALTY, "penalty.decided", write.decision(publish={"allowed": False}))
    shown = await desk.send(PENALTY, "penalty.decided", write.decision(status="corrected", fine="1000"))
    assert places(shown) == {MOBILE, CREDIT}
    taken = write.decision(status="withdrawn", publish={"allowed": False})
    assert places(await desk.send(PENALTY, "penalty.decided", taken)) == {MOBILE, CREDIT}


async def test_a_correction_waits_where_the_original_waits(desk, write):
    """The publicity platform that comes later gets both, in their order."""
    await desk.at(PENALTY, MOBILE)
    decided = await desk.send(PENALTY, "penalty.decided", write.decision())
    withdrawn = write.decision(status="withdrawn", publish={"allowed": False})
    told = await desk.send(PENALTY, "penalty.decided", withdrawn)
    assert places(decided) == places(told) == {MOBILE, None}
    await desk.at(CREDIT)
    for one in (decided, told):
        assert CREDIT in {each.platform for each in await desk.ledger.deliveries_of(one.message.id)}


async def test_a_correction_of_nothing_goes_its_own_way(desk, write):
    """A number nobody sent before names no original."""
    await desk.at(PENALTY, MOBILE, CREDIT)
    told = await desk.send(PENALTY, "penalty.decided", write.decision(corrects="杭环罚〔2020〕7号", status="corrected"))
    assert places(told) == {MOBILE, CREDIT}
    assert told.message.corrects is None
    assert chain(told.message, ()) == (told.message,)


async def test_nothing_is_published_without_an_explicit_yes(desk, write):
    """No, nothing said, and the yes of another decision of the case: only its own yes counts, and silence is warned."""
    await desk.at(PENALTY, MOBILE, CREDIT)
    said = [write.decision(), write.decision(decision_number="杭环罚〔2026〕2号", publish={"allowed": False})]
    silent = write.decision(decision_number="杭环罚〔2026〕3号")
    del silent["publish"]
    sent = [await desk.send(PENALTY, "penalty.decided", one) for one in (*said, silent)]
    assert [places(one) for one in sent] == [{MOBILE, CREDIT}, {MOBILE}, {MOBILE}]
    assert "publish.unstated" in {one["code"] for one in sent[2].message.warnings}


async def test_a_sender_may_name_the_message_that_it_corrects(desk, write):
    """Whatever the document itself says: who got that message gets this one."""
    await desk.at(PENALTY, MOBILE, CREDIT)
    original = await desk.send(PENALTY, "penalty.decided", write.decision())
    document = write.decision(publish={"allowed": False})
    body = {"type": "penalty.decided", "document": document, "corrects": original.message.id}
    assert places(await desk.submit(PENALTY, body)) == {MOBILE, CREDIT}


async def test_a_version_that_comes_while_a_withdrawal_is_decided_counts(racing, write):
    """Corrected to another city before the withdrawal is kept: that city, too, is told of the withdrawal."""
    await racing.at(PENALTY, "mobile-enforcement.330100", "mobile-enforcement.330200")
    await racing.send(PENALTY, "penalty.decided", write.decision())
    gate = racing.ledger.hold_before("accept")
    withdrawal = write.decision(status="withdrawn", publish={"allowed": False})
    waiting = asyncio.create_task(racing.receive(PENALTY, "penalty.decided", withdrawal))
    await gate.reached()
    await racing.send(PENALTY, "penalty.decided", write.decision(region="330203", status="corrected"))
    gate.open()
    (entry,) = (await waiting).receipt.entries
    assert places(entry) >= {"mobile-enforcement.330100", "mobile-enforcement.330200"}

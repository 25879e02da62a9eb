"""Several bodies of one caller, read and kept together: as if each had come when the one before was answered."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from gateway.errors import Busy, Conflict, Unavailable
from gateway.intake.admission import Admission
from gateway.intake.batches import Batches, stopping
from gateway.intake.reception import ROUNDS, TOGETHER
from gateway.ledger.records import Accepted, Moved, Rejection
from gateway.telemetry.events import DocumentRejected, MessageAccepted
from schemas.findings import Rejected

MOBILE, PENALTY, PERMITS = "mobile-enforcement.330000", "penalty.330000", "pollutant-permit.330000"
PERMIT = "91330110MA2CXY1R13001P"


async def several(desk, operation, *documents, keys=None, platform=MOBILE):
    """Hand documents in as a batch does; gives what became of each."""
    calls = [desk.call(platform, operation, one, key=keys and keys[at]) for at, one in enumerate(documents)]
    read = list(zip(calls, await desk.reception.read_all(calls), strict=True))
    return [one async for one in desk.reception.keep_all([each for each in read if not isinstance(each[1], Rejected)])]


def entries(results):
    """The one entry of each result."""
    return [one.receipt.entries[0] for one in results]


async def test_each_has_its_own_answer_and_its_own_bytes(desk, write):
    """Accepted, rejected or a duplicate, in the order that they were handed in; and everybody is told."""
    await desk.at(MOBILE, PENALTY)
    documents = [write.case(case_number=f"AJ-{number}") for number in range(8)]
    documents[3] = {"case_number": "AJ-3"}
    documents[5] = documents[1]
    found = entries(await several(desk, "case.transferred", *documents))
    assert [type(one) for one in found] == [Accepted] * 3 + [Rejection] + [Accepted] * 4
    assert [getattr(one, "duplicate", None) for one in found] == [False] * 3 + [None, False, True, False, False]
    assert (await desk.ledger.native(found[2].message.id)).body == orjson.dumps(documents[2])
    assert (await desk.ledger.rejection_native(found[3].id)).body == orjson.dumps(documents[3])
    assert sum(isinstance(one, MessageAccepted) for one in desk.told) == 7
    assert sum(isinstance(one, DocumentRejected) for one in desk.told) == 1


async def test_what_one_brings_the_next_ones_know(desk, write):
    """A permit that the first names is what the case knows when the third is routed."""
    await desk.at(MOBILE, PENALTY, PERMITS, "pollutant-permit.000000")
    first, *_ = entries(
        await several(desk, "case.transferred", write.case(permit_number=PERMIT), write.case(facts="b"))
    )
    progress, decided = entries(
        await several(desk, "penalty.decided", write.decision(), write.decision(fine="1"), platform=PENALTY)
    )
    assert decided.message.correlation_id == progress.message.correlation_id == first.message.correlation_id
    assert decided.message.enriched["permit_number"].value == PERMIT


async def test_a_key_is_each_documents_own(desk, write):
    """The same again gives the first answer; other bytes under it are told of that one alone."""
    await desk.at(MOBILE, PENALTY)
    documents = [write.case(case_number=f"AJ-{number}") for number in range(3)]
    keys = ["k#0", "k#1", "k#2"]
    first = await several(desk, "case.transferred", *documents, keys=keys)
    documents[1] = write.case(case_number="AJ-9")
    again = await several(desk, "case.transferred", *documents, keys=keys)
    assert isinstance(again[1], Conflict)
    assert [again[at].receipt.repeated for at in (0, 2)] == [True, True]
    assert entries([again[0]])[0].message.id == entries([first[0]])[0].message.id


async def test_a_package_among_them_keeps_its_place(desk, write):
    """Too many records to share a commit with others: it is kept by itself, between those before and behind it."""
    await desk.at(MOBILE, PENALTY)
    cases = [write.case(facts=f"{number}") for number in range(TOGETHER + 1)]
    before = {"count": 1, "records": [write.case(facts="before")]}
    results = await several(
        desk, "cases", before, {"count": len(cases), "records": cases}, {"count": 1, "records": [write.case(facts="z")]}
    )
    assert [len(one.receipt.entries) for one in results] == [1, TOGETHER + 1, 1]
    positions = [entry.deliveries[0].position for one in results for entry in one.receipt.entries]
    assert positions == sorted(positions)


async def test_nothing_overtakes_what_is_decided_again(racing, write):
    """A document of another caller comes between: all are in order in their lane all the same."""
    await racing.at(MOBILE, PENALTY)
    gate = racing.ledger.hold_before("accept_all")
    documents = [write.case(facts=f"{number}") for number in range(10)]
    waiting = asyncio.create_task(several(racing, "case.transferred", *documents))
    await gate.reached()
    other = await racing.send(MOBILE, "case.transferred", write.case(facts="between"))
    gate.open()
    found = entries(await waiting)
    assert {one.message.correlation_id for one in found} == {other.message.correlation_id}
    positions = [one.deliveries[0].position for one in found]
    assert positions == sorted(positions)
    assert positions[0] > other.deliveries[0].position


async def test_a_case_that_never_rests_is_told(racing, write):
    """After so many rounds without one document kept; what was kept before stands."""
    await racing.at(MOBILE, PENALTY)
    racing.ledger.fail_before("accept_all", Moved(1), times=ROUNDS)
    with pytest.raises(Unavailable) as refused:
        await several(racing, "case.transferred", write.case())
    assert refused.value.code == "intake.contended"
    assert len(await several(racing, "case.transferred", write.case())) == 1


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
async def test_when_the_ledger_fails_nobody_knows(racing, write, fault):
    """It is raised; under keys the same again is kept once, whichever it was."""
    await racing.at(MOBILE, PENALTY)
    getattr(racing.ledger, fault)("accept_all")
    documents = [write.case(facts=one) for one in "aba"]
    with pytest.raises(Unavailable):
        await several(racing, "case.transferred", *documents, keys=["1", "2", "3"])
    found = entries(await several(racing, "case.transferred", *documents, keys=["1", "2", "3"]))
    assert len({one.message.id for one in found}) == 3
    assert len(await racing.heads(PENALTY)) == 1


# ── batches ──────────────────────────────────────────────────────────────────────────────────────
async def test_batches_take_turns():
    """One group at a time, in the order in which they asked."""
    batches, others, order = Batches(4, 0), Admission(), []

    async def group(name):
        async with batches.turn(others):
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    await asyncio.gather(*(group(name) for name in "abc"))
    assert order == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]


def test_there_are_so_many_batches_at_once():
    """One more is told to come again; all are asked to end, and then none begins."""
    batches, asked = Batches(2, 0), []
    with batches.enter(lambda: asked.append("a")):
        with batches.enter(lambda: asked.append("b")), pytest.raises(Busy), batches.enter(lambda: None):
            pass
        assert batches.under_way() == 1
        batches.end()
    assert asked == ["a"]
    with pytest.raises(Unavailable) as refused, batches.enter(lambda: None):
        pass
    assert refused.value.code == stopping().code

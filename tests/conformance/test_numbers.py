from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.ledger.assessments import CaseFinding, FindingFilter
from gateway.ledger.records import MessageFilter, Moved, Reads
from gateway.message import Enriched, HeldBy, State


async def test_recognised_by_source_and_destinations(play: Any, ledger: Any, make: Any) -> None:
    """The number a message speaks of is recognised from its source and from each destination, and from nobody else."""
    await play.accept("m1", lane="L9", to=[make.penalty, make.credit], numbers={"case_number": "C1"})
    for platform in (make.source, make.penalty, make.credit):
        known = (await ledger.recall(platform, {"case_number": "C1"}))["case_number"]
        assert (known.original, known.message_id, known.type) == ("C1", "m1", "case.transferred")
        assert (known.source, known.correlation_id, known.ordering_key) == (make.source, "L9", "L9")
    assert await ledger.recall("pollutant-permit.000000", {"case_number": "C1"}) == {}
    assert await ledger.recall(make.penalty, {"order_number": "C1"}) == {}
    assert await ledger.recall(make.penalty, {"case_number": "C2"}) == {}
    assert await ledger.recall(make.penalty, {}) == {}


async def test_first_message_of_a_number(play: Any, ledger: Any, make: Any) -> None:
    """A number stays with the message that brought it into the world."""
    await play.accept("m1", numbers={"case_number": "C1"})
    await play.accept("m2", numbers={"case_number": "C1"})
    assert (await ledger.recall(make.penalty, {"case_number": "C1"}))["case_number"].message_id == "m1"


@pytest.mark.parametrize("spelling", ["aj-7", "AJ-7\u200b", "\u202aAJ-7\u202c", "AJ－７", " AJ-7\u00a0"])
async def test_spellings_are_one_number(play: Any, ledger: Any, make: Any, spelling: str) -> None:
    """A number is recognised however it is spelled, and stays as its issuer wrote it first."""
    await play.accept("m1", numbers={"case_number": spelling})
    await play.accept("m2", numbers={"case_number": "AJ-7"})
    for number in (spelling, "AJ-7", "Aj-7"):
        known = (await ledger.recall(make.penalty, {"case_number": number}))["case_number"]
        assert (known.original, known.message_id) == (spelling, "m1")
    assert await ledger.recall(make.penalty, {"case_number": "AJ-70"}) == {}


async def test_two_spellings_at_once(play: Any, make: Any) -> None:
    """Of two that nobody spoke of yet and that come together, the second is decided again after the first."""
    reads = [Reads(numbers={(make.source, "case_number", number): None}) for number in ("AJ-7", "aj-7\u200b")]
    results = await asyncio.gather(
        play.accept("m1", numbers={"case_number": "AJ-7"}, reads=reads[0]),
        play.accept("m2", numbers={"case_number": "aj-7\u200b"}, reads=reads[1]),
        return_exceptions=True,
    )
    assert [isinstance(each, Moved) for each in results] == [False, True]


async def test_found_by_any_spelling(play: Any, ledger: Any) -> None:
    """A search finds a case by any spelling of its number."""
    await play.accept("m1", keys={"case_number": "Aj-7"})
    for number in ("AJ-7", "aj-7", "AJ－7\u200b"):
        assert [each.id for each in (await ledger.find_messages(MessageFilter(case_number=number))).items] == ["m1"]


async def test_alias_that_is_a_spelling(play: Any, ledger: Any, make: Any) -> None:
    """A platform that answers with its own spelling of the number means the same case, and is sent its spelling."""
    await play.accept("m1", numbers={"case_number": "AJ-7"})
    await play.end("m1/0", State.DELIVERED, reference="aj-7", alias=("case_number", "AJ-7"))
    await play.accept("m2", numbers={"case_number": "AJ-7"})
    [work] = await play.works()
    assert work.aliases == {"case_number": "aj-7"}
    known = (await ledger.recall(make.penalty, {"case_number": "AJ-7"}))["case_number"]
    assert (known.original, known.message_id) == ("AJ-7", "m1")


async def test_alias(play: Any, ledger: Any, make: Any) -> None:
    """A platform's own number leads to the original, and later deliveries to it come with its own number."""
    await play.accept("m1", numbers={"case_number": "C1"})
    await play.end("m1/0", State.DELIVERED, reference="P-77", alias=("case_number", "C1"))
    known = await ledger.recall(make.penalty, {"case_number": "P-77"})
    assert (known["case_number"].original, known["case_number"].message_id) == ("C1", "m1")
    assert await ledger.recall(make.credit, {"case_number": "P-77"}) == {}
    await play.accept("m2", to=[make.penalty, make.credit], numbers={"case_number": "C1", "order_number": "D1"})
    [work] = await play.works()
    assert work.aliases == {"case_number": "P-77"}
    [work] = await play.works(make.credit)
    assert work.aliases == {}


async def test_newest_alias_goes_out(play: Any, ledger: Any, make: Any) -> None:
    """When a platform names a number anew, the newest name is used to it and every name is recognised from it."""
    for name, reference in (("m1", "P-1"), ("m2", "P-2")):
        await play.accept(name, numbers={"case_number": "C1"})
        await play.end(f"{name}/0", State.DELIVERED, reference=reference, alias=("case_number", "C1"))
    await play.accept("m3", numbers={"case_number": "C1"})
    [work] = await play.works()
    assert work.aliases == {"case_number": "P-2"}
    for reference in ("P-1", "P-2", "C1"):
        assert (await ledger.recall(make.penalty, {"case_number": reference}))["case_number"].original == "C1"


async def test_same_number_of_two_issuers(play: Any, ledger: Any, make: Any) -> None:
    """A number that two platforms issue for two things is not sent out under the name of the other's."""
    await play.accept("m1", lane="A", numbers={"case_number": "C1"})
    await play.end("m1/0", State.DELIVERED, reference="P-1", alias=("case_number", "C1"))
    await play.accept("m2", lane="B", numbers={"case_number": "C1"})
    [work] = await play.works()
    assert work.aliases == {}
    await play.end("m2/0", State.DELIVERED, reference="P-2", alias=("case_number", "C1"))
    for name, lane in (("m3", "A"), ("m4", "B")):
        await play.accept(name, lane=lane, numbers={"case_number": "C1"})
    works = await play.works()
    assert [work.aliases["case_number"] for work in works] == ["P-1", "P-2"]


async def test_same_number_is_no_alias(play: Any, ledger: Any, make: Any) -> None:
    """A platform that answers with the number it was sent has no name of its own for it."""
    await play.accept("m1", numbers={"case_number": "C1"})
    await play.end("m1/0", State.DELIVERED, reference="C1", alias=("case_number", "C1"))
    await play.accept("m2", numbers={"case_number": "C1"})
    [work] = await play.works()
    assert work.aliases == {}


async def test_known_once_assigned(play: Any, ledger: Any, make: Any) -> None:
    """A platform that gets an unrouted delivery knows its numbers from then on."""
    await play.accept("m1", to=[None], numbers={"case_number": "C1"})
    assert await ledger.recall(make.penalty, {"case_number": "C1"}) == {}
    await play.register(take=make.takes())
    assert (await ledger.recall(make.penalty, {"case_number": "C1"}))["case_number"].message_id == "m1"


async def test_facts_of_a_case(play: Any, ledger: Any) -> None:
    """A case knows what its messages said, each from the first to say it, never overwritten."""
    await play.accept("m1", correlation_id="case", keys={"case_number": "C1"})
    await play.accept("m2", correlation_id="case", keys={"case_number": "C2", "permit_number": "P1"}, region="330102")
    await play.accept("m3", correlation_id="another", keys={"permit_number": "P3"})
    assert await ledger.facts("case") == {
        "case_number": Enriched("C1", "m1"),
        "region": Enriched("330100", "m1"),
        "permit_number": Enriched("P1", "m2"),
    }
    assert await ledger.facts("nothing") == {}


async def test_duplicates_bring_no_facts(play: Any, ledger: Any) -> None:
    """A duplicate adds nothing to its case."""
    await play.accept("m1", identity="A", digest="x", correlation_id="case")
    await play.accept("m2", identity="A", digest="x", correlation_id="case", keys={"permit_number": "P1"})
    assert set(await ledger.facts("case")) == {"region"}


# ── a platform that calls back before its answer is settled ───────────────────────────────────
AJ, CF = "case_number:mobile-enforcement.330100:AJ-1", "case_number:penalty.330000:CF-77"


async def _call_back(play: Any, make: Any, name: str = "b1", **draft: Any) -> None:
    """The penalty platform tells of its case CF-77, which nobody knows yet."""
    told = {
        "source": make.penalty,
        "operation": "progress",
        "type": "case.progressed",
        "lane": CF,
        "correlation_id": "b1",
        "to": [make.source],
        "document": {"case_number": "CF-77", "node": "filed"},
        "keys": {"case_number": "CF-77"},
        "numbers": {"case_number": "CF-77"},
        **draft,
    }
    await play.accept(name, **told)


async def _race(play: Any, make: Any) -> None:
    """Case AJ-1 is being sent; the penalty platform, which calls it CF-77, calls back first."""
    await play.accept(
        "a1",
        lane=AJ,
        correlation_id="a1",
        document={"case_number": "AJ-1"},
        keys={"case_number": "AJ-1"},
        numbers={"case_number": "AJ-1"},
    )
    await play.begin("a1/0")
    await _call_back(play, make)


async def _settle(play: Any) -> None:
    await play.settle("a1/0", State.DELIVERED, at=5, reference="CF-77", alias=("case_number", "AJ-1"))


async def test_settled_alias_wins(play: Any, ledger: Any, make: Any) -> None:
    """A number that a platform spoke of as its own, and then gave as its name of another, is that other's."""
    await _race(play, make)
    assert (await ledger.recall(make.penalty, {"case_number": "CF-77"}))["case_number"].message_id == "b1"
    await _settle(play)
    for platform, number in ((make.penalty, "CF-77"), (make.penalty, "AJ-1"), (make.source, "CF-77")):
        known = (await ledger.recall(platform, {"case_number": number}))["case_number"]
        assert (known.original, known.correlation_id, known.ordering_key) == ("AJ-1", "a1", AJ)


async def test_settled_alias_in_another_spelling_wins(play: Any, ledger: Any, make: Any) -> None:
    """What hung on the platform's own number is tied to the case also when its answer spells the number otherwise."""
    await _race(play, make)
    await play.settle("a1/0", State.DELIVERED, at=5, reference="cf-77", alias=("case_number", "AJ-1"))
    for number in ("CF-77", "cf-77", "AJ-1"):
        known = (await ledger.recall(make.penalty, {"case_number": number}))["case_number"]
        assert (known.original, known.correlation_id) == ("AJ-1", "a1")
    message = await ledger.message("b1")
    assert (message.document["case_number"], message.ordering_key) == ("AJ-1", AJ)
    assert message.raw_numbers == {"case_number": "CF-77"}


async def test_messages_of_an_aliased_number_are_retied(play: Any, ledger: Any, make: Any) -> None:
    """Every message of the wrong case goes over to the original's: case, lane, number, search, and the audit tells."""
    await _race(play, make)
    await _call_back(play, make, "b2", document={"case_number": "CF-77", "node": "notice"})
    await _settle(play)
    for name in ("b1", "b2"):
        message = await ledger.message(name)
        assert (message.correlation_id, message.ordering_key) == ("a1", AJ)
        assert message.document["case_number"] == message.keys["case_number"] == "AJ-1"
        assert message.raw_numbers == {"case_number": "CF-77"}
        told = [each for each in await ledger.audit(name) if each.action == "message.retied"]
        assert [(each.actor, each.detail["number"], each.detail["original"]) for each in told] == [
            (make.penalty, "CF-77", "AJ-1")
        ]
    assert (await ledger.message("b1")).document["node"] == "filed"
    assert not [each for each in await ledger.audit("a1") if each.action == "message.retied"]
    by_case = await ledger.find_messages(MessageFilter(case_number="AJ-1"))
    assert [each.id for each in by_case.items] == ["b2", "b1", "a1"]
    assert (await ledger.find_messages(MessageFilter(case_number="CF-77"))).items == ()


async def test_findings_of_the_wrong_case_go(play: Any, ledger: Any, make: Any) -> None:
    """What the checks came to of half a case is forgotten when it is tied to the other half."""
    await _race(play, make)
    said = ("330100", "1", "missed", "看过", "looked", ("b1",), make.at())
    await ledger.put_findings([CaseFinding(CF, "x", "CF-77", "b1", *said), CaseFinding(AJ, "x", "AJ-1", "a1", *said)])
    await _settle(play)
    assert [each.lane for each in (await ledger.find_findings(FindingFilter())).items] == [AJ]


async def test_facts_are_retied(play: Any, ledger: Any, make: Any) -> None:
    """The case of the original knows what was said under the wrong number, and the wrong case knows nothing."""
    await _race(play, make)
    await _call_back(play, make, "b2", keys={"case_number": "CF-77", "permit_number": "P1"}, region="330102")
    await _settle(play)
    assert await ledger.facts("b1") == {}
    assert await ledger.facts("a1") == {
        "case_number": Enriched("AJ-1", "a1"),
        "region": Enriched("330100", "a1"),
        "permit_number": Enriched("P1", "b2"),
    }


async def test_deliveries_change_lanes(play: Any, ledger: Any, make: Any) -> None:
    """Deliveries go into the original's lane, each by its position, but behind the one of them that is being sent."""
    await play.accept("a0", lane=AJ, correlation_id="a1", to=[make.source])
    await _race(play, make)
    await _call_back(play, make, "b2")
    await play.begin("b1/0")
    await _settle(play)
    assert [(await ledger.delivery(name)).lane for name in ("a0/0", "b1/0", "b2/0")] == [AJ, AJ, AJ]
    assert await play.heads(make.source) == []
    await play.settle("b1/0", State.DELIVERED)
    assert await play.heads(make.source) == ["a0/0"]
    await play.end("a0/0", State.DELIVERED)
    [work] = await play.works(make.source)
    assert (work.delivery.id, work.message.document["case_number"]) == ("b2/0", "AJ-1")


async def test_one_is_sent_in_each_lane(play: Any, ledger: Any, make: Any) -> None:
    """Of two that are being sent, one a lane, each ends where it is; the rest waits in the original's lane."""
    await play.accept("a0", lane=AJ, correlation_id="a1", to=[make.source])
    await play.begin("a0/0")
    await _race(play, make)
    await _call_back(play, make, "b2")
    await play.begin("b1/0")
    await _settle(play)
    assert [(await ledger.delivery(name)).lane for name in ("a0/0", "b1/0", "b2/0")] == [AJ, CF, AJ]
    assert await play.heads(make.source) == []
    await play.settle("b1/0", State.DELIVERED)
    assert await play.heads(make.source) == []
    await play.settle("a0/0", State.DELIVERED)
    assert await play.heads(make.source) == ["b2/0"]


async def test_settled_and_retied_in_one_step(play: Any, ledger: Any, make: Any) -> None:
    """An answer and what is tied by it may be settled in one commit."""
    await _race(play, make)
    await _call_back(play, make, "b2")
    await play.begin("b1/0")
    await asyncio.gather(play.settle("b1/0", State.WAITING, due=60), _settle(play))
    assert await play.heads(make.source, at=59) == []
    assert await play.heads(make.source, at=60) == ["b1/0"]
    await play.end("b1/0", State.DELIVERED, at=60)
    assert await play.heads(make.source) == ["b2/0"]


async def test_retied_behind_a_dead_one(play: Any, ledger: Any, make: Any) -> None:
    """What comes into a lane that is parked is parked, shown and counted; what it leaves behind goes on."""
    await play.accept("a0", lane=AJ, correlation_id="a1", to=[make.source])
    await play.end("a0/0", State.DEAD)
    await _race(play, make)
    await play.kill("b1/0")
    await _call_back(play, make, "b2")
    await play.accept("x", lane=CF, source=make.penalty, correlation_id="x", to=[make.source], numbers={})
    assert await play.state("x/0") == "held:lane"
    await _settle(play)
    assert [await play.state(name) for name in ("b1/0", "b2/0", "x/0")] == ["dead", "held:lane", "ready"]
    assert await play.heads(make.source) == ["x/0"]
    counted = {(each.state, each.held_by): each.count for each in await ledger.backlog()}
    assert counted == {("dead", None): 2, ("held", HeldBy.LANE): 1, ("ready", None): 1}


async def test_aliases_of_the_number_point_to_the_original(play: Any, ledger: Any, make: Any) -> None:
    """What others call the wrong number is a name of the original, and it is known to whom it went."""
    await _race(play, make)
    await _call_back(play, make, "b2", to=[make.credit])
    await play.end("b2/0", State.DELIVERED, reference="X-3", alias=("case_number", "CF-77"))
    await _settle(play)
    known = (await ledger.recall(make.credit, {"case_number": "X-3", "order_number": "-"}))["case_number"]
    assert (known.original, known.correlation_id) == ("AJ-1", "a1")
    assert (await ledger.recall(make.credit, {"case_number": "AJ-1"}))["case_number"].correlation_id == "a1"
    await play.accept("a2", lane=AJ, correlation_id="a1", to=[make.credit], numbers={"case_number": "AJ-1"})
    [work] = await play.works(make.credit)
    assert work.aliases == {"case_number": "X-3"}


async def test_case_begun_by_the_number_is_retied_whole(play: Any, ledger: Any, make: Any) -> None:
    """What belongs to the wrong case without speaking of its number goes over with it, in its own lane."""
    await _race(play, make)
    await play.accept("b2", correlation_id="b1", lane="order", numbers={"order_number": "D1"}, to=[make.source])
    await _settle(play)
    moved = await ledger.message("b2")
    assert (moved.correlation_id, moved.ordering_key, moved.raw_numbers) == ("a1", "order", {})
    assert (await ledger.recall(make.source, {"order_number": "D1"}))["order_number"].correlation_id == "a1"


async def test_same_number_elsewhere_stays(play: Any, ledger: Any, make: Any) -> None:
    """A third platform that calls a case of its own by the same number still means its own."""
    await play.accept("x1", lane="X", source=make.credit, numbers={"case_number": "CF-77"}, to=[])
    await _race(play, make)
    await _settle(play)
    known = (await ledger.recall(make.credit, {"case_number": "CF-77"}))["case_number"]
    assert (known.original, known.message_id) == ("CF-77", "x1")


async def test_already_one_case(play: Any, ledger: Any, make: Any) -> None:
    """When both stood in one case already, only what speaks of the number changes, and is told of."""
    await _call_back(play, make)
    await play.accept("a1", lane=AJ, correlation_id="b1", numbers={"case_number": "AJ-1"}, keys={"case_number": "AJ-1"})
    await play.begin("a1/0")
    await _settle(play)
    assert (await ledger.message("b1")).document["case_number"] == "AJ-1"
    assert (await ledger.message("b1")).ordering_key == AJ
    told = {name: [each.action for each in await ledger.audit(name)] for name in ("a1", "b1")}
    assert told == {"a1": ["message.accepted"], "b1": ["message.accepted", "message.retied"]}
    assert (await ledger.facts("b1"))["case_number"] == Enriched("AJ-1", "b1")


async def test_only_messages_with_the_number_are_retied(play: Any, ledger: Any, make: Any) -> None:
    """When the number was spoken of in a case that others began, the rest of that case stays."""
    await play.accept("order", correlation_id="b1", lane="order", keys={"order_number": "D1"})
    await _race(play, make)
    await _settle(play)
    assert (await ledger.message("order")).correlation_id == "b1"
    assert (await ledger.message("b1")).correlation_id == "a1"
    assert set(await ledger.facts("b1")) == {"order_number", "region"}


async def test_same_number_of_another_issuer_stays(play: Any, ledger: Any, make: Any) -> None:
    """A number that the platform was told by its issuer is not its own: the first to speak of it keeps it."""
    await play.accept("d1", lane="D", numbers={"case_number": "CF-77"})
    await play.accept("a1", lane=AJ, numbers={"case_number": "AJ-1"})
    await play.end("a1/0", State.DELIVERED, reference="CF-77", alias=("case_number", "AJ-1"))
    assert (await ledger.recall(make.penalty, {"case_number": "CF-77"}))["case_number"].message_id == "d1"
    assert (await ledger.message("d1")).correlation_id == "D"


async def test_read_before_it_was_retied(play: Any, ledger: Any, make: Any) -> None:
    """A document that was decided while the number was still the platform's own is decided again."""
    await _race(play, make)
    reads = Reads(numbers={(make.penalty, "case_number", "CF-77"): "b1"})
    decided = make.draft("b2", source=make.penalty, lane=CF, correlation_id="b1", reads=reads)
    await _settle(play)
    with pytest.raises(Moved):
        await play.receive(decided, platform=make.penalty)


async def test_request_made_before_it_was_retied(play: Any, make: Any) -> None:
    """A first attempt begins only with a request that was made of the message as it is now; later ones repeat it."""
    await _race(play, make)
    [read] = await play.works(make.source)
    await _settle(play)
    assert await play.begin("b1/0", message=read.message) is None
    [now] = await play.works(make.source)
    assert await play.begin("b1/0", message=now.message) == 1
    await play.settle("b1/0", State.WAITING)
    assert await play.begin("b1/0", message=read.message) == 2

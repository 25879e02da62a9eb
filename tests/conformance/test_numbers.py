from __future__ import annotations

from typing import Any

from gateway.message import Enriched, State


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


async def test_first_to_speak_of_it(play: Any, ledger: Any, make: Any) -> None:
    """A number stays with the message that brought it into the world."""
    await play.accept("m1", numbers={"case_number": "C1"})
    await play.accept("m2", numbers={"case_number": "C1"})
    assert (await ledger.recall(make.penalty, {"case_number": "C1"}))["case_number"].message_id == "m1"


async def test_alias(play: Any, ledger: Any, make: Any) -> None:
    """A platform's own number leads to the original, and later deliveries to it come with its own number."""
    await play.accept("m1", numbers={"case_number": "C1"})
    await play.end("m1/0", State.DELIVERED, reference="P-77", alias=("case_number", "C1"))
    known = await ledger.recall(make.penalty, {"case_number": "P-77"})
    assert (known["case_number"].original, known["case_number"].message_id) == ("C1", "m1")
    assert await ledger.recall(make.credit, {"case_number": "P-77"}) == {}
    await play.accept("m2", to=[make.penalty, make.credit], numbers={"case_number": "C1", "order_number": "D1"})
    [work] = await ledger.heads(make.penalty, make.at(), 10)
    assert work.aliases == {"case_number": "P-77"}
    [work] = await ledger.heads(make.credit, make.at(), 10)
    assert work.aliases == {}


async def test_newest_alias_goes_out(play: Any, ledger: Any, make: Any) -> None:
    """When a platform names a number anew, the newest name is used to it and every name is recognised from it."""
    for name, reference in (("m1", "P-1"), ("m2", "P-2")):
        await play.accept(name, numbers={"case_number": "C1"})
        await play.end(f"{name}/0", State.DELIVERED, reference=reference, alias=("case_number", "C1"))
    await play.accept("m3", numbers={"case_number": "C1"})
    [work] = await ledger.heads(make.penalty, make.at(), 10)
    assert work.aliases == {"case_number": "P-2"}
    for reference in ("P-1", "P-2", "C1"):
        assert (await ledger.recall(make.penalty, {"case_number": reference}))["case_number"].original == "C1"


async def test_same_number_of_two_issuers(play: Any, ledger: Any, make: Any) -> None:
    """A number that two platforms issue for two things is not sent out under the name of the other's."""
    await play.accept("m1", lane="A", numbers={"case_number": "C1"})
    await play.end("m1/0", State.DELIVERED, reference="P-1", alias=("case_number", "C1"))
    await play.accept("m2", lane="B", numbers={"case_number": "C1"})
    [work] = await ledger.heads(make.penalty, make.at(), 10)
    assert work.aliases == {}
    await play.end("m2/0", State.DELIVERED, reference="P-2", alias=("case_number", "C1"))
    for name, lane in (("m3", "A"), ("m4", "B")):
        await play.accept(name, lane=lane, numbers={"case_number": "C1"})
    works = await ledger.heads(make.penalty, make.at(), 10)
    assert [work.aliases["case_number"] for work in works] == ["P-1", "P-2"]


async def test_same_name_is_no_alias(play: Any, ledger: Any, make: Any) -> None:
    """A platform that answers with the number it was sent has no name of its own for it."""
    await play.accept("m1", numbers={"case_number": "C1"})
    await play.end("m1/0", State.DELIVERED, reference="C1", alias=("case_number", "C1"))
    await play.accept("m2", numbers={"case_number": "C1"})
    [work] = await ledger.heads(make.penalty, make.at(), 10)
    assert work.aliases == {}


async def test_known_once_assigned(play: Any, ledger: Any, make: Any) -> None:
    """A platform that gets an unrouted delivery knows its numbers from then on."""
    await play.accept("m1", to=[None], numbers={"case_number": "C1"})
    assert await ledger.recall(make.penalty, {"case_number": "C1"}) == {}
    await ledger.assign("m1/0", make.penalty, make.at())
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


async def test_duplicates_say_nothing(play: Any, ledger: Any) -> None:
    """A duplicate adds nothing to its case."""
    await play.accept("m1", identity="A", digest="x", correlation_id="case")
    await play.accept("m2", identity="A", digest="x", correlation_id="case", keys={"permit_number": "P1"})
    assert set(await ledger.facts("case")) == {"region"}

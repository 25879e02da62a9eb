from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.ledger.records import Accepted, Moved, Reads
from gateway.message import HeldBy

CASE = ("mobile-enforcement.330100", "case_number", "C1")


def asking(number: str | None = None) -> Reads:
    """Read: who brought case number C1."""
    return Reads(numbers={CASE: number})


async def test_registry_moved(play: Any, ledger: Any, make: Any) -> None:
    """What was routed by an older registry is not kept; the caller learns the revision to route by."""
    before = await play.revision()
    now = (await play.register()).revision
    with pytest.raises(Moved) as moved:
        await play.receive(make.draft("m1"), revision=before)
    assert moved.value.revision == now > before
    assert await ledger.message("m1") is None
    assert isinstance((await play.receive(make.draft("m1"), revision=now)).entries[0], Accepted)


async def test_a_moved_intake_keeps_nothing(play: Any, ledger: Any, make: Any) -> None:
    """When one record has to be decided again, nothing of the package is kept; others of the same commit are."""
    await play.accept("m0", numbers={"case_number": "C1"})
    package = (make.draft("m1", index=0), make.rejection(index=1), make.draft("m2", index=2, reads=asking()))
    moved, kept = await asyncio.gather(
        play.receive(*package, key="k"), play.accept("m3", lane="L3"), return_exceptions=True
    )
    assert isinstance(moved, Moved)
    assert kept.message.id == "m3"
    assert [await ledger.message(name) for name in ("m1", "m2")] == [None, None]
    assert await ledger.rejection("r1") is None
    assert not (await play.receive(make.draft("m1"), key="k", body=b"other")).repeated


async def test_number_moved(play: Any, make: Any) -> None:
    """A number that nobody knew and somebody brought, or that another message brought, is looked up again."""
    await play.accept("m1", numbers={"case_number": "C1"}, reads=asking(None))
    for stale in (None, "m0"):
        with pytest.raises(Moved):
            await play.accept("m2", reads=asking(stale))
    await play.accept("m2", reads=asking("m1"))


async def test_version_moved(play: Any, make: Any) -> None:
    """A later message of the type in the case: a correction is decided again; others are not."""
    asked = ("case", "case.transferred")
    await play.accept("m1", correlation_id="case", reads=Reads(versions={asked: None}))
    await play.accept("m2", correlation_id="case", type="penalty.decided")
    await play.accept("m3", correlation_id="other", lane="L3")
    for stale in (None, "m0"):
        with pytest.raises(Moved):
            await play.accept("m4", correlation_id="case", reads=Reads(versions={asked: stale}))
    await play.accept("m4", correlation_id="case", reads=Reads(versions={asked: "m1"}))


async def test_a_version_of_the_same_commit_counts(play: Any, ledger: Any, make: Any) -> None:
    """Two calls in one commit: the second was decided before the first was there, and is decided again."""
    asked = Reads(versions={("case", "case.transferred"): None})
    moved = await asyncio.gather(
        play.accept("m1", correlation_id="case", reads=asked),
        play.accept("m2", correlation_id="case", lane="L2", reads=asked),
        return_exceptions=True,
    )
    assert [isinstance(one, Moved) for one in moved].count(True) == 1
    package = [make.draft(f"p{index}", index=index, correlation_id="new", identity=f"p{index}") for index in range(2)]
    own = replace(package[1], reads=Reads(versions={("new", "case.transferred"): None}))
    assert len((await play.receive(package[0], own)).entries) == 2


async def test_fact_moved(play: Any, make: Any) -> None:
    """A fact that a document was to be filled in with is looked up again when somebody said it meanwhile."""
    lacked = Reads(facts={("case", "permit_number"): None, ("case", "project_code"): None})
    await play.accept("m1", correlation_id="case", reads=lacked)
    await play.accept("m2", correlation_id="case", keys={"permit_number": "P1"}, reads=lacked)
    with pytest.raises(Moved):
        await play.accept("m3", correlation_id="case", reads=lacked)
    await play.accept("m3", correlation_id="case", reads=Reads(facts={("case", "permit_number"): "m2"}))


async def test_case_is_not_new_any_more(play: Any, make: Any) -> None:
    """A correlation that was open to anybody while it was new is not once somebody has it."""
    fresh = Reads(fresh=frozenset({"case"}))
    await play.accept("m1", correlation_id="case", reads=fresh)
    with pytest.raises(Moved):
        await play.accept("m2", correlation_id="case", reads=fresh)


@pytest.mark.parametrize(
    "reads",
    [asking(), Reads(facts={("case", "permit_number"): None}), Reads(fresh=frozenset({"case"}))],
    ids=["number", "fact", "fresh"],
)
async def test_one_case_twice_at_once(play: Any, ledger: Any, make: Any, reads: Reads) -> None:
    """Of documents of one case that arrive together the first is kept, and each other is decided again after it."""
    said = {"correlation_id": "case", "numbers": {"case_number": "C1"}, "keys": {"permit_number": "P1"}}
    results = await asyncio.gather(
        *(play.accept(f"m{i}", reads=reads, **said) for i in range(4)), return_exceptions=True
    )
    kept = [each for each in results if isinstance(each, Accepted)]
    assert len(kept) == 1
    assert sum(isinstance(each, Moved) for each in results) == 3
    assert (await ledger.facts("case"))["permit_number"].message_id == kept[0].message.id


async def test_a_moved_intake_does_not_move_those_after_it(play: Any, make: Any) -> None:
    """What an intake would have brought, had it been kept, is no change for others that share its commit."""
    await play.accept("m0", correlation_id="other", numbers={"order_number": "D1"})
    stale = Reads(numbers={(make.source, "order_number", "D1"): None})
    bringing = make.draft("m1", index=0, numbers={"case_number": "C1"}, reads=asking())
    results = await asyncio.gather(
        play.receive(bringing, make.draft("m2", index=1, reads=stale)),
        play.accept("m3", numbers={"case_number": "C1"}, reads=asking()),
        return_exceptions=True,
    )
    assert isinstance(results[0], Moved)
    assert isinstance(results[1], Accepted)


async def test_records_of_one_package(play: Any, make: Any) -> None:
    """Records of a package were decided together: what one of them brings is no surprise to the next."""
    shared = {"correlation_id": "case", "numbers": {"case_number": "C1"}, "keys": {"permit_number": "P1"}}
    lacking = Reads({CASE: None}, {("case", "permit_number"): None}, frozenset({"case"}))
    knowing = Reads({CASE: "m1"}, {("case", "permit_number"): "m1"})
    receipt = await play.receive(
        make.draft("m1", index=0, reads=lacking, **shared),
        make.draft("m2", index=1, reads=lacking, **shared),
        make.draft("m3", index=2, reads=knowing, **shared),
    )
    assert all(isinstance(each, Accepted) for each in receipt.entries)


async def test_record_that_was_not_kept(play: Any, make: Any) -> None:
    """A record that relies on one before it is decided again when that turns out to be there already."""
    await play.accept("m1", identity="A", digest="x", numbers={"case_number": "C1"})
    again = make.draft("m2", index=0, identity="A", digest="x", numbers={"case_number": "C1"}, reads=asking("m1"))
    relying = make.draft("m3", index=1, reads=asking("m2"))
    with pytest.raises(Moved):
        await play.receive(again, relying)


async def test_duplicates_within_a_package(play: Any, make: Any) -> None:
    """Of records of one identity in a package, those that differ from the one before need what they read to stand."""
    await play.accept("m0", identity="A", digest="x", numbers={"case_number": "C1"})
    first, second = make.draft("m1", identity="A", digest="y"), make.draft("m2", index=1, identity="A", digest="y")
    back = make.draft("m3", index=2, identity="A", digest="x", reads=asking())
    with pytest.raises(Moved):
        await play.receive(first, second, back)
    receipt = await play.receive(first, replace(second, reads=asking()))
    assert [each.duplicate for each in receipt.entries] == [False, True]


async def test_duplicates_and_rejections_are_not_verified(play: Any, make: Any) -> None:
    """A repeat, a duplicate and a rejection are answered whatever moved since they were decided."""
    before = await play.revision()
    await play.receive(make.draft("m1", identity="A", digest="x", numbers={"case_number": "C1"}), key="k")
    await play.register()
    again = make.draft("m2", identity="A", digest="x", reads=asking())
    assert (await play.receive(again, key="k", revision=before)).repeated
    receipt = await play.receive(again, make.rejection(index=1), revision=before)
    assert receipt.entries[0].duplicate
    assert receipt.entries[1].id == "r1"


async def test_shown_as_held_at_once(play: Any, make: Any) -> None:
    """A receipt shows by what each delivery is held: its platform, its endpoint, its lane."""
    await play.register(make.penalty, make.credit)
    await play.hold(make.penalty)
    await play.hold(make.credit, HeldBy.ENDPOINT, type="case.transferred")
    await play.accept("dead", lane="parked", type="case.progressed", to=[make.credit])
    await play.kill("dead/0")
    first = await play.accept("m1", to=[make.penalty, make.credit, None])
    assert [each.held_by for each in first.deliveries] == [HeldBy.PAUSED, HeldBy.ENDPOINT, None]
    second = await play.accept("m2", lane="parked", to=[make.credit])
    assert [each.shown for each in second.deliveries] == ["held"]
    assert second.deliveries[0].held_by is HeldBy.LANE
    assert (await play.accept("m3", identity="m2", digest="digest of m2")).deliveries == second.deliveries


async def test_counted_as_it_is_accepted(play: Any, ledger: Any, make: Any) -> None:
    """What was accepted is counted where it stands."""
    await play.accept("dead", lane="parked")
    await play.kill("dead/0")
    await play.accept("m1", lane="parked", to=[make.penalty, make.penalty])
    await play.accept("m2", to=[make.penalty, None])
    counted = {(each.platform, each.state, each.held_by): each.count for each in await ledger.backlog()}
    assert counted == {
        (make.penalty, "dead", None): 1,
        (make.penalty, "held", HeldBy.LANE): 2,
        (make.penalty, "ready", None): 1,
        (None, "unrouted", None): 1,
    }


async def test_nothing_overtakes_what_moved(play: Any, ledger: Any, make: Any) -> None:
    """Of several intakes those before the first that moved are kept, and nothing behind it."""
    await play.accept("m0", numbers={"case_number": "C1"})
    stale = make.intake(make.draft("m2", reads=asking()))
    behind = make.intake(make.draft("m3"))
    answers = await play.accept_all(make.intake(make.draft("m1")), stale, behind)
    assert [each.entries[0].message.id for each in answers] == ["m1"]
    with pytest.raises(Moved):
        await play.accept_all(stale, behind)
    assert [await ledger.message(name) for name in ("m2", "m3")] == [None, None]
    mended = make.intake(make.draft("m2", reads=asking("m0")))
    assert len(await play.accept_all(mended, behind)) == 2


async def test_each_of_several_sees_what_those_before_it_bring(play: Any, make: Any) -> None:
    """Decided together, they stand together."""
    shared = {"correlation_id": "case", "numbers": {"case_number": "C1"}, "keys": {"permit_number": "P1"}}
    reads = [Reads({CASE: None}, {("case", "permit_number"): None}), Reads({CASE: "m1"}), asking("m1")]
    drafts = [make.draft(f"m{i}", reads=read, **shared) for i, read in enumerate(reads, 1)]
    assert len(await play.accept_all(*map(make.intake, drafts))) == 3

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.errors import Conflict, Unavailable
from gateway.ledger.records import Accepted
from gateway.message import Enriched, State


async def test_kept_whole(play: Any, ledger: Any, make: Any) -> None:
    """What was accepted is found again exactly, document, headers and bytes."""
    draft = make.draft(
        "m1",
        keys={"case_number": "浙环案〔2026〕1号"},
        enriched={"permit_number": Enriched("91130200699229617X001P", "m0")},
        raw_numbers={"case_number": "A-1"},
        warnings=({"code": "officers.one", "path": "ZFRY"},),
        causation_id="m0",
        corrects="m0",
        trace_id="trace",
    )
    await play.receive(draft, body=b"\x00native \xff" * 100)
    assert await ledger.message("m1") == draft.message
    native = await ledger.native("m1")
    assert (native.body, native.content_type, native.index) == (b"\x00native \xff" * 100, "application/xml", 0)


async def test_returns_what_it_kept(play: Any, ledger: Any) -> None:
    """The receipt's deliveries are those that are found later, in order, with their positions."""
    accepted = await play.accept("m1", to=["penalty.330000", "credit-publicity.330000", None])
    assert [each.state for each in accepted.deliveries] == [State.READY, State.READY, State.UNROUTED]
    assert list(accepted.deliveries) == list(await ledger.deliveries_of("m1"))
    positions = [each.position for each in accepted.deliveries]
    assert positions == sorted(positions)
    assert positions[0] > 0


async def test_survives_reopening(play: Any, ledger: Any, make: Any, opening: Any) -> None:
    """Whatever a call returned for is there after the ledger is stopped and opened again."""
    await play.register()
    await play.receive(make.draft("m1", numbers={"case_number": "C1"}), make.rejection(index=1), key="k")
    await play.end("m1/0", State.WAITING, due=60)
    await ledger.stop()
    again = opening()
    await again.start()
    try:
        assert (await again.message("m1")).id == "m1"
        assert (await again.rejection("r1")).code == "document.invalid"
        assert (await again.delivery("m1/0")).state is State.WAITING
        assert [each.number for each in await again.attempts_of("m1/0")] == [1]
        assert await again.sent("m1/0") == make.request
        assert "case_number" in await again.recall(make.penalty, {"case_number": "C1"})
        assert (await again.accept(make.intake(make.draft("other"), key="k"))).repeated
        routed = (await again.registry()).revision
        later = (await again.accept(make.intake(make.draft("m2"), revision=routed))).entries[0]
        assert later.deliveries[0].position > (await again.delivery("m1/0")).position
    finally:
        await again.stop()


async def test_stopped_takes_nothing(ledger: Any, make: Any) -> None:
    """A ledger that was stopped says so, and takes nothing more."""
    await ledger.stop()
    with pytest.raises(Unavailable):
        await ledger.accept(make.intake(make.draft()))


async def test_many_at_once(play: Any, make: Any) -> None:
    """Concurrent calls share a commit: each gets its own answer, and each has its own place."""
    accepted = await asyncio.gather(*(play.accept(f"m{i}", lane=f"L{i % 7}") for i in range(200)))
    assert [each.message.id for each in accepted] == [f"m{i}" for i in range(200)]
    assert len({each.deliveries[0].position for each in accepted}) == 200
    assert len(await play.heads()) == 7


async def test_order_of_calls(play: Any) -> None:
    """If one call returned before the next was made, it stands before it."""
    accepted = [await play.accept(f"m{i}") for i in range(5)]
    positions = [each.deliveries[0].position for each in accepted]
    assert positions == sorted(positions)
    assert await play.heads() == ["m0/0"]


async def test_duplicate(play: Any, ledger: Any) -> None:
    """A document equal to the latest of its identity is the earlier message, and nothing new is kept."""
    first = await play.accept("m1", identity="A", digest="x")
    again = await play.accept("m2", identity="A", digest="x")
    assert again.duplicate
    assert again.message == first.message
    assert again.deliveries == first.deliveries
    assert await ledger.message("m2") is None
    assert await ledger.delivery("m2/0") is None


async def test_duplicates_at_once(play: Any) -> None:
    """Of equal documents that arrive together one is kept."""
    accepted = await asyncio.gather(*(play.accept(f"m{i}", identity="A", digest="x") for i in range(20)))
    assert len({each.message.id for each in accepted}) == 1
    assert sum(not each.duplicate for each in accepted) == 1


async def test_changed_document(play: Any) -> None:
    """Other content under the same identity is a new message, and going back to the old content another."""
    digests = ["x", "y", "x"]
    accepted = [await play.accept(f"m{i}", identity="A", digest=digest) for i, digest in enumerate(digests)]
    assert not any(each.duplicate for each in accepted)
    assert (await play.accept("m3", identity="A", digest="x")).message.id == "m2"


@pytest.mark.parametrize("other", [{"source": "penalty.330000"}, {"operation": "progress"}])
async def test_identity_is_scoped(play: Any, other: dict[str, str]) -> None:
    """The same identity from another platform or operation is another document."""
    await play.accept("m1", identity="A", digest="x")
    assert not (await play.accept("m2", identity="A", digest="x", **other)).duplicate


async def test_package(play: Any, ledger: Any, make: Any) -> None:
    """A package is answered entry by entry; the equal record within it is a duplicate, the bad one a rejection."""
    receipt = await play.receive(
        make.draft("m1", identity="A", digest="x", index=0),
        make.rejection("r1", index=1),
        make.draft("m2", identity="A", digest="x", index=2),
        make.draft("m3", index=3),
        body=b"package",
    )
    kinds = [each.duplicate if isinstance(each, Accepted) else each.id for each in receipt.entries]
    assert kinds == [False, "r1", True, False]
    assert [each.index for each in receipt.entries] == [0, 1, 2, 3]
    assert (await ledger.native("m3")).index == 3
    assert (await ledger.rejection_native("r1")).body == b"package"


async def test_same_key_same_bytes(play: Any, ledger: Any, make: Any) -> None:
    """The same key with the same bytes gets the first answer again, whatever happened since."""
    first = await play.receive(make.draft("m1"), make.rejection(index=1), key="k", body=b"one")
    await play.end("m1/0", State.DELIVERED)
    again = await play.receive(make.draft("m2"), make.rejection("r2", index=1), key="k", body=b"one")
    assert again.repeated
    assert not first.repeated
    assert again.entries[0].message == first.entries[0].message
    assert [(each.id, each.state) for each in again.entries[0].deliveries] == [("m1/0", State.READY)]
    assert again.entries[1] == first.entries[1]
    assert await ledger.message("m2") is None
    assert await ledger.rejection("r2") is None


async def test_same_key_at_once(play: Any, make: Any) -> None:
    """Of two requests with one key that arrive together one is kept and the other gets its answer."""
    receipts = await asyncio.gather(*(play.receive(make.draft(f"m{i}"), key="k") for i in range(8)))
    assert sum(not each.repeated for each in receipts) == 1
    assert len({each.entries[0].message.id for each in receipts}) == 1


async def test_same_key_other_bytes(play: Any, ledger: Any, make: Any) -> None:
    """The same key with other bytes is refused, and its neighbours are not."""
    await play.receive(make.draft("m1"), key="k", body=b"one")
    refused, kept = await asyncio.gather(
        play.receive(make.draft("m2"), key="k", body=b"two"), play.receive(make.draft("m3")), return_exceptions=True
    )
    assert isinstance(refused, Conflict)
    assert refused.code == "idempotency.key-reused"
    assert kept.entries[0].message.id == "m3"
    assert await ledger.message("m2") is None


async def test_key_is_scoped(play: Any, make: Any) -> None:
    """Two platforms may use the same key."""
    await play.receive(make.draft("m1"), key="k", body=b"one")
    receipt = await play.receive(make.draft("m2"), key="k", body=b"two", platform="penalty.330000")
    assert not receipt.repeated


async def test_key_of_a_rejected_request(play: Any, make: Any) -> None:
    """A key is not remembered when nothing was accepted, so that the corrected document may use it."""
    await play.receive(make.rejection(), key="k", body=b"bad")
    assert not (await play.receive(make.draft("m1"), key="k", body=b"good")).repeated


async def test_rejections_are_bounded(play: Any, ledger: Any, make: Any) -> None:
    """The newest rejections of each platform are kept, here three, and another platform's are left alone."""
    await play.receive(make.rejection("other", platform="penalty.330000"), platform="penalty.330000")
    for i in range(5):
        await play.receive(make.rejection(f"r{i}"), body=f"body {i}".encode())
    page = await ledger.find_rejections(make.source)
    assert [each.id for each in page.items] == ["r4", "r3", "r2"]
    assert await ledger.rejection("r1") is None
    assert await ledger.rejection_native("r1") is None
    assert (await ledger.rejection_native("r4")).body == b"body 4"
    assert (await ledger.rejection("other")).platform == "penalty.330000"


async def test_body_of_a_message_stays(play: Any, ledger: Any, make: Any) -> None:
    """A rejection that is forgotten does not take the bytes of the accepted record beside it."""
    await play.receive(make.draft("m1"), make.rejection("r1", index=1), body=b"both")
    for i in range(2, 6):
        await play.receive(make.rejection(f"r{i}"))
    assert await ledger.rejection("r1") is None
    assert (await ledger.native("m1")).body == b"both"


# ── what may be sent at once ──────────────────────────────────────────────────────────────────
async def test_a_head_that_is_given_with_the_answer_is_the_one_that_is_read(play: Any, make: Any) -> None:
    """With its message, its case's aliases and all: whoever sends it need not read it back."""
    await play.accept("a1", lane="A", numbers={"case_number": "C1"})
    await play.end("a1/0", State.DELIVERED, reference="P-77", alias=("case_number", "C1"))
    given = [
        *(await play.accept("a2", lane="A", numbers={"case_number": "C1"})).heads,
        *(await play.accept("b1", lane="B", to=[make.penalty, make.credit])).heads,
    ]
    read = [*await play.works(), *await play.works(make.credit)]
    assert all(work in read for work in given)
    assert {work.delivery.id for work in given} in ({"a2/0", "b1/0", "b1/1"}, set())


async def test_only_heads_that_may_go_are_given(play: Any, make: Any) -> None:
    """Not what waits behind another, nor what a platform's hold or a dead one ahead keeps, nor a duplicate."""
    await play.accept("a1", lane="A")
    assert not (await play.accept("a2", lane="A")).heads
    await play.accept("b1", lane="B")
    await play.end("b1/0", State.DEAD)
    assert not (await play.accept("b2", lane="B")).heads
    await play.hold()
    assert not (await play.accept("c1", lane="C")).heads
    await play.lift()
    await play.accept("d1", lane="D", identity="D", digest="same")
    again = await play.accept("d2", lane="D", identity="D", digest="same")
    assert again.duplicate
    assert not again.heads


async def test_several_in_their_order(play: Any, ledger: Any, make: Any) -> None:
    """Several intakes are kept as one after the other: each with its own bytes and answer, in order in their lane."""
    await play.register()
    intakes = [make.intake(make.draft(f"m{i}", lane="L"), body=b"%d" % i, key=f"key {i}") for i in range(20)]
    answers = await play.accept_all(*intakes, make.intake(make.rejection("r1"), body=b"no"))
    assert [each.entries[0].message.id for each in answers[:-1]] == [f"m{i}" for i in range(20)]
    positions = [each.entries[0].deliveries[0].position for each in answers[:-1]]
    assert positions == sorted(positions)
    assert [(await ledger.native(f"m{i}")).body for i in (0, 19)] == [b"0", b"19"]
    assert (await ledger.rejection_native("r1")).body == b"no"
    again = await play.accept_all(*intakes[3:5])
    assert [(each.repeated, each.entries[0].message.id) for each in again] == [(True, "m3"), (True, "m4")]


async def test_several_of_one_identity(play: Any, make: Any) -> None:
    """A duplicate is one of what stands just before it, also of what is kept with it."""
    said = [("m1", "x"), ("m2", "x"), ("m3", "y"), ("m4", "x")]
    answers = await play.accept_all(*(make.intake(make.draft(name, identity="A", digest=one)) for name, one in said))
    entries = [each.entries[0] for each in answers]
    assert [(each.message.id, each.duplicate) for each in entries] == [
        ("m1", False),
        ("m1", True),
        ("m3", False),
        ("m4", False),
    ]


async def test_an_error_of_one_of_several(play: Any, ledger: Any, make: Any) -> None:
    """A key that was used with other bytes is told of its own intake; those behind it are kept."""
    await play.receive(make.draft("m0"), key="k", body=b"first")
    wrong = make.intake(make.draft("m1"), key="k", body=b"other")
    answers = await play.accept_all(wrong, make.intake(make.draft("m2")))
    assert isinstance(answers[0], Conflict)
    assert answers[1].entries[0].message.id == "m2"
    assert await ledger.message("m1") is None

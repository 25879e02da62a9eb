"""The tree over every fact: each has its leaf when it is committed, and every leaf gets one place, for good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from conftest import DAY, Make, Play

from gateway.audit.hashing import sha256
from gateway.audit.proofs import is_consistent, is_included
from gateway.audit.signatures import is_receipt
from gateway.audit.signing import SigningKey
from gateway.errors import Conflict, NotFound
from gateway.ledger.records import Accepted, AuditEntry, AuditFilter, Retention, Stamp, Witnessed
from gateway.ledger.sql import SqlLedger
from gateway.ledger.sql.tree_check import check_tree
from gateway.message import State

KEY = SigningKey.new()
BODY = b"<case/>"


@pytest.fixture
async def ledger(kept_at: str) -> AsyncIterator[SqlLedger]:
    """A ledger that signs, started."""
    opened = SqlLedger(kept_at, rejections=3 * 1024, key=KEY)
    await opened.start()
    yield opened
    await opened.stop()


async def test_what_a_witness_took_is_kept(ledger: Any, make: Make) -> None:
    """The newest of each platform, of heads up to a size; the first answer about a head stays."""

    def answer(platform: str, size: int, said: str = "") -> Witnessed:
        return Witnessed(platform, size, b"\x00" * 32, make.at(size), said, "ab" * 32, 2**52, "cd" * 64)

    for one in (answer("a", 3), answer("a", 7, "七"), answer("b", 5), answer("a", 7, "again")):
        await ledger.keep_witnessed(one)
    assert await ledger.witnessed(["b", "a", "c"], 9) == [answer("a", 7, "七"), answer("b", 5)]
    assert await ledger.witnessed(["a", "b"], 6) == [answer("a", 3), answer("b", 5)]
    assert await ledger.witnessed(["a", "b"], 2) == []


async def test_time_stamps_are_kept(ledger: Any, make: Make) -> None:
    """The first one of a head stays; from a size on, the smallest first."""
    first, second = Stamp(3, make.at(1), b"\x30a"), Stamp(9, make.at(2), b"\x30b")
    for one in (second, first, Stamp(3, make.at(5), b"later")):
        await ledger.keep_stamp(one)
    assert await ledger.stamps() == [first, second]
    assert await ledger.stamps(4) == [second]
    assert await ledger.stamps(0, 1) == [first]
    assert await ledger.newest_stamp() == second


async def kinds(ledger: Any, subject: str) -> list[str]:
    """The kinds of the leaves about a subject, once all have their place."""
    await grow(ledger)
    return [each.leaf.kind for each in await ledger.leaves_of(subject)]


async def grow(ledger: Any) -> None:
    """Give every leaf its place."""
    while (await ledger.sequence(100)).more:
        pass


async def test_what_is_accepted_is_proved(ledger: Any, play: Play) -> None:
    """Under the newest head, by its message and by the leaf of its receipt, which tells what was received."""
    for number in range(5):
        await play.accept(f"m{number}", lane=f"L{number}")
    entry = await play.accept("m5")
    await grow(ledger)
    receipt = entry.acceptance.receipt() if entry.acceptance else None
    assert receipt is not None
    assert is_receipt(receipt, KEY.public)
    assert receipt["digest"] == sha256(BODY).hex()
    proof = await ledger.prove_message("m5")
    assert proof == await ledger.prove_leaf(bytes.fromhex(receipt["leaf"]))
    assert (proof.leaf.kind, proof.leaf.subject, proof.leaf.hash.hex()) == ("accepted", "m5", receipt["leaf"])
    assert is_included(proof.leaf.hash, proof.number, proof.head.size, proof.path, proof.head.root)
    [known] = await ledger.signing_keys()
    assert (known.id, known.public) == (proof.head.key_id, KEY.public)


async def test_nothing_is_proved_before_its_head(ledger: Any, play: Play) -> None:
    """A leaf waits for its place; one that is unknown does not."""
    entry = await play.accept("m1")
    assert entry.acceptance is not None
    for ask in (ledger.prove_message("m1"), ledger.prove_leaf(entry.acceptance.leaf)):
        with pytest.raises(NotFound) as error:
            await ask
        assert error.value.code == "leaf.waiting"
    for ask in (ledger.prove_message("m2"), ledger.prove_leaf(b"x" * 32)):
        with pytest.raises(NotFound) as error:
            await ask
        assert error.value.code == "leaf.unknown"
    waiting = await ledger.tree_standing()
    assert waiting.since is not None
    await grow(ledger)
    assert (await ledger.prove_message("m1")).leaf.hash == entry.acceptance.leaf
    standing = await ledger.tree_standing()
    assert (standing.since, standing.covered) == (None, standing.size)


async def test_a_duplicate_gets_the_same_word(ledger: Any, play: Play) -> None:
    """The same digest and leaf as the first one, signed anew; also under a key, whatever was sent."""
    first = await play.accept("m1", identity="same", digest="same")
    again = await play.accept("m2", identity="same", digest="same")
    assert again.duplicate
    keyed = [await play.receive(play.make.draft("m3"), key="k") for _ in range(2)]
    assert keyed[1].repeated
    pairs = [(first, again), (keyed[0].entries[0], keyed[1].entries[0])]
    for one, other in pairs:
        assert isinstance(one, Accepted)
        assert isinstance(other, Accepted)
        assert one.acceptance is not None
        assert one.acceptance == other.acceptance
        assert is_receipt(other.acceptance.receipt(), KEY.public)  # type: ignore[union-attr,arg-type]
    assert await kinds(ledger, "m1") == ["accepted"]
    assert await kinds(ledger, "m2") == []


async def test_each_record_of_a_package_has_its_own(ledger: Any, play: Play, make: Make) -> None:
    """They share the digest of what was received, and the signature; a rejection has no leaf."""
    drafts = [make.draft(f"m{index}", index=index) for index in range(4)]
    receipt = await play.receive(*drafts, make.rejection(index=4))
    words = [entry.acceptance for entry in receipt.entries if isinstance(entry, Accepted)]
    assert len({word.leaf for word in words if word}) == 4
    assert {word.digest for word in words if word} == {sha256(BODY)}
    await grow(ledger)
    assert [len(await ledger.leaves_of(f"m{index}")) for index in range(4)] == [1, 1, 1, 1]
    assert await ledger.leaves_of("r1") == []


async def test_every_attempt_has_its_leaf(ledger: Any, play: Play) -> None:
    """Whatever became of it; one that was settled already has one leaf, as has a delivery that was given up."""
    await play.accept("m1")
    await play.accept("m2", lane="L2")
    await play.end("m1/0", State.WAITING, due=5)
    await play.end("m1/0", State.DELIVERED, at=6, number=2)
    with pytest.raises(Conflict):
        await play.settle("m1/0", State.DELIVERED, at=6, number=2)
    await play.kill("m2/0")
    assert await kinds(ledger, "m1/0") == ["ended", "ended"]
    assert await kinds(ledger, "m2/0") == ["ended"]


async def test_every_deed_has_its_leaf(ledger: Any, play: Play, make: Make) -> None:
    """Registered, replayed, read: what stands in the audit stands in the tree; what was refused does not."""
    await play.accept("m1")
    await play.end("m1/0", State.DEAD)
    await ledger.replay("m1/0", make.intent())
    with pytest.raises(Conflict):
        await ledger.replay("m1/0", make.intent())
    await ledger.note([AuditEntry(make.at(), "wang-wei", "body.read", "m1")])
    assert await kinds(ledger, "m1/0") == ["ended", "done"]
    assert await kinds(ledger, "m1") == ["accepted", "done"]
    assert await kinds(ledger, make.penalty) == ["done"]


async def test_the_tree_only_grows(ledger: Any, play: Play) -> None:
    """Each head is signed once, and every larger one is consistent with every smaller one."""
    for number in range(7):
        await play.accept(f"m{number}", lane=f"L{number}")
        await grow(ledger)
        await grow(ledger)
    heads = await ledger.signed_heads()
    assert len(heads) == 7
    assert heads[-1] == await ledger.newest_head()
    assert await ledger.signed_heads(heads[-1].size) == [heads[-1]]
    for old in heads:
        for new in heads:
            if old.size <= new.size:
                proof = await ledger.prove_consistency(old.size, new.size)
                assert is_consistent(old.size, new.size, old.root, new.root, proof.path)
    for sizes in ((3, 2), (0, heads[-1].size + 1)):
        with pytest.raises(NotFound) as error:
            await ledger.prove_consistency(*sizes)
        assert error.value.code == "tree.size-unknown"


async def test_places_in_the_order_of_commits(ledger: Any, play: Play) -> None:
    """What was committed before another was handed in stands before it, however the steps fall."""
    for number in range(10):
        await play.accept(f"m{number}", lane=f"L{number}")
        if number % 3 == 0:
            await ledger.sequence(2)
    await grow(ledger)
    places = [(await ledger.prove_message(f"m{number}")).number for number in range(10)]
    assert places == sorted(places)


async def test_it_goes_on_after_a_restart(ledger: Any, play: Play, kept_at: str, playing: Callable[..., Play]) -> None:
    """Where it was, whether leaves had their place or not; the heads of before stay."""
    await play.accept("m1")
    await grow(ledger)
    before = await ledger.newest_head()
    await play.accept("m2")
    await ledger.sequence(0, leaving=True)
    await ledger.stop()
    again = SqlLedger(kept_at, key=SigningKey.new())
    await again.start()
    try:
        await grow(again)
        after = await again.newest_head()
        assert before is not None
        assert after is not None
        proof = await again.prove_consistency(before.size, after.size)
        assert is_consistent(before.size, after.size, before.root, after.root, proof.path)
        assert (await again.prove_message("m2")).number == before.size
        assert len(await again.signing_keys()) == 2
    finally:
        await again.stop()


async def test_without_a_key_leaves_wait_for_a_head(kept_at: str, playing: Callable[..., Play]) -> None:
    """They have their place, and nothing is signed."""
    opened = SqlLedger(kept_at)
    await opened.start()
    try:
        entry = await playing(opened).accept("m1")
        assert entry.acceptance is not None
        assert entry.acceptance.receipt() is None
        await grow(opened)
        assert await opened.newest_head() is None
        assert len(await opened.leaves_of("m1")) == 1
        with pytest.raises(NotFound):
            await opened.prove_message("m1")
    finally:
        await opened.stop()


async def test_leaves_stay_when_messages_go(ledger: Any, play: Play, make: Make, kept_at: str) -> None:
    """Pruned messages are still proved, and the ledger holds; it does not when one is gone that was not pruned."""
    for name in ("m1", "m2", "m3"):
        await play.accept(name, lane=name)
        await play.end(f"{name}/0", State.DELIVERED, reply=b"yes")
    await grow(ledger)
    before = await asyncio.to_thread(check_tree, kept_at, [])
    assert (before.wrong, before.leaves) == ((), (await ledger.tree_standing()).size)
    year = timedelta(days=365)
    for days in (0.0, 900.0):
        seen = days * DAY
        while (await ledger.prune(Retention(year, year), "pruner", make.at(days * DAY), seen=seen)).more:
            seen = 0.0
    assert await ledger.native("m2") is None
    assert (await ledger.prove_message("m2")).leaf.kind == "accepted"
    assert (await asyncio.to_thread(check_tree, kept_at, [])).wrong == ()


async def test_the_audit_is_found_by_what_is_asked(ledger: Any, make: Make) -> None:
    """By subject, actor, action and time, newest first, a page at a time."""
    entries = [
        AuditEntry(make.at(at), actor, action, subject)
        for at, (actor, action, subject) in enumerate(
            [("wang-wei", "body.read", "m1"), ("li-na", "body.read", "m2"), ("wang-wei", "dossier.read", "m2")]
        )
    ]
    for entry in entries:
        await ledger.note([entry])
    newest = list(reversed(entries))
    assert list((await ledger.find_audit(AuditFilter())).items) == newest
    first = await ledger.find_audit(AuditFilter(), limit=2)
    rest = await ledger.find_audit(AuditFilter(), first.cursor, limit=2)
    assert [*first.items, *rest.items] == newest
    asked = {
        AuditFilter(subject="m2"): [2, 1],
        AuditFilter(actor="wang-wei"): [2, 0],
        AuditFilter(action="body.read"): [1, 0],
        AuditFilter(since=make.at(1), until=make.at(2)): [1],
    }
    for filter, wanted in asked.items():
        assert list((await ledger.find_audit(filter)).items) == [entries[at] for at in wanted]

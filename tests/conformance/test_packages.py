from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import Conflict
from gateway.ledger.records import Accepted, IntakeDraft, Moved, Reads

STALE = Reads(numbers={("mobile-enforcement.330100", "case_number", "C1"): None})
"""What is not so any more once a message brought C1."""


def drafts(make: Any, run: str, count: int = 600, *, stale: int | None = None) -> Sequence[IntakeDraft]:
    """Records of a package, their ids of this run; two after another are of one identity with other content."""
    return [
        make.draft(
            f"{run}{i}",
            index=i,
            lane=f"L{i % 5}",
            identity=f"A{i // 2}",
            digest=f"content {i}",
            reads=STALE if i == stale else None,
        )
        for i in range(count)
    ]


def without_heads(entries: Sequence[Any]) -> tuple[Any, ...]:
    """Leave out what only the first answer has: what may be sent at once."""
    return tuple(replace(one, heads=()) if isinstance(one, Accepted) else one for one in entries)


async def _half_way(play: Any, make: Any, **intake: Any) -> None:
    """Accept a package as far as record 400, whose chunk has to be decided again."""
    await play.accept("c1", lane="C1", numbers={"case_number": "C1"})
    with pytest.raises(Moved):
        await play.receive(*drafts(make, "a", stale=400), **intake)


async def test_every_record(play: Any, ledger: Any, make: Any) -> None:
    """A large package is answered record by record, in order, and each is found with its bytes."""
    entries = [*drafts(make, "a", 599), make.rejection(index=599)]
    receipt = await play.receive(*entries, body=b"package" * 100)
    assert [each.index for each in receipt.entries] == list(range(600))
    assert [each.message.id for each in receipt.entries[:-1]] == [f"a{i}" for i in range(599)]
    positions = [each.deliveries[0].position for each in receipt.entries[:-1]]
    assert positions == sorted(positions)
    for name in ("a0", "a300", "a598"):
        native = await ledger.native(name)
        assert (native.body, native.index) == (b"package" * 100, int(name[1:]))
    assert (await ledger.rejection_native("r1")).body == b"package" * 100
    assert len(await play.heads()) == 5


async def test_repeated(play: Any, ledger: Any, make: Any) -> None:
    """The same package under the same key is answered as at first, and nothing is kept again."""
    first = await play.receive(*drafts(make, "a"), make.rejection(index=600), key="k")
    again = await play.receive(*drafts(make, "b"), make.rejection("r2", index=600), key="k")
    assert again.repeated
    assert again.entries == without_heads(first.entries)
    assert await ledger.message("b0") is None
    with pytest.raises(Conflict):
        await play.receive(*drafts(make, "b"), key="k", body=b"other")


@pytest.mark.parametrize("key", ["k", None])
async def test_goes_on_half_way(play: Any, ledger: Any, make: Any, key: str | None) -> None:
    """What was kept of a package before it stopped keeps its first ids, also where an identity comes twice."""
    await _half_way(play, make, key=key)
    assert (await ledger.message("a0")).id == "a0"
    assert await ledger.message("a400") is None
    receipt = await play.receive(*drafts(make, "b"), key=key)
    ids = [each.message.id for each in receipt.entries]
    kept = next(i for i in range(600) if ids[i].startswith("b"))
    assert 0 < kept <= 400
    assert ids == [f"a{i}" for i in range(kept)] + [f"b{i}" for i in range(kept, 600)]
    assert not any(each.duplicate for each in receipt.entries)
    assert [each.index for each in receipt.entries] == list(range(600))
    assert len({each.deliveries[0].position for each in receipt.entries}) == 600
    if key:
        assert (await play.receive(*drafts(make, "c"), key=key)).entries == receipt.entries


async def test_other_bytes_half_way(play: Any, make: Any) -> None:
    """A key that was used for half a package is used: other bytes are refused."""
    await _half_way(play, make, key="k")
    with pytest.raises(Conflict) as error:
        await play.receive(*drafts(make, "b"), key="k", body=b"other")
    assert error.value.code == "idempotency.key-reused"


async def test_same_package_at_once(play: Any, make: Any) -> None:
    """Of equal packages that arrive together each record is kept once."""
    receipts = await asyncio.gather(*(play.receive(*drafts(make, run), key="k") for run in "abc"))
    answers = [[each.message.id for each in receipt.entries] for receipt in receipts]
    assert answers[0] == answers[1] == answers[2]
    assert len(set(answers[0])) == 600


async def test_others_come_in_between(play: Any, make: Any) -> None:
    """A large package does not keep others waiting until its end."""
    package = asyncio.ensure_future(play.receive(*drafts(make, "a", 5000)))
    await play.accept("first")
    await play.accept("second")
    assert not package.done()
    assert len((await package).entries) == 5000


async def test_sent_again_without_a_key(play: Any, make: Any) -> None:
    """A package that is sent again without a key is recognised record by record."""
    once = [make.draft(f"a{i}", index=i) for i in range(300)]
    again = [make.draft(f"b{i}", index=i, identity=f"a{i}", digest=f"digest of a{i}") for i in range(300)]
    await play.receive(*once)
    receipt = await play.receive(*again)
    assert all(isinstance(each, Accepted) and each.duplicate for each in receipt.entries)
    assert [each.message.id for each in receipt.entries] == [f"a{i}" for i in range(300)]


async def test_key_of_a_package_nobody_accepted(play: Any, make: Any) -> None:
    """A key is remembered when any part of a package was accepted, and not when none was."""
    bad = [make.rejection(f"r{i}", index=i) for i in range(300)]
    await play.receive(*bad, key="bad")
    assert not (await play.receive(make.draft("m1"), key="bad", body=b"corrected")).repeated
    await play.receive(make.draft("m2"), *bad, key="some")
    assert (await play.receive(make.draft("m3"), *bad, key="some")).repeated


async def test_rejections_of_a_package_are_bounded(play: Any, ledger: Any, make: Any) -> None:
    """Rejections over several chunks are bounded like others, and a message beside them keeps the bytes."""
    bad = [make.rejection(f"r{i}", index=i) for i in range(700)]
    await play.receive(*bad, make.draft("m1", index=700), body=b"package")
    page = await ledger.find_rejections(make.source)
    assert [each.id for each in page.items] == ["r699", "r698", "r697"]
    for i in range(3):
        await play.receive(make.rejection(f"later {i}"), body=b"later")
    assert (await ledger.native("m1")).body == b"package"


async def test_bytes_forgotten_half_way(play: Any, ledger: Any, make: Any) -> None:
    """Bytes that were kept for rejections of half a package, and forgotten with them, are kept again with the rest."""
    await play.accept("c1", lane="C1", numbers={"case_number": "C1"})
    bad = [make.rejection(f"r{i}", index=i) for i in range(250)]
    with pytest.raises(Moved):
        await play.receive(*bad, make.draft("m1", index=250, reads=STALE), body=b"package")
    for i in range(3):
        await play.receive(make.rejection(f"later {i}"), body=b"later")
    await play.receive(*bad, make.draft("m1", index=250), body=b"package")
    assert (await ledger.native("m1")).body == b"package"

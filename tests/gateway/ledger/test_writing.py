from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.errors import NotFound, Unavailable
from gateway.ledger.records import Accepted
from gateway.message import State


async def test_one_bad_apple(ledger: Any, small: Any) -> None:
    """What cannot be kept fails alone: its neighbours of the same commit are kept, and none of it is."""
    good = [ledger.accept(small.intake(f"m{i}", lane=f"L{i}")) for i in range(10)]
    bad = ledger.accept(small.intake("bad", document={"when": object()}))
    outcomes = await asyncio.gather(*good[:5], bad, *good[5:], return_exceptions=True)
    assert isinstance(outcomes[5], TypeError)
    assert sum(not isinstance(each, BaseException) for each in outcomes) == 10
    assert await ledger.message("bad") is None
    assert len(await ledger.heads(small.platform, small.now, 100)) == 10


async def test_same_id_twice(ledger: Any, small: Any) -> None:
    """A message id that is there already is refused in our words, and its neighbours are kept."""
    await ledger.accept(small.intake("m1"))
    again = small.intake("m1", lane="L2")
    renamed = type(again.entries[0].message)
    message = again.entries[0].message
    other = renamed(**{name: getattr(message, name) for name in renamed.__slots__} | {"identity": "other"})
    draft = type(again.entries[0])(0, other, again.entries[0].deliveries)
    intake = type(again)(again.platform, "case", small.now, b"", "text/plain", (draft,))
    outcomes = await asyncio.gather(
        ledger.accept(intake), ledger.accept(small.intake("m3", lane="L3")), return_exceptions=True
    )
    assert isinstance(outcomes[0], Unavailable)
    assert (await ledger.message("m3")).id == "m3"
    assert len(await ledger.heads(small.platform, small.now, 100)) == 2


async def test_refusals_among_others(ledger: Any, small: Any) -> None:
    """A refusal is its caller's alone."""
    await ledger.accept(small.intake("m1"))
    outcomes = await asyncio.gather(
        ledger.begin("m1/0", "p@1", small.request, small.now),
        ledger.begin("nobody", "p@1", small.request, small.now),
        ledger.hold("nobody", actor="o", reason="r", at=small.now),
        ledger.accept(small.intake("m2")),
        return_exceptions=True,
    )
    assert outcomes[0] is True
    assert isinstance(outcomes[1], NotFound)
    assert isinstance(outcomes[2], NotFound)
    assert isinstance(outcomes[3].entries[0], Accepted)


async def test_many_share_a_commit(ledger: Any, small: Any) -> None:
    """Concurrent calls cost far fewer commits than calls."""
    commits: list[object] = []

    def committed(connection: object) -> None:
        commits.append(connection)

    sa.event.listen(sa.Engine, "commit", committed)
    try:
        await asyncio.gather(*(ledger.accept(small.intake(f"m{i}", lane=f"L{i}")) for i in range(300)))
        begun = [ledger.begin(f"m{i}/0", "p@1", small.request, small.now) for i in range(300)]
        assert all(await asyncio.gather(*begun))
        settled = [ledger.settle(small.settlement(f"m{i}/0", State.DELIVERED)) for i in range(300)]
        assert not any(await asyncio.gather(*settled))
    finally:
        sa.event.remove(sa.Engine, "commit", committed)
    assert len(commits) <= 90


async def test_cancelled_caller(ledger: Any, small: Any) -> None:
    """A caller that goes away does not stop what it handed in, nor anybody else."""
    call = asyncio.ensure_future(ledger.accept(small.intake("m1")))
    await asyncio.sleep(0)
    call.cancel()
    await ledger.accept(small.intake("m2", lane="L2"))
    assert (await ledger.message("m1")).id == "m1"
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_stop_finishes_what_was_handed_in(ledger: Any, opened: Any, small: Any) -> None:
    """What was handed in before stop is committed; what comes after is refused."""
    calls = [asyncio.ensure_future(ledger.accept(small.intake(f"m{i}", lane=f"L{i}"))) for i in range(50)]
    await asyncio.sleep(0)
    await ledger.stop()
    assert len([call for call in calls if call.result()]) == 50
    for call in (ledger.accept(small.intake("late")), ledger.platforms(), ledger.backlog()):
        with pytest.raises(Unavailable):
            await call
    again = opened()
    await again.start()
    assert len(await again.heads(small.platform, small.now, 100)) == 50
    await again.stop()


async def test_never_started(opened: Any, small: Any) -> None:
    """A ledger that was not started says so."""
    with pytest.raises(Unavailable):
        await opened().accept(small.intake("m1"))
    with pytest.raises(Unavailable):
        await opened().message("m1")
    await opened().stop()


async def test_large_package(ledger: Any, small: Any) -> None:
    """A package larger than any batch is kept whole, and finds its duplicates."""
    drafts = [small.intake(f"m{i}", lane=f"L{i % 3}").entries[0] for i in range(700)]
    intake = type(small.intake("x"))("mobile-enforcement.330100", "case", small.now, b"", "text/plain", tuple(drafts))
    assert sum(not each.duplicate for each in (await ledger.accept(intake)).entries) == 700
    assert all(each.duplicate for each in (await ledger.accept(intake)).entries)
    assert len(await ledger.heads(small.platform, small.now, 100)) == 3

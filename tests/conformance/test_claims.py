"""Claims: one process delivers to a platform, until it gives the claim back or is not heard of any more."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Conflict
from gateway.message import HeldBy, State


async def test_a_beat_tells_of_this_process(play: Any, ledger: Any, make: Any) -> None:
    """It lives, and has what it claimed."""
    claim = await play.claim()
    census = await ledger.beat()
    assert (census.me, census.living) == (claim.owner, {claim.owner})
    assert {platform: (one.owner, one.epoch) for platform, one in census.claims.items()} == {
        make.penalty: (claim.owner, claim.epoch)
    }


async def test_a_claim_that_was_given_back_is_lost(play: Any, ledger: Any, make: Any) -> None:
    """Nothing can be done under it, nobody has it, and the next one has a later epoch."""
    await play.accept("m1")
    claim = await play.claimed()
    assert await ledger.give_back(claim)
    assert (await ledger.beat()).claims == {}
    with pytest.raises(Conflict) as error:
        await ledger.begin(claim, "m1/0", "penalty@1.0.0", make.request, make.at())
    assert error.value.code == "claim.lost"
    assert not await ledger.give_back(claim), "it is given back once"
    assert (await play.claim()).epoch > claim.epoch


async def test_an_older_claim_gives_back_nothing(play: Any, ledger: Any) -> None:
    """Who had the claim before cannot end the present one."""
    old, new = await play.claim(), await play.claim()
    assert not await ledger.give_back(old)
    assert await ledger.rescue(new, (), play.make.at()) == []


async def test_whoever_stops_gives_back_what_it_has(play: Any, ledger: Any, opening: Any, make: Any) -> None:
    """What was being sent is rescued under the next claim, which is a later one."""
    await play.accept("m1")
    await play.begin("m1/0")
    claim = await play.claimed()
    await ledger.stop()
    again = opening()
    await again.start()
    try:
        census = await again.beat()
        assert census.claims == {}
        assert claim.owner not in census.living
        later = await again.claim(make.penalty)
        assert (later.owner != claim.owner, later.epoch > claim.epoch) == (True, True)
        assert await again.rescue(later, (), make.at()) == ["m1/0"]
    finally:
        await again.stop()


async def test_every_change_that_processes_have_in_memory_is_counted(play: Any, ledger: Any, make: Any) -> None:
    """Platforms, their holds, credentials, also the hold of a settlement; what documents do is not."""
    counted = []

    async def count() -> None:
        counted.append((await ledger.beat()).changes)
        assert (await ledger.registry()).changes == counted[-1]

    await count()
    await play.register()
    await count()
    await play.hold()
    await count()
    await play.lift()
    await count()
    await ledger.add_credential(make.penalty, "digest", make.intent())
    await count()
    await play.accept("m1")
    await play.begin("m1/0")
    before = (await ledger.beat()).changes
    assert before == counted[-1], "a document changes nothing of it"
    await play.settle("m1/0", State.READY, hold=make.hold(HeldBy.CREDENTIALS), revision=await play.revision())
    await count()
    await play.register(make.credit)
    await ledger.delete_platform(make.credit, make.intent())
    await count()
    assert counted == sorted(set(counted)), "each of them was counted"

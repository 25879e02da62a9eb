"""Claims: one process delivers to a platform, until it gives the claim back or is not heard of any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from gateway.errors import Conflict
from gateway.ledger.base import TERM
from gateway.ledger.sql import SqlLedger
from gateway.message import HeldBy, State


async def test_a_beat_tells_of_this_process(play: Any, ledger: Any, make: Any) -> None:
    """It lives, and has what it claimed."""
    claim = await play.claim()
    presence = await ledger.beat()
    assert (presence.me, presence.living) == (claim.owner, {claim.owner})
    assert {platform: (one.owner, one.epoch) for platform, one in presence.claims.items()} == {
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
        presence = await again.beat()
        assert presence.claims == {}
        assert claim.owner not in presence.living
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
    await ledger.add_credential(make.credential(), make.intent())
    await count()
    await ledger.revoke_credential(make.penalty, "c1", make.intent())
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


# ── several processes ─────────────────────────────────────────────────────────────────────────
@pytest.fixture
async def another(postgres_address: str, make: Any) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """Opens a ledger in PostgreSQL as one more process would."""
    opened = []

    async def open_one() -> Any:
        ledger = SqlLedger(postgres_address)
        await ledger.start()
        opened.append(ledger)
        return ledger

    yield open_one
    for each in opened:
        await each.stop()


@pytest.fixture
def lapsing(postgres_address: str, postgres: Any) -> Callable[[str], None]:
    """Lets time pass for a process: whatever it has lapsed a moment ago."""

    def lapse(owner: str) -> None:
        with postgres.connected(postgres_address) as connection:
            for table in ("claims", "processes"):
                connection.execute(f"UPDATE {table} SET until = 0 WHERE owner = %s", (owner,))

    return lapse


@pytest.mark.postgresql
async def test_what_another_process_has_is_not_taken(another: Any, make: Any, playing: Any) -> None:
    """Not while it lives; everybody sees whose it is, and both are counted."""
    one, other = await another(), await another()
    await playing(one).register()
    await one.beat()
    claim = await one.claim(make.penalty)
    with pytest.raises(Conflict) as error:
        await other.claim(make.penalty)
    assert error.value.code == "claim.taken"
    presence = await other.beat()
    assert presence.living == {claim.owner, presence.me}
    assert presence.claims[make.penalty].owner == claim.owner
    assert 0 < (presence.claims[make.penalty].until - presence.at).total_seconds() <= TERM.total_seconds()


@pytest.mark.postgresql
async def test_who_lost_a_lapsed_claim_can_do_nothing_more(another: Any, lapsing: Any, make: Any, playing: Any) -> None:
    """What it had begun is rescued, and what it says of it later is refused."""
    one, other = await another(), await another()
    play = playing(one)
    await play.accept("m1")
    await play.begin("m1/0")
    old = await play.claimed()
    lapsing(old.owner)
    assert (await other.beat()).claims == {}
    new = await other.claim(make.penalty)
    assert await other.rescue(new, (), make.at()) == ["m1/0"]
    with pytest.raises(Conflict) as error:
        await one.settle(old, make.settlement("m1/0", State.DELIVERED))
    assert error.value.code == "claim.lost"
    presence = await one.beat()
    assert (presence.claims[make.penalty].owner, presence.claims[make.penalty].epoch) == (new.owner, new.epoch)
    with pytest.raises(Conflict) as error:
        await one.claim(make.penalty)
    assert error.value.code == "claim.taken"


@pytest.mark.postgresql
async def test_a_beat_prolongs_what_lapsed_and_nobody_took(another: Any, lapsing: Any, make: Any, playing: Any) -> None:
    """A process that stood still for a while goes on with what is still its own."""
    one, other = await another(), await another()
    play = playing(one)
    await play.accept("m1")
    claim = await play.claimed()
    lapsing(claim.owner)
    await one.beat()
    with pytest.raises(Conflict):
        await other.claim(make.penalty)
    assert await play.begin("m1/0") == 1


@pytest.mark.postgresql
async def test_who_leaves_keeps_what_it_has_and_is_not_counted(another: Any, make: Any, playing: Any) -> None:
    """Until it has given everything back, which another process may take at once."""
    one, other = await another(), await another()
    await playing(one).register()
    await one.beat()
    claim = await one.claim(make.penalty)
    await one.beat(leaving=True)
    presence = await other.beat()
    assert (presence.living, presence.claims[make.penalty].owner) == ({presence.me}, claim.owner)
    assert await one.give_back(claim)
    assert (await other.claim(make.penalty)).epoch > claim.epoch


@pytest.mark.postgresql
async def test_of_many_that_want_a_claim_one_gets_it(another: Any, make: Any, playing: Any) -> None:
    """Whatever they do at the same time."""
    ledgers = [await another() for _ in range(4)]
    await playing(ledgers[0]).register()
    answers = await asyncio.gather(*(each.claim(make.penalty) for each in ledgers), return_exceptions=True)
    assert sorted(type(each).__name__ for each in answers) == ["Claim", "Conflict", "Conflict", "Conflict"]


@pytest.mark.postgresql
async def test_a_beat_waits_for_no_write(another: Any, postgres: Any, postgres_address: str) -> None:
    """A process whose writes stand in a queue keeps its claims."""
    one = await another()
    with postgres.connected(postgres_address) as connection, connection.transaction():
        connection.execute("LOCK TABLE ledger, deliveries, messages IN SHARE ROW EXCLUSIVE MODE")
        waiting = asyncio.create_task(one.check())
        async with asyncio.timeout(3):
            await one.beat()
        assert not waiting.done()
    await waiting

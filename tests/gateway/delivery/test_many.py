"""Several dispatchers over one ledger: each platform is one's and moves when it must, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from faulty import YES

from adapters.base import Reply
from gateway.ledger.sql import SqlLedger
from gateway.message import State
from gateway.telemetry.events import ClaimLost

pytestmark = pytest.mark.postgresql

PLATFORMS = [f"penalty.33{n:02d}00" for n in range(6)]
NOWHERE = "http://nowhere.invalid"
PATIENCE = 30.0


class Several:
    """Processes of one ledger: worlds with a post, a clock and ticks each."""

    def __init__(self, world_over: Any, address: str, postgres: Any) -> None:
        self.world_over = world_over
        self.address = address
        self.postgres = postgres

    async def one_more(self) -> Any:
        """Open one more process; it is not started."""
        return await self.world_over(SqlLedger(self.address))

    async def started(self, number: int) -> list[Any]:
        """Start so many, over all platforms, and wait until these are shared out."""
        worlds = [await self.one_more() for _ in range(number)]
        for platform in PLATFORMS:
            await worlds[0].platform(platform, base_url=NOWHERE)
        for world in worlds:
            await world.dispatcher.start()
        await self.shared(*worlds)
        return worlds

    def owners(self) -> dict[str, str]:
        """Give who has which platform."""
        with self.postgres.connected(self.address) as connection:
            return dict(connection.execute("SELECT platform, owner FROM claims WHERE owner <> ''").fetchall())

    async def shared(self, *worlds: Any) -> None:
        """Wait until every platform is one of these processes', evenly."""
        names = {(await world.ledger.real.beat()).me for world in worlds}

        def even() -> bool:
            has = Counter(self.owners().values())
            few, left_over = divmod(len(PLATFORMS), len(worlds))
            due = [few + (n < left_over) for n in range(len(worlds))]
            return has.keys() == names and sorted(has.values(), reverse=True) == due

        await self.until(even)

    async def until(self, true: Any) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                await asyncio.sleep(0.02)

    def theirs(self, world: Any) -> list[str]:
        """Give the platforms that a process delivers to."""
        return sorted(world.dispatcher._workers)

    async def lapse(self, world: Any) -> None:
        """Let a process's claims lapse, as if it had not been heard of for long."""
        me = (await world.ledger.real.beat()).me
        with self.postgres.connected(self.address) as connection:
            for table in ("claims", "processes"):
                connection.execute(f"UPDATE {table} SET until = 0 WHERE owner = %s", (me,))


@pytest.fixture
def several(postgres_address: str, postgres: Any, world_over: Any) -> Several:
    """Processes over one ledger."""
    return Several(world_over, postgres_address, postgres)


async def test_platforms_are_shared_evenly_and_each_is_delivered_once(several: Several) -> None:
    """Whichever process took a document, the one that has the platform delivers it, and no other."""
    worlds = await several.started(3)
    posted = [await worlds[n % 3].post(platform, f"A-{n}") for n, platform in enumerate(PLATFORMS * 3)]
    await delivered(worlds[0], posted)
    sent = [(world.dispatcher, key) for world in worlds for key in world.sender.keys()]  # noqa: SIM118
    assert sorted(key for _, key in sent) == sorted(one.id for one in posted)
    for world in worlds:
        assert {one.platform for one in world.sender.sent} <= set(several.theirs(world))


async def delivered(world: Any, posted: list[Any]) -> None:
    """Wait until all of these are delivered, whoever does it."""
    async with asyncio.timeout(PATIENCE):
        while {(await world.now(one)).state for one in posted} != {State.DELIVERED}:
            await asyncio.sleep(0.02)


async def test_a_third_process_gets_its_share(several: Several) -> None:
    """The others give back what is too much, after what they were calling was recorded."""
    one, other = await several.started(2)
    third = await several.one_more()
    await third.dispatcher.start()
    await several.shared(one, other, third)
    assert sorted(several.theirs(one) + several.theirs(other) + several.theirs(third)) == PLATFORMS


async def test_what_is_under_way_is_recorded_before_its_platform_moves(several: Several) -> None:
    """The platform answers slowly: its claim is given back when the answer is recorded, and nothing is sent twice."""
    [one] = await several.started(1)
    gate = one.sender_gate()
    posted = [await one.post(platform, "A-1") for platform in PLATFORMS]
    await one.until_true(lambda: one.sender.inside == len(PLATFORMS))
    other = await several.one_more()
    await other.dispatcher.start()
    await several.until(lambda: len(several.theirs(one)) == len(PLATFORMS) // 2)
    assert len(several.owners()) == len(PLATFORMS)
    assert len(set(several.owners().values())) == 1, "nothing is given back while it is being called"
    gate.open()
    await several.shared(one, other)
    await delivered(one, posted)
    assert other.sender.sent == []
    assert one.events(ClaimLost) == []


async def test_a_clean_stop_hands_over_at_once(several: Several) -> None:
    """No lease has to lapse: the others are heard of within a beat."""
    one, other = await several.started(2)
    await one.dispatcher.stop()
    await one.ledger.stop()
    await several.until(lambda: several.theirs(other) == PLATFORMS)
    await several.shared(other)


async def test_who_stood_still_says_nothing_and_calls_nobody(several: Several) -> None:
    """It was calling when it froze; another took over, rescued and delivered; what it hears then changes nothing."""
    one, other = await several.started(2)
    platform = several.theirs(one)[0]
    gate = one.sender_gate()
    other.sender.answer = lambda posted: Reply(404) if posted.request.method == "GET" else YES
    doubted = await one.post(platform, "A-1")
    await one.until_true(lambda: one.sender.inside == 1)
    behind = await one.post(platform, "A-1")
    await frozen(one)
    await several.lapse(one)
    await several.until(lambda: platform in several.theirs(other))
    await delivered(other, [doubted, behind])
    posts = [one.key for one in other.sender.sent if (one.platform, one.request.method) == (platform, "POST")]
    assert posts == [doubted.id, behind.id], "in order, the first one again under its key"
    before = len(one.sender.sent)
    gate.open()
    await one.until_true(lambda: bool(one.events(ClaimLost)))
    assert len(one.sender.sent) == before
    assert len(await one.attempts(doubted)) == 1 + len(one.sender.sent) - before
    await thawed(one)
    await several.shared(one, other)


async def frozen(world: Any) -> None:
    """Let a process beat no more, as one that stands still does."""
    world.ledger.fail_before("beat", times=1_000_000)


async def thawed(world: Any) -> None:
    """Let it go on."""
    world.ledger.well_again()


async def test_who_cannot_be_sure_of_its_claims_calls_nobody(several: Several) -> None:
    """No beat is confirmed any more: before its claims can lapse it calls nobody, and goes on when one is."""
    [one] = await several.started(1)
    await frozen(one)
    one.ticks.now += 3600
    waiting = await one.post(PLATFORMS[0], "A-1")
    await one.quiet()
    assert one.sender.sent == []
    await thawed(one)
    await delivered(one, [waiting])


async def test_what_is_begun_is_not_sent_when_the_claim_became_unsure(several: Several) -> None:
    """It waits for a slot meanwhile: it is un-begun, and no attempt is counted."""
    [one] = await several.started(1)
    platform = PLATFORMS[0]
    gate = one.sender_gate()
    posted = [await one.post(platform, f"A-{n}") for n in range(8)]
    await one.until_true(lambda: one.sender.inside == 4)
    await frozen(one)
    one.ticks.now += 3600
    gate.open()
    await one.quiet()
    assert len(one.sender.sent) == 4
    await thawed(one)
    await delivered(one, posted)
    assert Counter(one.sender.keys()).most_common(1)[0][1] == 1
    assert {len(await one.attempts(each)) for each in posted} == {1}


async def test_a_platform_that_could_not_be_given_back_is_given_back_later(several: Several) -> None:
    """The ledger failed just then: the next beat shows that it is nobody's business here any more."""
    [one] = await several.started(1)
    one.ledger.fail_before("give_back", times=2)
    other = await several.one_more()
    await other.dispatcher.start()
    await several.shared(one, other)
    assert not one.ledger.faults_left()


async def test_without_any_word_a_platform_is_looked_at_soon(several: Several) -> None:
    """Nothing carries wake-ups here: what one process took, the other one finds by itself."""
    one, other = await several.started(2)
    platform = several.theirs(other)[0]
    delivery, _ = await one.accepted(platform, "A-1")
    await delivered(one, [delivery])

"""Bulk replays: counted, kept, resumed after a stop, and nothing replayed twice."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import Invalid, NotFound
from gateway.hub import Hub
from gateway.ledger.memory import MemoryLedger
from gateway.ledger.records import BulkReplay, DeliveryFilter
from gateway.message import State

MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"


async def test_a_replay_of_many_runs_in_the_background_and_counts(house, write):
    """Every dead delivery goes out again; progress is kept under an id."""
    await house.register(MOBILE, PENALTY)
    house.post.status = 400
    for number in range(3):
        await house.send(MOBILE, "case.transferred", write.case(case_number=f"AJ-{number}"))
        await house.next("dead")
    house.post.status = 200
    begun = await house.hub.replays.begin(DeliveryFilter(State.DEAD, PENALTY), actor="admin", reason="fixed")
    for _ in range(3):
        await house.next("delivered")
    progress = await finished(house.hub, begun.id)
    assert (progress.total, progress.replayed, progress.failed) == (3, 3, 0)
    with pytest.raises(Invalid):
        await house.hub.replays.begin(DeliveryFilter(State.READY), actor="admin", reason="x")
    with pytest.raises(NotFound):
        await house.hub.replays.progress("nothing")


async def test_a_replay_that_a_stop_cut_short_is_taken_up_at_start(make, write):
    """What it had counted stays counted; what is left is replayed."""
    ledger = MemoryLedger()
    house = make(ledger)
    await house.hub.start()
    await house.register(MOBILE, PENALTY)
    house.post.status = 400
    await house.send(MOBILE, "case.transferred", write.case())
    await house.next("dead")
    at = house.hub.clock()
    await ledger.put_bulk_replay(
        BulkReplay("r-1", DeliveryFilter(State.DEAD), "fixed", "admin", at, replayed=4, cursor="0")
    )
    await house.hub.stop()

    again = make(ledger)
    await again.hub.start()
    await again.next("delivered")
    progress = await finished(again.hub, "r-1")
    assert (progress.total, progress.replayed) == (5, 5)
    await again.hub.stop()


class Halting(MemoryLedger):
    """A ledger that has its hub stopped while the second delivery is being replayed."""

    hub: Hub
    asked: int = 0
    stopped: asyncio.Task[None] | None = None

    async def replay(self, delivery_id, *, actor, reason, at, stale_ok=False):
        self.asked += 1
        if self.asked == 2:
            self.stopped = asyncio.create_task(self.hub.stop())
            await asyncio.sleep(0)
        return await super().replay(delivery_id, actor=actor, reason=reason, at=at, stale_ok=stale_ok)


async def test_a_stop_never_has_a_delivery_replayed_twice(make, write):
    """A replay of what was delivered makes copies under new keys: what was done when the gateway stopped is done."""
    ledger = Halting()
    house = make(ledger)
    ledger.hub = house.hub
    await house.hub.start()
    await house.register(MOBILE, PENALTY)
    for number in range(3):
        await house.send(MOBILE, "case.transferred", write.case(case_number=f"AJ-{number}"))
        await house.next("delivered")
    begun = await house.hub.replays.begin(DeliveryFilter(State.DELIVERED), actor="admin", reason="lost by them")
    while ledger.stopped is None:
        await asyncio.sleep(0)
    await ledger.stopped

    again = make(ledger)
    await again.hub.start()
    progress = await finished(again.hub, begun.id)
    copies = [one for one in (await ledger.find_deliveries(DeliveryFilter(), None, 100)).items if one.replay_of]
    assert (progress.total, progress.replayed, len(copies)) == (3, 3, 3)
    assert len({one.replay_of for one in copies}) == 3
    await again.hub.stop()


async def finished(hub: Hub, replay_id: str):
    """Give a replay once it is done."""
    async with asyncio.timeout(5):
        while (progress := await hub.replays.progress(replay_id)).finished_at is None:
            await asyncio.sleep(0)
    return progress

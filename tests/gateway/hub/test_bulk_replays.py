"""Bulk replays: counted, tried dry, cancelled, taken up after errors and restarts, and nothing replayed twice."""

from __future__ import annotations

import asyncio

import pytest
from faulty import FaultyLedger

from gateway.errors import Conflict, Invalid, NotFound, Unavailable
from gateway.hub.deliveries import BulkReplays
from gateway.ledger.records import DeliveryFilter, ReplayCount

MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"
DEAD = DeliveryFilter("dead", PENALTY)


async def dead_ones(house, write, count: int) -> list[str]:
    """Have so many cases end dead; gives the ids of their deliveries."""
    await house.register(MOBILE, PENALTY)
    house.post.status = 400
    found = []
    for number in range(count):
        entry = await house.send(MOBILE, "case.transferred", write.case(case_number=f"AJ-{number}"))
        found.append(entry.deliveries[0].id)
        await house.next("dead")
    house.post.status = 200
    return found


async def finished(replays: BulkReplays, replay_id: str):
    """Give a replay once it is done."""
    async with asyncio.timeout(10):
        while not ((now := await replays.progress(replay_id)).finished_at or now.cancelled_at):
            await asyncio.sleep(0)
    return now


async def test_a_replay_of_many_runs_in_the_background_and_counts(house, write):
    """Every dead delivery goes out again; progress is kept under an id, by platform, type and code."""
    await dead_ones(house, write, 3)
    begun = await house.hub.replays.begin(DEAD, house.intent("fixed"))
    for _ in range(3):
        await house.next("delivered")
    progress = await finished(house.hub.replays, begun.id)
    assert (progress.total, progress.replayed, progress.skipped) == (3, 3, 0)
    assert progress.counts == (ReplayCount(PENALTY, "case.transferred", "http.400", 3),)
    with pytest.raises(Invalid):
        await house.hub.replays.begin(DeliveryFilter("ready"), house.intent("x"))
    with pytest.raises(NotFound):
        await house.hub.replays.progress("nothing")


async def test_a_dry_run_only_tells_what_would_be_replayed(house, write):
    """Counts by platform, type and code; nothing is sent, and nothing is kept."""
    await dead_ones(house, write, 2)
    sent = len(house.post.sent)
    found = await house.hub.replays.begin(DEAD, house.intent("what if"), dry_run=True)
    assert found.counts == (ReplayCount(PENALTY, "case.transferred", "http.400", 2),)
    assert (found.total, found.replayed, len(house.post.sent)) == (2, 0, sent)
    assert await house.hub.ledger.replays() == []


async def test_a_replay_that_is_asked_for_twice_under_one_key_is_one_replay(house, write):
    """The second click gets the first one's answer; another request under the key is a conflict."""
    await dead_ones(house, write, 1)
    first = await house.hub.replays.begin(DEAD, house.intent("fixed", key="k"))
    again = await house.hub.replays.begin(DEAD, house.intent("fixed", key="k"))
    assert again.id == first.id
    await house.next("delivered")
    assert len(await house.hub.ledger.replays()) == 1
    with pytest.raises(Conflict) as caught:
        await house.hub.replays.begin(DeliveryFilter("refused"), house.intent("fixed", key="k"))
    assert caught.value.code == "idempotency.key-reused"


@pytest.fixture
async def faulty(make, new_ledger):
    """A hub that runs over a ledger that can be made to fail."""
    house = make(FaultyLedger(new_ledger()))
    await house.hub.start()
    yield house
    await house.hub.stop()


def replays_of(house, step: int = 1) -> BulkReplays:
    """Run bulk replays as the hub does, in small steps and without long pauses."""
    hub = house.hub
    return BulkReplays(hub.ledger, hub.clock, lambda _: None, lambda: None, step=step, pause=0.001)


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
async def test_a_step_that_fails_is_made_again_and_nothing_is_replayed_twice(faulty, write, fault):
    """Whether it was committed or not: each is replayed once, and copies of delivered ones are made once."""
    await dead_ones(faulty, write, 3)
    begun = await faulty.hub.replays.begin(DEAD, faulty.intent("fixed"))
    for _ in range(3):
        await faulty.next("delivered")
    await finished(faulty.hub.replays, begun.id)
    replays = replays_of(faulty)
    getattr(faulty.hub.ledger, fault)("step_replay", times=2)
    begun = await replays.begin(DeliveryFilter("delivered"), faulty.intent("lost by them"))
    progress = await finished(replays, begun.id)
    copies = [one for one in (await faulty.hub.ledger.find_deliveries(DeliveryFilter())).items if one.replay_of]
    assert (progress.total, progress.replayed, len(copies)) == (3, 3, 3)
    assert len({one.replay_of for one in copies}) == 3


async def test_a_replay_whose_beginning_was_lost_is_taken_up_without_a_restart(faulty, write):
    """The caller got a 503 although it was committed: the reconciler finds it, and it runs."""
    await dead_ones(faulty, write, 1)
    faulty.hub.ledger.fail_after("begin_replay")
    with pytest.raises(Unavailable):
        await faulty.hub.replays.begin(DEAD, faulty.intent("fixed"))
    await faulty.next("delivered")
    (replay,) = await faulty.hub.ledger.replays()
    assert (await finished(faulty.hub.replays, replay.id)).replayed == 1


async def test_a_cancelled_replay_ends_where_it_is(faulty, write):
    """What was replayed stays replayed; the rest is as it was."""
    await dead_ones(faulty, write, 3)
    replays = replays_of(faulty)
    first = faulty.hub.ledger.hold_after("step_replay")
    begun = await replays.begin(DEAD, faulty.intent("fixed"))
    await first.reached()
    cancelled = await replays.cancel(begun.id, faulty.intent("not now"))
    first.open()
    progress = await finished(replays, begun.id)
    assert cancelled.cancelled_at is not None
    assert (progress.replayed, progress.total) == (1, 3)
    assert len((await faulty.hub.ledger.find_deliveries(DEAD)).items) == 2
    with pytest.raises(NotFound):
        await replays.cancel("nothing", faulty.intent("x"))


async def test_a_replay_that_a_stop_cut_short_is_taken_up_at_start(make, new_ledger, ledger_at, tmp_path, write):
    """What it had done is done; what is left is replayed by the next process."""
    house = make()
    await house.hub.start()
    await dead_ones(house, write, 3)
    ledger = FaultyLedger(house.hub.ledger)
    replays = BulkReplays(ledger, house.hub.clock, lambda _: None, lambda: None, step=1)
    gate = ledger.hold_before("step_replay")
    begun = await replays.begin(DEAD, house.intent("fixed"))
    await gate.reached()
    stopping = asyncio.create_task(replays.stop())
    gate.open()
    await stopping
    assert (await house.hub.replays.progress(begun.id)).replayed == 1
    await house.hub.stop()

    again = make()
    await again.hub.start()
    progress = await finished(again.hub.replays, begun.id)
    assert (progress.total, progress.replayed) == (3, 3)
    await again.hub.stop()

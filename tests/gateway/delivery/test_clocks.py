"""Wall clocks are set back and forward; intervals go by ticks, and nothing sleeps or dies of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from faulty import YES

from adapters.base import Limits, Reply, RetrySchedule
from gateway.delivery.breaker import BreakerPolicy
from gateway.message import HeldBy, State
from gateway.telemetry.events import PlatformHeld, PlatformReleased

HZ = "penalty.330100"
NOWHERE = "http://nowhere.invalid"
STEPS = [{"hours": -1}, {"days": 3}]
"""Back an hour, forward three days."""


async def spoken(post: Any, spoil: Any, **attributes: Any) -> Any:
    """Give a world whose adapter has other limits or another schedule."""
    post.adapter = spoil(post.adapter, **attributes)
    post.dispatcher = post.new_dispatcher()
    await post.platform(HZ, base_url=NOWHERE)
    return post


@pytest.mark.parametrize("step", STEPS)
async def test_a_rate_goes_on_at_its_pace(post: Any, spoil: Any, step: dict[str, float]) -> None:
    """Ten a second, whatever the clock on the wall says."""
    await spoken(post, spoil, limits=Limits(rate=10.0))
    await post.dispatcher.start()
    posted = [await post.post(HZ, f"A-{n}") for n in range(20)]
    await post.until_true(lambda: len(post.sender.sent) == 1)
    post.clock.step(**step)
    for sent in range(2, 21):
        await post.later(HZ, seconds=0.11)  # a sum of tenths may be a little less
        await post.until_true(lambda sent=sent: len(post.sender.sent) == sent)
    await post.delivered(*posted)


@pytest.mark.parametrize("step", STEPS)
async def test_a_breaker_cools_down_in_its_time(post: Any, step: dict[str, float]) -> None:
    """Not an hour later, and not at once."""
    await post.platform(HZ, base_url=NOWHERE)
    post.sender.answer = lambda posted: Reply(503)
    await post.dispatcher.start()
    posted = [await post.post(HZ, f"A-{n}") for n in range(6)]
    await post.until_true(lambda: bool(post.events(PlatformHeld)))
    await post.quiet()
    calls = len(post.sender.sent)
    post.clock.step(**step)
    await post.later(HZ, seconds=4)
    await post.quiet()
    assert len(post.sender.sent) == calls
    post.sender.answer = lambda posted: YES
    await post.later(HZ, seconds=2)
    await post.until_true(lambda: bool(post.events(PlatformReleased)))
    await post.drained(*posted, within=60)


@pytest.mark.parametrize("step", STEPS)
async def test_what_is_due_comes_in_its_time(post: Any, step: dict[str, float]) -> None:
    """Thirty seconds were asked for: not an hour, not at once."""
    await post.platform(HZ, base_url=NOWHERE)
    post.sender.answer = lambda posted: Reply(503, {"retry-after": "30"})
    await post.dispatcher.start()
    waiting = await post.reached(await post.post(HZ, "A-1"), State.WAITING)
    post.sender.answer = lambda posted: YES
    post.clock.step(**step)
    await post.later(HZ, seconds=29)
    await post.quiet()
    assert (await post.now(waiting)).state is State.WAITING
    await post.later(HZ, seconds=2)
    await post.delivered(waiting)


@pytest.mark.parametrize("step", [{"days": 3, "hours": 1}, {"days": -30}])
async def test_clock_steps_do_not_count_towards_giving_up(post: Any, step: dict[str, float]) -> None:
    """Twenty were retrying when the clock was set: none of them is given up."""
    post.policy = BreakerPolicy(lanes=1000)
    post.dispatcher = post.new_dispatcher()
    await post.platform(HZ, base_url=NOWHERE)
    post.sender.answer = lambda posted: Reply(503)
    await post.dispatcher.start()
    posted = [await post.post(HZ, f"A-{n}") for n in range(20)]
    for one in posted:
        await post.tried(one, 1)
    post.clock.step(**step)
    for _ in range(3):
        await post.later(HZ, seconds=20)
        await post.quiet()
    found = [await post.now(one) for one in posted]
    assert {one.state for one in found} == {State.WAITING}
    assert max(one.tried_for for one in found) < 120
    assert min(one.attempts for one in found) >= 2
    post.sender.answer = lambda posted: YES
    await post.drained(*posted, within=300)


@pytest.mark.parametrize("back", [{"hours": -2}, {"days": -400}])
async def test_a_due_time_beyond_every_wait_is_due(post: Any, back: dict[str, float]) -> None:
    """It was written by a process whose clock was ahead: the next one does not wait for a year."""
    await post.platform(HZ, base_url=NOWHERE)
    post.sender.answer = lambda posted: Reply(503, {"retry-after": "3600"})
    await post.dispatcher.start()
    waiting = await post.reached(await post.post(HZ, "A-1"), State.WAITING)
    await post.dispatcher.stop()
    post.clock.step(**back)
    post.sender.answer = lambda posted: YES
    post.dispatcher = post.new_dispatcher()
    await post.dispatcher.start()
    await post.delivered(waiting)


async def test_a_wait_that_begins_later_than_now_is_over(post: Any) -> None:
    """It was decided by a process whose clock was ahead: the next one does not wait until its own has caught up."""
    await post.platform(HZ, base_url=NOWHERE)
    post.sender.answer = lambda posted: Reply(503, {"retry-after": "30"})
    await post.dispatcher.start()
    waiting = await post.reached(await post.post(HZ, "A-1"), State.WAITING)
    await post.dispatcher.stop()
    post.clock.step(minutes=-10)
    post.sender.answer = lambda posted: YES
    post.dispatcher = post.new_dispatcher()
    await post.dispatcher.start()
    await post.delivered(waiting)


async def test_a_wait_that_a_schedule_allows_is_waited_for(post: Any, spoil: Any) -> None:
    """Longer than an hour because the bundle says so; a restart does not shorten it."""
    schedule = RetrySchedule(first=timedelta(hours=6), max=timedelta(hours=6), give_up_after=timedelta(days=30))
    await spoken(post, spoil, retry=schedule)
    post.sender.answer = lambda posted: Reply(503)
    await post.dispatcher.start()
    waiting = await post.reached(await post.post(HZ, "A-1"), State.WAITING)
    wait = waiting.due_at - post.clock()
    await post.dispatcher.stop()
    post.sender.answer = lambda posted: YES
    post.dispatcher = post.new_dispatcher()
    await post.dispatcher.start()
    await post.later(HZ, seconds=max(0.0, wait.total_seconds() - 1))
    await post.quiet()
    assert len(post.sender.sent) == 1
    await post.later(HZ, seconds=2)
    await post.delivered(waiting)


async def test_time_behind_a_dead_one_does_not_count_towards_giving_up(post: Any) -> None:
    """Four days in a parked lane: when it moves on, the next is tried as before."""
    await post.platform(HZ, base_url=NOWHERE)
    first, second = await post.post(HZ, "A-1"), await post.post(HZ, "A-1")
    post.sender.answer = lambda posted: Reply(400) if posted.key == first.id else Reply(503)
    await post.dispatcher.start()
    await post.reached(first, State.DEAD)
    assert (await post.now(second)).held_by is HeldBy.LANE
    await post.later(HZ, days=4)
    await post.ledger.discard(first.id, post.intent())
    post.dispatcher.wake(HZ)
    again = await post.reached(second, State.WAITING)
    assert again.tried_for < 10

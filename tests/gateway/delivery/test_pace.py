"""Slots: so many at once, and whoever waits looks again. The bucket: so many a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.delivery.pace import Bucket, Slots

NOW = 1000.0


def yes() -> bool:
    """Always allow it."""
    return True


async def settled() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


def takers(slots: Slots, count: int, may: Callable[[], bool] = yes) -> list[asyncio.Task[bool]]:
    """Let several wait for a slot."""
    return [asyncio.create_task(slots.take(may)) for _ in range(count)]


async def test_as_many_as_there_are_slots_go_at_once() -> None:
    """The others wait until one is given back, each in its turn."""
    slots = Slots(2)
    waiting = takers(slots, 4)
    await settled()
    assert [task.done() for task in waiting] == [True, True, False, False]
    slots.give()
    await settled()
    assert [task.done() for task in waiting] == [True, True, True, False]


async def test_what_is_forbidden_takes_no_slot() -> None:
    """A free slot is no permission."""
    slots = Slots(1)
    assert await slots.take(lambda: False) is False
    assert await slots.take(yes) is True


async def test_a_waiter_checks_again_before_it_takes_a_slot() -> None:
    """Allowed when it began to wait, forbidden when its turn came: the slot is the next one's."""
    slots, allowed = Slots(1), [True]
    assert await slots.take(yes)
    (first,) = takers(slots, 1, lambda: allowed[0])
    (second,) = takers(slots, 1)
    await settled()
    allowed[0] = False
    slots.give()
    await settled()
    assert (first.result(), second.result()) == (False, True)


async def test_waiters_can_be_made_to_check_again_at_once() -> None:
    """They need not wait for a slot to hear that they may not speak; who still may goes on waiting."""
    slots, allowed = Slots(1), [True]
    assert await slots.take(yes)
    (first,) = takers(slots, 1, lambda: allowed[0])
    (second,) = takers(slots, 1)
    await settled()
    allowed[0] = False
    slots.recheck()
    await settled()
    assert first.result() is False
    assert not second.done()
    slots.give()
    assert await second is True


async def test_a_cancelled_waiter_passes_its_slot_on() -> None:
    """Called and cancelled in the same moment."""
    slots = Slots(1)
    assert await slots.take(yes)
    first, second = takers(slots, 2)
    await settled()
    slots.give()
    first.cancel()
    assert await second is True


async def test_more_slots_let_more_go() -> None:
    """And fewer let none go until enough are given back."""
    slots = Slots(1)
    waiting = takers(slots, 4)
    await settled()
    slots.resize(3)
    await settled()
    assert [task.done() for task in waiting] == [True, True, True, False]
    slots.resize(1)
    slots.give()
    slots.give()
    await settled()
    assert not waiting[3].done()
    slots.give()
    assert await waiting[3] is True


async def test_a_free_slot_is_taken_in_its_time() -> None:
    """Those that waited together go one after the other; a change makes even these check again at once."""
    free, allowed = [0.0], True
    slots = Slots(3, lambda: free.pop() if free else 60.0)
    waiting = takers(slots, 3, lambda: allowed)
    await settled()
    assert [task.done() for task in waiting] == [True, False, False]
    free.append(0.0)
    slots.give()
    await settled()
    assert [task.done() for task in waiting] == [True, True, False]
    allowed = False
    slots.recheck()
    assert [await task for task in waiting] == [True, True, False]


async def test_a_wait_for_the_rate_ends_by_itself() -> None:
    """Nobody has to give a slot back for it."""
    waits = iter([0.001, 0.001, 0.0])
    assert await asyncio.wait_for(Slots(1, lambda: next(waits)).take(yes), 5)


def test_without_a_rate_nothing_waits() -> None:
    """An unlimited platform gets requests as fast as its slots allow."""
    bucket = Bucket(None)
    for _ in range(1000):
        bucket, wait = bucket.take(NOW)
        assert wait == 0


def test_over_a_second_no_more_than_the_rate_goes_out() -> None:
    """Whoever takes whenever a token is there gets the rate, not more than a tenth of a second ahead."""
    bucket, now, taken = Bucket(50.0), NOW, 0
    while now < NOW + 2:
        bucket, wait = bucket.take(now)
        taken += wait == 0
        now += wait
    assert 98 <= taken <= 106


def test_a_long_silence_saves_up_only_a_tenth_of_a_second() -> None:
    """A burst after an idle night is still bounded."""
    bucket, taken = Bucket(50.0, at=NOW - 9 * 3600), 0
    while True:
        bucket, wait = bucket.take(NOW)
        if wait > 0:
            break
        taken += 1
    assert taken == 5


def test_a_platform_that_asks_for_rest_gets_it() -> None:
    """Nothing goes out before the rest is over, rate or no rate."""
    resting = Bucket(None).rest(NOW + 7)
    assert (resting.rests(NOW + 3), resting.take(NOW + 3)[1]) == (True, 4)
    assert (resting.rests(NOW + 7), resting.take(NOW + 7)[1]) == (False, 0)
    assert not resting.rested().rests(NOW)

from __future__ import annotations

import asyncio

from gateway.delivery.wakeup import Wakeup


async def test_a_call_that_came_before_the_wait_is_not_missed() -> None:
    """Set first, wait after: it returns at once and says that it was called."""
    wakeup = Wakeup()
    wakeup.set()
    assert await wakeup.wait(3600.0) is True


async def test_a_call_during_the_wait_ends_it() -> None:
    """Whoever waits is woken."""
    wakeup = Wakeup()
    asyncio.get_running_loop().call_soon(wakeup.set)
    assert await wakeup.wait(3600.0) is True


async def test_without_a_call_the_wait_ends_by_itself() -> None:
    """The time limit is no call."""
    assert await Wakeup().wait(0.001) is False


async def test_a_cleared_call_is_forgotten() -> None:
    """After clear only a new call counts."""
    wakeup = Wakeup()
    wakeup.set()
    wakeup.clear()
    assert await wakeup.wait(0.001) is False


async def test_a_limit_that_passed_does_not_end_the_next_wait() -> None:
    """Each wait has its own time limit: after a short one a long one still waits for a call."""
    wakeup = Wakeup()
    await wakeup.wait(0.001)
    asyncio.get_running_loop().call_soon(wakeup.set)
    assert await wakeup.wait(3600.0) is True

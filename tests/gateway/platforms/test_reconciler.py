"""The reconciler: at once after an alarm, again after a failure, and by itself after a while."""

from __future__ import annotations

import asyncio
import logging

from gateway.errors import Unavailable
from gateway.platforms import Reconciler
from schemas.findings import Text


class Repair:
    """A repair that fails as often as it is told to, and counts how often it was made."""

    def __init__(self, failing: int = 0) -> None:
        self.failing = failing
        self.made = 0
        self._change = asyncio.Event()

    async def __call__(self) -> None:
        """Make it."""
        self.made += 1
        self._change.set()
        if self.made <= self.failing:
            raise Unavailable(Text("无", "not now"))

    async def times(self, count: int) -> None:
        """Wait until it was made so often."""
        async with asyncio.timeout(10):
            while self.made < count:
                self._change.clear()
                await self._change.wait()


async def test_an_alarm_is_answered_at_once():
    """Long before the next regular round."""
    reconciler, repair = Reconciler(every=3600, pause=0), Repair()
    reconciler.start([repair])
    reconciler.alarm()
    await repair.times(1)
    await reconciler.stop()
    assert repair.made == 1


async def test_a_repair_that_fails_is_made_again_until_it_is_done():
    """Without another alarm, and the others are made all the same."""
    reconciler, bad, good = Reconciler(every=3600, pause=0.001), Repair(failing=3), Repair()
    reconciler.start([bad, good])
    reconciler.alarm()
    await bad.times(4)
    await good.times(4)
    await reconciler.stop()
    assert bad.made == 4


async def test_a_regular_round_needs_no_alarm():
    """An alarm may be lost; the ledger is compared all the same."""
    reconciler, repair = Reconciler(every=0.001, pause=0), Repair()
    reconciler.start([repair])
    await repair.times(3)
    await reconciler.stop()


async def test_many_alarms_at_once_make_one_round():
    """A ledger that fails a thousand calls is not asked a thousand times."""
    reconciler, repair = Reconciler(every=3600, pause=0), Repair()
    reconciler.start([repair])
    for _ in range(1000):
        reconciler.alarm()
    await repair.times(1)
    await reconciler.stop()
    assert repair.made == 1


async def test_a_failure_is_told_in_the_log(caplog):
    """With what failed."""
    reconciler = Reconciler()
    reconciler.start([Repair(failing=1)])
    with caplog.at_level(logging.WARNING):
        assert not await reconciler.round()
        assert await reconciler.round()
    await reconciler.stop()
    assert "not now" in caplog.text

"""The reconciler: compares the ledger with memory, at once after a doubtful failure and every minute, and repairs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from gateway.delivery.wakeup import Wakeup
from gateway.errors import HutongError

_log = logging.getLogger(__name__)

Repair = Callable[[], Awaitable[None]]
"""Brings memory to where the ledger is. It may be repeated at any time, and changes nothing where nothing is to do."""


class Reconciler:
    """Finds and repairs what a failed write or a lost answer left behind, without a restart.

    It runs its repairs `every` so many seconds, and at once when `alarm` was called; after a round in which
    one of them failed it waits for `pause` seconds, twice as long each time, until all are done.
    """

    def __init__(self, *, every: float = 60.0, pause: float = 1.0) -> None:
        self._every = every
        self._pause = pause
        self._repairs: Sequence[Repair] = ()
        self._alarm = Wakeup()
        self._end = Wakeup()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False

    def alarm(self) -> None:
        """Say that something may have been committed although its answer was lost."""
        self._alarm.set()

    def start(self, repairs: Sequence[Repair]) -> None:
        """Begin to compare and repair."""
        self._repairs = repairs
        self._loop = asyncio.create_task(self._run(), name="reconciler")

    async def stop(self) -> None:
        """End after the repair that is under way."""
        self._stopping = True
        self._end.set()
        self._alarm.set()
        if self._loop is not None:
            await self._loop

    async def round(self) -> bool:
        """Run each repair once; tell whether all of them could be done."""
        done = [await self._done(repair) for repair in self._repairs]
        return all(done)

    async def _done(self, repair: Repair) -> bool:
        try:
            await repair()
        except Exception as error:
            level = logging.WARNING if isinstance(error, HutongError) else logging.ERROR
            _log.log(level, "a repair failed and is tried again", exc_info=error)
            return False
        return True

    async def _run(self) -> None:
        pause = self._pause
        while not self._stopping:
            await self._alarm.wait(self._every)
            if self._stopping:
                return
            # Cleared before looking: an alarm that comes during the round makes another round.
            self._alarm.clear()
            good = await self.round()
            pause = self._pause if good else min(2 * pause, self._every)
            if not good:
                self._alarm.set()
            # Also after a good round: many alarms at once make one round, not one each.
            await self._end.wait(pause)

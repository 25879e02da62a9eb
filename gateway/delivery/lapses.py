"""Lets leases lapse when their time is over, whoever gave them and however their platform is reached by then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.delivery.attempt import Attempts
from gateway.delivery.wakeup import Wakeup
from gateway.telemetry.events import LeaseLapsed

LEASE = timedelta(minutes=2)
"""How long a platform has a delivery that it fetched, unless the settings say otherwise."""

_MOST = 500
"""Leases that lapse in one transaction."""
_SWEEP = 60.0
"""Seconds between two looks that nothing asked for: another process may have given leases."""
_SLACK = timedelta(minutes=1)
_SOON = 0.05


def longest_lease(lease: timedelta) -> timedelta:
    """Give what no lease is longer than, though processes' clocks differ: if one is, a clock moved."""
    return 2 * lease + _SLACK


class Lapses:
    """One loop for all platforms: it looks when the next lease lapses, and once a minute.

    `wake` is told each platform that has something ready again, and `wake_all` is called after an error, once the
    ledger answers: what lapsed may have been committed all the same. `failed` is told every error.
    """

    def __init__(
        self,
        attempts: Attempts,
        lease: timedelta,
        wake: Callable[[str], None],
        wake_all: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._ledger = attempts.ledger
        self._steady = attempts.steady
        self._clock = attempts.clock
        self._events = attempts.events
        self._pause = max(attempts.pause.total_seconds(), _SOON)
        self._lease = lease
        self._wake = wake
        self._wake_all = wake_all
        self._failed = failed
        self._doubt = False
        self._wakeup = Wakeup()
        self._next: datetime | None = None  # the earliest that is known here since the last look began
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._loop = asyncio.create_task(self._run(), name="lapses")

    def end(self) -> None:
        """Look no more; what lapses from now on is found by whoever looks next."""
        if self._loop is not None:
            self._loop.cancel()

    async def stop(self) -> None:
        """End, and wait for it."""
        self.end()
        if self._loop is not None:
            await asyncio.gather(self._loop, return_exceptions=True)

    def wake(self) -> None:
        """Look now."""
        self._wakeup.set()

    def expect(self, until: datetime) -> None:
        """Take note of a lease that was given here."""
        if self._next is None or until < self._next:
            self._next = until
            self._wakeup.set()

    async def _run(self) -> None:
        while True:
            # Cleared before looking: a lease that is given during the look makes another look.
            self._wakeup.clear()
            self._next = None
            try:
                wait = await self._look()
            except Exception as error:
                self._failed(error)
                self._doubt = True
                wait = self._pause
            if wait > 0:
                await self._wakeup.wait(wait)

    async def _look(self) -> float:
        now = self._steady()
        latest = now + longest_lease(self._lease)
        # Asked before anything is written: other processes look, too, and mostly there is nothing to do.
        following = await self._ledger.next_lapse(now, latest)
        if following is not None and following <= now:
            await self._lapse(now, latest)
            return 0.0
        if self._doubt:
            self._doubt = False
            self._wake_all()
        if following is None:
            return _SWEEP
        self._next = following if self._next is None else min(following, self._next)
        return min(max((self._next - self._steady()).total_seconds(), _SOON), _SWEEP)

    async def _lapse(self, now: datetime, latest: datetime) -> None:
        lapsed = await self._ledger.lapse(now, latest, self._clock(), _MOST)
        for one in lapsed:
            self._events(LeaseLapsed(one.id, one.message_id, one.platform or "", one.type, one.attempts))
        for platform_id in sorted({one.platform or "" for one in lapsed}):
            self._wake(platform_id)

"""How fast a platform is called: so many calls at once (`Slots`), and so many a second (`Bucket`)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace


class Slots:
    """So many calls at once. An attempt that waited for a slot checks again before it calls.

    A wait may be long, and what allowed the call when the wait began may be over when it ends: the
    platform was paused, its credentials were refused, the gateway is stopping. And of those that waited
    together, all may go when the platform answers again, but not all in one moment: `wait` gives the
    seconds that the next call has to wait for its rate, and counts the call when that is none.
    """

    def __init__(self, most: int, wait: Callable[[], float] = lambda: 0.0) -> None:
        self._most = most
        self._wait = wait
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self, may: Callable[[], bool]) -> bool:
        """Wait for a slot while `may` is true; False, and no slot, as soon as it is not.

        Nothing else runs between the last check and the return: the caller may call at once.
        """
        # Check, wait, check: `may` is asked before each wait and again after it, and a slot is taken
        # only in the same step in which it was true.
        while may():
            free = self._taken < self._most
            wait = self._wait() if free else None
            if wait is not None and wait <= 0:
                self._taken += 1
                return True
            await self._turn(wait)
        # It may have been woken for a slot that it does not take now: wake the next one.
        if self._taken < self._most:
            self._call_next()
        return False

    async def _turn(self, most: float | None) -> None:
        """Wait until it is woken, at most so many seconds."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        alarm = None if most is None else loop.call_later(most, _wake, turn)
        try:
            await turn
        except asyncio.CancelledError:
            # It was woken and cancelled in the same moment: wake the next one instead.
            if turn.done() and not turn.cancelled():
                self._call_next()
            raise
        finally:
            if alarm is not None:
                alarm.cancel()

    def give(self) -> None:
        """Give a slot back."""
        self._taken -= 1
        self._call_next()

    def _call_next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def recheck(self) -> None:
        """Make every waiting attempt check again now: something it depends on has changed."""
        waiting, self._waiting = self._waiting, deque()
        for turn in waiting:
            _wake(turn)

    def resize(self, most: int) -> None:
        """Allow another number of calls; those under way end as they began."""
        self._most = most
        self.recheck()


def _wake(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


_BURST_SECONDS = 0.1
_WHOLE = 1.0 - 1e-9
"""A token, but for what adding up seconds loses: otherwise the wait for the rest of it would be too short to pass."""


class Bucket(Struct, frozen=True):
    """At most `rate` requests a second (None: no limit), a tenth of a second's worth at once; times are ticks.

    `rests_until`: the platform asked for no requests before then.
    """

    rate: float | None
    tokens: float = 1.0
    at: float | None = None
    rests_until: float | None = None

    def take(self, now: float) -> tuple[Bucket, float]:
        """Take one token: the bucket after it and no wait, or the same bucket and the seconds to wait for one."""
        if self.rests_until is not None and now < self.rests_until:
            return self, self.rests_until - now
        if self.rate is None:
            return self, 0.0
        filled = self._filled(self.rate, now)
        if filled.tokens < _WHOLE:
            return self, (1.0 - filled.tokens) / self.rate
        return replace(filled, tokens=filled.tokens - 1.0), 0.0

    def _filled(self, rate: float, now: float) -> Bucket:
        most = max(1.0, rate * _BURST_SECONDS)
        since = 0.0 if self.at is None else max(0.0, now - self.at)
        return replace(self, tokens=min(most, self.tokens + since * rate), at=now)

    def rest(self, until: float) -> Bucket:
        """Give nothing before `until`."""
        later = until if self.rests_until is None else max(until, self.rests_until)
        return replace(self, rests_until=later)

    def rests(self, now: float) -> bool:
        """Tell whether the platform asked for a rest that is not over."""
        return self.rests_until is not None and now < self.rests_until

    def rested(self) -> Bucket:
        """End a rest: something changed, and what asked for it may be gone."""
        return replace(self, rests_until=None)

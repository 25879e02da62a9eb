"""How many calls go to a platform at once, and looking again before one's turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Slots:
    """So many calls at once. Whoever waits for one looks again before it speaks.

    A wait may be long, and what allowed the call when the wait began may be over when it ends: the
    platform was paused, its credentials were refused, the gateway is stopping.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self, may: Callable[[], bool]) -> bool:
        """Wait for a slot while `may` says yes; False, and no slot, as soon as it says no.

        Nothing else runs between the last look and the return: the caller may speak at once.
        """
        # Check, wait, check: `may` is asked before each wait and again after it, and a slot is taken
        # only in the same step as the answer yes.
        while may():
            if self._taken < self._most:
                self._taken += 1
                return True
            await self._turn()
        # The call that woke it may have been for a slot that it does not take now.
        if self._taken < self._most:
            self._call_next()
        return False

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # It was called and cancelled in the same moment: the call is the next one's.
            if turn.done() and not turn.cancelled():
                self._call_next()
            raise

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

    def stir(self) -> None:
        """Make everybody who waits look again, now: something they depend on changed."""
        waiting, self._waiting = self._waiting, deque()
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def resize(self, most: int) -> None:
        """Allow another number of calls; those under way end as they began."""
        self._most = most
        self.stir()

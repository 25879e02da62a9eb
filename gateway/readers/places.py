"""So many jobs at once, and everybody's turn: who asks for much waits behind itself, not before others."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_Turn = asyncio.Future[None]


class Places:
    """Places for jobs. Waiting owners are served in turn, each one job at a time."""

    def __init__(self, most: int, most_waiting: int) -> None:
        self._free = most
        self._most_waiting = most_waiting
        self._waiting: OrderedDict[str, deque[_Turn]] = OrderedDict()

    def full(self, owner: str) -> bool:
        """Tell whether an owner has as many jobs waiting as it may."""
        return len(self._waiting.get(owner, ())) >= self._most_waiting

    @asynccontextmanager
    async def place(self, owner: str) -> AsyncIterator[None]:
        """Wait for a place, and have it."""
        if self._free > 0 and not self._waiting:
            self._free -= 1
        else:
            await self._turn(owner)
        try:
            yield
        finally:
            self._pass_on()

    async def _turn(self, owner: str) -> None:
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # it got its place in the moment in which it was cancelled
            raise

    def _pass_on(self) -> None:
        """Give a place to the next owner in turn, or have it free."""
        while self._waiting:
            owner, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[owner] = turns  # its others wait behind everybody else's
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

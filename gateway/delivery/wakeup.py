"""An event to wait for, at most for a given time."""

from __future__ import annotations

import asyncio


class Wakeup:
    """An event to wait for with a time limit, without a task for each wait."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._called = False

    def set(self) -> None:
        """Wake whoever waits, now or at its next wait."""
        self._called = True
        self._event.set()

    def clear(self) -> None:
        """Forget the calls so far."""
        self._called = False
        self._event.clear()

    async def wait(self, most: float) -> bool:
        """Wait for a call, at most so many seconds; True when there was one."""
        if not self._called:
            alarm = asyncio.get_running_loop().call_later(max(0.0, most), self._event.set)
            try:
                await self._event.wait()
            finally:
                alarm.cancel()
                if not self._called:
                    self._event.clear()
        return self._called

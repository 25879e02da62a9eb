"""Long work on the event loop yields it every few milliseconds."""

from __future__ import annotations

import asyncio

from gateway.clock import Ticks

LONGEST = 0.005
"""Seconds that a package may keep the event loop before other tasks run."""


class LoopYield:
    """Awaited between the steps of long work: yields the event loop once `longest` seconds have passed.

    By time and not by count, since one record may cost as much as a hundred others.
    """

    def __init__(self, ticks: Ticks, longest: float = LONGEST) -> None:
        self._ticks = ticks
        self._longest = longest
        self._since = ticks()

    async def __call__(self) -> None:
        """Yield the event loop if it was kept long enough."""
        if self._ticks() - self._since >= self._longest:
            await asyncio.sleep(0)
            self._since = self._ticks()

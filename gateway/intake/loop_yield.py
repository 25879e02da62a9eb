"""Turns on the event loop: long work lets everybody else run every few milliseconds."""

from __future__ import annotations

import asyncio

from gateway.clock import Ticks

LONGEST = 0.005
"""Seconds that a package may work before the other requests have their turn."""


class LoopYield:
    """Asked between the steps of something long: gives the loop away once it was had for so long.

    By time and not by count, since one record may cost as much as a hundred others.
    """

    def __init__(self, ticks: Ticks, longest: float = LONGEST) -> None:
        self._ticks = ticks
        self._longest = longest
        self._since = ticks()

    async def __call__(self) -> None:
        """Let the others run if this has run long enough."""
        if self._ticks() - self._since >= self._longest:
            await asyncio.sleep(0)
            self._since = self._ticks()

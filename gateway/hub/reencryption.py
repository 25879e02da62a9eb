"""Encrypting anew beside the traffic: what is in clear or under an older key, a little at a time."""

from __future__ import annotations

import asyncio
import logging

from gateway.clock import Ticks, monotonic
from gateway.delivery.wakeup import Wakeup
from gateway.errors import HutongError
from gateway.ledger.base import Ledger

_log = logging.getLogger(__name__)

LIMIT = 100
"""Rows of one step: a few milliseconds of the writer."""


class Reencryption:
    """Brings a ledger under its newest key for as long as the gateway runs. How far it came is the ledger's to know.

    It looks `every` so many seconds (first after `first`), and while rows are left works a `share` of the time. After
    an error it looks again the next time.
    """

    def __init__(
        self, ledger: Ledger, *, ticks: Ticks = monotonic, first: float = 5.0, every: float = 60.0, share: float = 0.1
    ) -> None:
        self._ledger = ledger
        self._ticks = ticks
        self._first = first
        self._every = every
        self._share = share
        self._left = 0
        self._end = Wakeup()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, now and then."""
        self._task = asyncio.create_task(self._run(), name="reencryption")

    async def stop(self) -> None:
        """End after the step that is under way."""
        self._stopping = True
        self._end.set()
        if self._task is not None:
            await self._task

    def left(self) -> int:
        """Give how many rows were left when it looked last."""
        return self._left

    async def step(self) -> int:
        """Encrypt some rows anew; gives how many are left."""
        self._left = await self._ledger.reencrypt(LIMIT)
        return self._left

    async def _run(self) -> None:
        wait = self._first
        while not self._stopping:
            await self._end.wait(wait)
            if self._stopping:
                return
            began, wait = self._ticks(), self._every
            try:
                if await self.step():
                    wait = (self._ticks() - began) / self._share
            except Exception as error:
                level = logging.WARNING if isinstance(error, HutongError) else logging.ERROR
                _log.log(level, "encrypting anew waits and goes on", exc_info=error)

"""Giving leaves their place in the tree beside the traffic, and having the head signed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from datetime import datetime

from gateway.delivery.wakeup import Wakeup
from gateway.errors import HutongError
from gateway.ledger.base import Ledger

_log = logging.getLogger(__name__)

LIMIT = 500
"""Leaves of one step: a few milliseconds of the writer, so that those who wait behind it hardly notice."""


class Sequencer:
    """Grows the tree for as long as the gateway runs. How far it has come is the ledger's to know.

    It looks `every` so many seconds, and takes steps while leaves wait; others write between two steps. Of several
    processes one takes them. After an error it looks again the next time.
    """

    def __init__(self, ledger: Ledger, *, every: float = 5.0) -> None:
        self._ledger = ledger
        self._every = every
        self._since: datetime | None = None
        self._end = Wakeup()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, now and then."""
        self._task = asyncio.create_task(self._run(), name="sequencer")

    async def stop(self) -> None:
        """End after the step that is under way, and let another process go on."""
        self._stopping = True
        self._end.set()
        if self._task is not None:
            await self._task
            await self._safely(self.grow(leaving=True))

    def behind_seconds(self, now: datetime) -> float:
        """Give for how long the oldest fact has waited that no signed head covers; 0: all are covered."""
        return 0.0 if self._since is None else max(0.0, (now - self._since).total_seconds())

    async def grow(self, *, leaving: bool = False) -> None:
        """Give every leaf that waits its place, and have the head signed."""
        standing = await self._ledger.tree_standing()
        self._since = standing.since
        if standing.elsewhere or (standing.since is None and not leaving):
            return
        while (await self._ledger.sequence(LIMIT, leaving=leaving)).more:
            pass
        self._since = (await self._ledger.tree_standing()).since

    async def _run(self) -> None:
        while not self._stopping:
            await self._end.wait(self._every)
            if not self._stopping:
                await self._safely(self.grow())

    async def _safely(self, growing: Awaitable[None]) -> None:
        try:
            await growing
        except Exception as error:
            level = logging.WARNING if isinstance(error, HutongError) else logging.ERROR
            _log.log(level, "the tree waits and goes on", exc_info=error)

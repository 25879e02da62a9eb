"""Pruning beside the traffic: a little at a time, and no more of the time than a small share."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from gateway.clock import Clock, Ticks, monotonic
from gateway.delivery.wakeup import Wakeup
from gateway.errors import HutongError
from gateway.ledger.base import Ledger
from gateway.ledger.records import PruneStep, Retention
from gateway.telemetry.events import Events, LedgerPruned

_log = logging.getLogger(__name__)

ACTOR = "gateway"
"""Under which the gateway's own pruning is recorded."""

FEWEST, MOST = 5, 100
"""Messages of one step."""

_SHORT, _LONG = 0.01, 0.03
"""Seconds of a step below which the next one takes more, and above which it takes fewer."""


class Pruner:
    """Runs the ledger's pruning for as long as the gateway runs. How far it has come is the ledger's to know.

    It looks `every` so many seconds (first after `first`), and while there is more to do works a `share` of the time:
    a step that took long, because others write, is followed by a longer pause. After an error it waits for `pause`
    seconds, twice as long each time.
    """

    def __init__(
        self,
        ledger: Ledger,
        retention: Retention,
        clock: Clock,
        events: Events,
        *,
        ticks: Ticks = monotonic,
        first: float = 5.0,
        every: float = 60.0,
        pause: float = 1.0,
        share: float = 0.05,
    ) -> None:
        self.retention = retention
        self._ledger = ledger
        self._clock = clock
        self._events = events
        self._ticks = ticks
        self._first = first
        self._every = every
        self._pause = pause
        self._share = share
        self._limit = FEWEST
        self._told: float | None = None
        self._oldest: datetime | None = None
        self._end = Wakeup()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to prune, now and then."""
        self._task = asyncio.create_task(self._run(), name="pruner")

    async def stop(self) -> None:
        """End after the step that is under way."""
        self._stopping = True
        self._end.set()
        if self._task is not None:
            await self._task

    def oldest_seconds(self, now: datetime) -> float:
        """Give the age of the oldest message that is kept with its deliveries; 0 when none is known."""
        return 0.0 if self._oldest is None else max(0.0, (now - self._oldest).total_seconds())

    async def step(self, actor: str) -> PruneStep:
        """Take one step, recorded under an actor."""
        now = self._ticks()
        seen = 0.0 if self._told is None else now - self._told
        step = await self._ledger.prune(self.retention, actor, self._clock(), seen=seen, limit=self._limit)
        # Only when it is known to be written: the ledger counts no time twice, but it must be told all of it.
        self._told = now
        self._oldest = step.oldest
        self._fit(self._ticks() - now)
        for one in step.pruned:
            self._events(LedgerPruned(actor, one.type, one.what, one.count, one.size))
        return step

    def _fit(self, took: float) -> None:
        if took > _LONG:
            self._limit = max(FEWEST, self._limit // 2)
        elif took < _SHORT:
            self._limit = min(MOST, self._limit + FEWEST)

    async def _run(self) -> None:
        wait, pause = self._first, self._pause
        while not self._stopping:
            await self._end.wait(wait)
            if self._stopping:
                return
            began = self._ticks()
            try:
                more = (await self.step(ACTOR)).more
            except Exception as error:
                level = logging.WARNING if isinstance(error, HutongError) else logging.ERROR
                _log.log(level, "pruning waits and goes on", exc_info=error)
                wait, pause = pause, min(2 * pause, self._every)
                continue
            pause = self._pause
            wait = (self._ticks() - began) / self._share if more else self._every

"""Beats of this process: they keep its claims, and show who else lives, who has what, and what was changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from gateway.clock import Ticks
from gateway.delivery.wakeup import Wakeup
from gateway.ledger.base import TERM, Ledger
from gateway.ledger.records import Presence

_log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two beats."""

MARGIN = 1.0
"""Seconds before a claim may lapse from which on nothing is sent under it: clocks run apart, and a call takes time to
leave."""

_SOONEST = 0.05
"""Seconds between two beats, however often they are hastened."""

Heard = Callable[[Presence, bool], None]
"""Is told what each beat showed, and whether this process was sure of its claims before it."""


class Beats:
    """Beats every second, at once when hastened, and as soon as the claim of a process that is silent has lapsed.

    A beat that is confirmed makes this process sure of its claims for as long as they can hold, counted by its own
    ticks from before the beat was begun, less a margin. So a process that stood still, or that does not reach the
    ledger, knows that others may have its platforms before they may.
    """

    def __init__(self, ledger: Ledger, ticks: Ticks, heard: Heard, *, every: float = EVERY) -> None:
        self._ledger = ledger
        self._ticks = ticks
        self._heard = heard
        self._every = every
        self._sure_until = float("-inf")
        self._alone = False
        self._lapse_at = float("inf")
        self._leaving = False
        self._stopping = False
        self._wakeup = Wakeup()
        self._pause = Wakeup()
        self._loop: asyncio.Task[None] | None = None

    @property
    def sure(self) -> bool:
        """Whether what this process has claimed cannot have lapsed yet."""
        return self._alone or self._ticks() < self._sure_until

    async def start(self) -> None:
        """Beat once, and go on, unless this process is alone with its ledger: then nothing it has can lapse."""
        await self.beat()
        if not self._alone:
            self._loop = asyncio.create_task(self._run(), name="beats")

    async def stop(self) -> None:
        """End after the beat that is under way."""
        self._stopping = True
        self._wakeup.set()
        self._pause.set()
        if self._loop is not None:
            await self._loop

    def hasten(self) -> None:
        """Beat as soon as may be: something may have changed."""
        self._wakeup.set()

    def leave(self) -> None:
        """Take no part in sharing any more, and keep what is there until `stop`."""
        self._leaving = True
        self._wakeup.set()

    async def beat(self) -> None:
        """Beat once, and tell what it showed."""
        began = self._ticks()
        presence = await self._ledger.beat(leaving=self._leaving)
        was_sure = self.sure
        self._alone = presence.alone
        self._sure_until = began + TERM.total_seconds() - MARGIN
        theirs = [one.until for one in presence.claims.values() if one.owner != presence.me and one.until is not None]
        self._lapse_at = self._ticks() + (min(theirs) - presence.at).total_seconds() if theirs else float("inf")
        self._heard(presence, was_sure)

    async def _run(self) -> None:
        while not self._stopping:
            await self._wakeup.wait(min(self._every, self._lapse_at - self._ticks()))
            if self._stopping:
                return
            self._wakeup.clear()
            try:
                await self.beat()
            except Exception as error:
                _log.warning("a beat was not confirmed: %s", error)
                self._lapse_at = float("inf")
            await self._pause.wait(_SOONEST)

"""The audit, exported live: every entry in order, from where it stopped, beside the traffic and never in its way."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from gateway.clock import Ticks, monotonic
from gateway.delivery.wakeup import Wakeup
from gateway.hub.audit_targets import MOST, AuditTarget
from gateway.ledger.base import Ledger
from gateway.ledger.followed import AUDIT_EXPORT

_log = logging.getLogger(__name__)

_ENDING = 2.0
"""Seconds for a step that is under way when the gateway ends."""


class AuditExport:
    """Follows the audit for as long as the gateway runs, and hands every entry to one target.

    It looks `every` so many seconds, and while there is more works a `share` of the time. A target that takes nothing
    is tried again after `pause` seconds, twice as long each time, up to a minute. How far it came is in the
    ledger; of the processes that share one ledger one exports.
    """

    def __init__(
        self,
        ledger: Ledger,
        target: AuditTarget | None,
        *,
        ticks: Ticks = monotonic,
        every: float = 1.0,
        pause: float = 1.0,
        share: float = 0.25,
    ) -> None:
        self._ledger = ledger
        self._target = target
        self._ticks = ticks
        self._every = every
        self._pause = pause
        self._share = share
        self._position: int | None = None
        self._kept = 0
        self._waiting_since: datetime | None = None
        self._end = Wakeup()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    # ── life ──────────────────────────────────────────────────────────────────────────────────
    def start(self) -> None:
        """Begin to export, where there is somewhere to."""
        if self._target is not None:
            self._task = asyncio.create_task(self._run(self._target), name="audit export")

    async def stop(self) -> None:
        """End after what is being handed over; what comes later is exported after the next start."""
        self._stopping = True
        self._end.set()
        if self._task is None or self._target is None:
            return
        await asyncio.wait([self._task], timeout=_ENDING)
        self._task.cancel()  # in the middle of a step, where the target is slow: it is taken again
        await asyncio.gather(self._task, return_exceptions=True)
        await self._leave(self._target)

    def behind_seconds(self, now: datetime) -> float:
        """Give for how long the oldest entry has waited that the target has not taken; 0: none waits here."""
        return 0.0 if self._waiting_since is None else max(0.0, (now - self._waiting_since).total_seconds())

    async def _run(self, target: AuditTarget) -> None:
        wait, pause = 0.0, self._pause
        while not self._stopping:
            began = self._ticks()
            try:
                more = await self._step(target)
                pause = self._pause
                wait = (self._ticks() - began) * (1 / self._share - 1) if more else self._every
            except Exception as error:
                _log.warning("the audit is not exported now, and is tried again: %s: %s", type(error).__name__, error)
                await self._leave(target)
                wait, pause = pause, min(2 * pause, 60.0)
            await self._end.wait(wait)

    # ── a step ────────────────────────────────────────────────────────────────────────────────
    async def _step(self, target: AuditTarget) -> bool:
        """Hand over what comes next; tell whether there is more at once."""
        followed = await self._ledger.followed(AUDIT_EXPORT)
        if not followed.mine:
            await self._leave(target)
            if not followed.free or not await self._ledger.follow(AUDIT_EXPORT):
                self._waiting_since = None
                return False
            followed = await self._ledger.followed(AUDIT_EXPORT)
        position = followed.position if self._position is None else self._position
        page = await self._ledger.audit_after(position, MOST)
        if self._position is None:
            # Looked for before: while the target is away, the age of what waits for it is known.
            self._waiting_since = page.entries[0].entry.at if page.entries else None
            self._kept = followed.position
            self._position = await target.open(position)
            return True
        if page.entries:
            self._waiting_since = page.entries[0].entry.at
            await target.send(page.entries)
            self._position = page.entries[-1].seq
        self._waiting_since = None
        await self._keep(target)
        return page.more

    async def _keep(self, target: AuditTarget) -> None:
        if target.safe > self._kept:
            await self._ledger.keep_followed(AUDIT_EXPORT, target.safe)
            self._kept = target.safe

    async def _leave(self, target: AuditTarget) -> None:
        """Let go of the target, and keep how far it certainly came."""
        if self._position is None:
            return
        self._position = None
        try:
            await target.close()
            await self._keep(target)
        except Exception as error:
            _log.warning("how far the audit was exported could not be kept: %s", error)

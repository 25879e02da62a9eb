"""Who read what, and who was refused: the audit of what changes nothing, written so that it slows no platform."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from gateway.clock import Clock
from gateway.delivery.wakeup import Wakeup
from gateway.errors import HutongError
from gateway.ledger.base import Ledger
from gateway.ledger.records import AuditEntry
from gateway.telemetry.events import AuthenticationFailed, EmergencyCalled, Event

_log = logging.getLogger(__name__)

_EVERY = 5.0
"""Seconds between two writings of what need not be written at once; after a kill so much is forgotten at most."""

_MOST = 100
"""Addresses that are told one by one in that time; all further ones are told as one."""

_MOST_WAITING = 10_000
"""Readings of platforms that wait to be written; the platform waits for them only beyond that."""

REFUSED = "authentication.failed"

EMERGENCY = "emergency"
"""The subject under which the audit tells every use of the emergency token."""

OTHERS = "other addresses"
"""As what the failures of further addresses are told."""


class Trail:
    """Keeps who read what. What a person reads is written before it is shown; what platforms read a moment later.

    A hook, too: calls without a good credential are counted by their address and why, and each count is an entry. So
    a flood of them costs a few entries, and none is left out of the counts.
    """

    def __init__(self, ledger: Ledger, clock: Clock, *, every: float = _EVERY) -> None:
        self._ledger = ledger
        self._clock = clock
        self._every = every
        self._refused: dict[tuple[str, str], tuple[int, str]] = {}
        self._waiting: list[AuditEntry] = []
        self._soon = Wakeup()
        self._ending = False
        self._loop: asyncio.Task[None] | None = None

    def __call__(self, event: Event) -> None:
        """Count a call without a good credential; keep one under the emergency token, and write it now."""
        if type(event) is EmergencyCalled:
            told = {"call": event.call, "address": event.address}
            self._waiting.append(AuditEntry(self._clock(), EMERGENCY, "emergency.used", EMERGENCY, "", told))
            self._soon.set()
        elif type(event) is AuthenticationFailed:
            key = event.address or "unknown address", event.why
            if key not in self._refused and len(self._refused) >= _MOST:
                key = OTHERS, ""
            count, call = self._refused.get(key, (0, event.call))
            self._refused[key] = count + 1, call

    async def read(
        self, actor: str, action: str, subject: str, *, part: str = "", purpose: str = "", later: bool = False
    ) -> None:
        """Keep that somebody read something, before it is shown; Unavailable where that cannot be written.

        `later`: it is written with others a moment later.
        """
        entry = AuditEntry(self._clock(), actor, action, subject, purpose, {"part": part} if part else {})
        if later and len(self._waiting) < _MOST_WAITING:
            self._waiting.append(entry)
        else:
            await self._ledger.note([entry])

    # ── life ──────────────────────────────────────────────────────────────────────────────────
    def start(self) -> None:
        """Begin to write what waits."""
        self._loop = asyncio.create_task(self._run(), name="trail")

    async def stop(self) -> None:
        """Write what is not written yet, and end."""
        self._ending = True
        self._soon.set()
        if self._loop is not None:
            await self._loop
        await self.write()

    async def _run(self) -> None:
        while not self._ending:
            await self._soon.wait(self._every)
            self._soon.clear()
            await self.write()

    async def write(self) -> None:
        """Write what waits; when that fails it is left for the next time."""
        refused, waiting = self._refused, self._waiting
        self._refused, self._waiting = {}, []
        entries = [*waiting, *self._failures(refused)]
        if not entries:
            return
        try:
            await self._ledger.note(entries)
        except HutongError as error:
            self._waiting = [*waiting, *self._waiting]
            for key, (count, call) in refused.items():
                self._refused[key] = self._refused.get(key, (0, call))[0] + count, call
            _log.warning("%d entries of the audit could not be written yet: %s", len(entries), error)

    def _failures(self, refused: dict[tuple[str, str], tuple[int, str]]) -> Sequence[AuditEntry]:
        at = self._clock()
        return [
            AuditEntry(at, address, REFUSED, address, why, {"count": count, "call": call})
            for (address, why), (count, call) in refused.items()
        ]

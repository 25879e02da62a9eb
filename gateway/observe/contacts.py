"""When each platform was last heard, got something, and used a credential: known at once, kept every few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from gateway.clock import Clock
from gateway.delivery.wakeup import Wakeup
from gateway.errors import HutongError
from gateway.ledger.base import Ledger
from gateway.ledger.records import Contact, ContactWay
from gateway.telemetry.events import DeliverySettled, DocumentRejected, Event, InboxAsked, MessageAccepted

_log = logging.getLogger(__name__)

INBOX = "inbox"
"""What a platform is heard with that fetches for itself, beside its operations."""

_Key = tuple[str, ContactWay, str]

_EVERY = 3.0
"""Seconds between two writings; after a kill so much is forgotten at most."""

_MOST = 10_000
"""Operations and message types of all platforms that are remembered."""


class Contacts:
    """A hook that remembers contacts: an entry a platform, way, and operation or message type.

    A contact is never worth a write of its own, so a document costs an entry in memory, and whatever
    changed meanwhile is written together. What could not be written is written the next time.
    """

    def __init__(self, ledger: Ledger, clock: Clock, *, every: float = _EVERY, most: int = _MOST) -> None:
        self._ledger = ledger
        self._clock = clock
        self._every = every
        self._most = most
        self._last: dict[_Key, datetime] = {}
        self._changed: set[_Key] = set()
        self._end = Wakeup()
        self._loop: asyncio.Task[None] | None = None

    def __call__(self, event: Event) -> None:
        """Remember what an event says of a platform."""
        kind = type(event)
        if kind is MessageAccepted or kind is DocumentRejected:
            self._note((event.platform, ContactWay.HEARD, event.operation))  # type: ignore[union-attr]
        elif kind is InboxAsked:
            self._note((event.platform, ContactWay.HEARD, INBOX))  # type: ignore[union-attr]
        elif kind is DeliverySettled and event.delivered:  # type: ignore[union-attr]
            self._note((event.platform, ContactWay.DELIVERED, event.type))  # type: ignore[union-attr]

    def credential_used(self, platform: str, credential: str) -> None:
        """Remember that a platform called under a credential, by its id."""
        self._note((platform, ContactWay.CREDENTIAL, credential))

    def _note(self, key: _Key) -> None:
        if key in self._last or len(self._last) < self._most:
            self._last[key] = self._clock()
            self._changed.add(key)

    # ── life ──────────────────────────────────────────────────────────────────────────────────
    def start(self) -> None:
        """Begin to write what changes."""
        self._loop = asyncio.create_task(self._run(), name="contacts")

    async def stop(self) -> None:
        """Write what is not written yet, and end."""
        self._end.set()
        if self._loop is not None:
            await self._loop
        await self.write()

    async def _run(self) -> None:
        while not await self._end.wait(self._every):
            await self.write()

    async def write(self) -> None:
        """Write what changed; when that fails it is left for the next time."""
        changed, self._changed = self._changed, set()
        if not changed:
            return
        try:
            await self._ledger.note_contacts([Contact(*key, self._last[key]) for key in sorted(changed)])
        except HutongError as error:
            self._changed |= changed
            _log.warning("the last contacts of %d operations could not be written yet: %s", len(changed), error)

    # ── reading ───────────────────────────────────────────────────────────────────────────────
    async def all(self) -> Sequence[Contact]:
        """Give every contact, by platform, way and name: what is kept, also by others, and what is newer here."""
        kept = {(each.platform, each.way, each.name): each.at for each in await self._ledger.contacts()}
        newer = {key: self._last[key] for key in self._changed}
        for key, at in newer.items():
            kept[key] = max(at, kept.get(key, at))
        return [Contact(*key, kept[key]) for key in sorted(kept)]

    async def of(self, platform: str) -> Sequence[Contact]:
        """Give those of one platform."""
        return [each for each in await self.all() if each.platform == platform]

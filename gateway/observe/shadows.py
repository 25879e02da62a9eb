"""Versions in shadow: they translate what the active one does, beside it, and send nothing."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256

from adapters.base import Adapter, Sending
from gateway.errors import Conflict, NotFound
from gateway.intake.steps import IntakeCall, Reading
from gateway.ledger.base import Ledger
from gateway.ledger.records import MessageFilter, Platform
from gateway.message import Delivery, Message, effective_document
from gateway.observe.comparing import compare_inward, compare_outward
from gateway.observe.tally import Counts, Tally
from gateway.observe.wire_tap import WireTap
from schemas.findings import Text

_PAGE = 100
_REMEMBERED = 5000


@dataclass
class ShadowRun:
    """One version in the shadow of another. `dropped` counts what there was no room for."""

    active: Adapter
    shadow: Adapter
    since: datetime
    expected: tuple[str, ...] = ()
    tally: Tally = field(default_factory=Tally)
    dropped: int = 0
    replayed: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def counts(self) -> Counts:
        """Sum up what was found so far."""
        return self.tally.counts(self.expected)

    def first_time(self, what: str) -> bool:
        """Tell whether something was not replayed yet."""
        if what in self.replayed:
            return False
        self.replayed[what] = None
        if len(self.replayed) > _REMEMBERED:
            self.replayed.popitem(last=False)
        return True


class Shadows:
    """The shadows that run, one a name at most. Without any, a call costs one dictionary lookup."""

    def __init__(self, ledger: Ledger, platforms: Mapping[str, Platform], tap: WireTap) -> None:
        self._ledger = ledger
        self._platforms = platforms
        self._tap = tap
        self._runs: dict[str, ShadowRun] = {}

    def run(self, active: Adapter, shadow: Adapter, expected: tuple[str, ...], at: datetime) -> None:
        """Let a version run in the shadow of another; one that runs already goes on, with what is expected now."""
        running = self._runs.get(active.name)
        if running is not None and (running.active, running.shadow) == (active, shadow):
            running.expected = expected
        else:
            self._runs[active.name] = ShadowRun(active, shadow, at, expected)

    def end(self, name: str) -> None:
        """Let no version of an adapter run in shadow any more."""
        self._runs.pop(name, None)

    def of(self, name: str, version: str) -> ShadowRun:
        """Give a running shadow; NotFound `shadow.unknown`."""
        running = self._runs.get(name)
        if running is None or running.shadow.version != version:
            raise NotFound(
                Text(
                    f"{name} {version} 没有在试行；请先执行 shadow",
                    f"{name} {version} does not run in shadow; put it there first",
                ),
                code="shadow.unknown",
            )
        return running

    # ── live ──────────────────────────────────────────────────────────────────────────────────
    def taken(self, call: IntakeCall, reading: Reading) -> None:
        """Let the shadow read what a platform handed in, too."""
        running = self._beside(call.platform, reading.adapter)
        if running is not None and call.operation in running.active.receives:
            self._offer(running, self._inward(running, call.operation, call.body, call.content_type))

    def written(self, platform: Platform, adapter: Adapter, sending: Sending) -> None:
        """Let the shadow write what goes to a platform, too."""
        running = self._beside(platform, adapter)
        if running is not None:
            self._offer(running, partial(compare_outward, running.active, running.shadow, sending, running.tally))

    def _beside(self, platform: Platform, adapter: Adapter) -> ShadowRun | None:
        running = self._runs.get(adapter.name)
        if running is None or running.active is not adapter or platform.version is not None:
            return None
        return running

    def _offer(self, running: ShadowRun, work: Callable[[], None]) -> None:
        if not self._tap.offer(work):
            running.dropped += 1

    def _inward(self, running: ShadowRun, operation: str, body: bytes, content_type: str | None) -> Callable[[], None]:
        return partial(compare_inward, running.active, running.shadow, operation, body, content_type, running.tally)

    # ── recorded ──────────────────────────────────────────────────────────────────────────────
    async def compare_recorded(self, name: str, version: str, most: int) -> ShadowRun:
        """Compare the last so many messages that each following platform sent or got, each only once.

        Gives the shadow; NotFound `shadow.unknown`.
        """
        running = self.of(name, version)
        following = [one for one in self._platforms.values() if one.adapter == name and one.version is None]
        for platform in following:
            for message in await self._last(platform, most):
                for work in await self._recorded(running, platform, message):
                    await asyncio.to_thread(work)
        return running

    async def check_explained(self, name: str, version: str, most: int) -> None:
        """Refuse while a shadow differs in what nobody declared: Conflict `shadow.differences`.

        One that was shown nothing yet is shown the last so many messages of each platform first.
        """
        running = self.of(name, version)
        if not running.counts().compared:
            await self.compare_recorded(name, version, most)
        _check_explained(running)

    async def _last(self, platform: Platform, most: int) -> list[Message]:
        found: list[Message] = []
        cursor: str | None = None
        while len(found) < most:
            page = await self._ledger.find_messages(MessageFilter(platform=platform.id), cursor, min(_PAGE, most))
            found += page.items
            cursor = page.cursor
            if cursor is None:
                break
        return found[:most]

    async def _recorded(self, running: ShadowRun, platform: Platform, message: Message) -> list[Callable[[], None]]:
        if message.source == platform.id:
            return await self._recorded_in(running, message)
        deliveries = await self._ledger.deliveries_of(message.id)
        return [
            partial(compare_outward, running.active, running.shadow, _sending(message, one, platform), running.tally)
            for one in deliveries
            if one.platform == platform.id and message.type in running.active.sends and running.first_time(one.id)
        ]

    async def _recorded_in(self, running: ShadowRun, message: Message) -> list[Callable[[], None]]:
        if message.operation not in running.active.receives:
            return []
        native = await self._ledger.native(message.id)
        if native is None or not running.first_time(f"{message.operation} {sha256(native.body).hexdigest()}"):
            return []
        return [self._inward(running, message.operation, native.body, native.content_type or None)]


def _sending(message: Message, delivery: Delivery, platform: Platform) -> Sending:
    """Write a recorded message as it went out, save the platform's own numbers, which both versions get alike."""
    return Sending(
        type=message.type,
        document=dict(effective_document(message)),
        settings=platform.settings,
        delivery_id=delivery.id,
        message_id=message.id,
        accepted_at=message.received_at,
    )


def _check_explained(running: ShadowRun) -> None:
    unexplained = running.counts().unexplained
    if not unexplained:
        return
    named = ", ".join(f"{one.name} {one.field} ×{one.count}" for one in unexplained[:5])
    version = running.shadow.version
    raise Conflict(
        Text(
            f"{running.shadow.name} {version} 与现行版本有未说明的差异：{named}；请修正，或在 shadow 中声明 expected，"
            "或用 force 说明原因",
            f"{running.shadow.name} {version} differs from the active version in what nobody declared: {named}; "
            "mend it, declare it with `expected` in shadow, or give a reason under `force`",
        ),
        code="shadow.differences",
    )

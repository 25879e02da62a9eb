"""The register of platforms: one change at a time, and everybody who depends on it told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from gateway.clock import Clock
from gateway.delivery.dispatcher import Dispatcher
from gateway.errors import NotFound
from gateway.hub.principals import Principals
from gateway.hub.registration import Wanted, registered
from gateway.installed import InstalledAdapters
from gateway.intake.directory import Directory
from gateway.intake.routes import Routes
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform
from gateway.message import HeldBy
from gateway.security.tokens import hash_token, new_token
from gateway.telemetry.events import Events, PlatformHeld, PlatformReleased
from schemas.findings import Text


class Register:
    """Who is registered, who may call, and what holds them.

    The ledger is written first, then read back: changes wait for each other, so that what is read
    back late never undoes what was changed meanwhile.
    """

    def __init__(
        self,
        ledger: Ledger,
        adapters: InstalledAdapters,
        routes: Routes,
        dispatcher: Dispatcher,
        clock: Clock,
        events: Events,
    ) -> None:
        self.directory = Directory()
        self.principals = Principals(self.directory)
        self._ledger = ledger
        self._adapters = adapters
        self._kinds = routes.kinds
        self._dispatcher = dispatcher
        self._clock = clock
        self._events = events
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Know what the ledger knows."""
        self.directory.fill(await self._ledger.platforms())
        self.principals.know(await self._ledger.credentials())

    async def all(self) -> Sequence[Platform]:
        """Give every platform as it stands, by id."""
        return await self._ledger.platforms()

    async def get(self, platform_id: str) -> Platform:
        """Give a platform as it stands; NotFound `platform.unknown`."""
        found = next((one for one in await self._ledger.platforms() if one.id == platform_id), None)
        if found is None:
            raise _no_platform(platform_id)
        return found

    async def put(self, wanted: Wanted, *, actor: str) -> Platform:
        """Register a platform or change it; credentials that were refused are tried again."""
        spoken, versions = self._adapters.get(wanted.adapter, wanted.version), self._adapters.versions(wanted.adapter)
        async with self._changing:
            at, before = self._clock(), self.directory.get(wanted.id)
            platform = registered(wanted, spoken, self._kinds, before, at, versions)
            await self._ledger.put_platform(platform, actor=actor, at=at)
            await self._lift(wanted.id, HeldBy.CREDENTIALS, actor, "settings changed", at)
            return await self._learn(wanted.id)

    async def delete(self, platform_id: str, *, actor: str) -> None:
        """Forget a platform and its credentials; Conflict `platform.in-use` while it has deliveries to get."""
        async with self._changing:
            holds = (await self.get(platform_id)).holds
            await self._ledger.delete_platform(platform_id, actor=actor, at=self._clock())
            self.directory.remove(platform_id)
            self.principals.know(await self._ledger.credentials())
            self._dispatcher.platform_removed(platform_id)
            for hold in holds:
                self._events(PlatformReleased(platform_id, hold.value))

    async def pause(self, platform_id: str, *, actor: str, reason: str) -> Platform:
        """Hold everything to a platform until `resume`; pausing twice changes nothing."""
        async with self._changing:
            paused = HeldBy.PAUSED in (await self.get(platform_id)).holds
            await self._ledger.hold_platform(platform_id, HeldBy.PAUSED, actor=actor, reason=reason, at=self._clock())
            if not paused:
                self._events(PlatformHeld(platform_id, HeldBy.PAUSED.value))
            return await self._learn(platform_id)

    async def resume(self, platform_id: str, *, actor: str, reason: str) -> Platform:
        """Let a paused platform's deliveries go on."""
        async with self._changing:
            await self._lift(platform_id, HeldBy.PAUSED, actor, reason, self._clock())
            return await self._learn(platform_id)

    async def issue_credential(self, platform_id: str, *, actor: str) -> str:
        """Make a token for a platform's calls; only its hash is kept, this is the one time it is readable."""
        token = new_token()
        async with self._changing:
            await self._ledger.add_credential(platform_id, hash_token(token), actor=actor, at=self._clock())
            self.principals.know(await self._ledger.credentials())
        return token

    async def _lift(self, platform_id: str, hold: HeldBy, actor: str, reason: str, at: datetime) -> None:
        held = hold in (await self.get(platform_id)).holds
        await self._ledger.release_platform(platform_id, hold, actor=actor, reason=reason, at=at)
        if held:
            self._events(PlatformReleased(platform_id, hold.value))

    async def _learn(self, platform_id: str) -> Platform:
        platform = await self.get(platform_id)
        self.directory.put(platform)
        self._dispatcher.platform_changed(platform)
        return platform


def _no_platform(platform_id: str) -> NotFound:
    return NotFound(
        Text(f"没有登记平台 {platform_id}；请先登记", f"Platform {platform_id} is not registered; register it first"),
        code="platform.unknown",
    )

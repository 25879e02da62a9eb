"""The register of platforms, the one owner of "a platform changed": commit first, then apply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from adapters.base import Adapter
from gateway.access.principals import Principals
from gateway.access.tokens import hash_token, new_token
from gateway.clock import Clock
from gateway.delivery.dispatcher import AdapterVersions, Dispatcher, Ping
from gateway.errors import NotFound
from gateway.intake.directory import Directory, SpokenAdapters
from gateway.intake.routes import Routes
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform
from gateway.message import HeldBy
from gateway.platforms import unrouted
from gateway.platforms.registration import DOSSIER, PUSH, Registration, registered
from gateway.telemetry.events import Events, PlatformHeld, PlatformReleased
from schemas.findings import Text


class KnownAdapters(AdapterVersions, SpokenAdapters, Protocol):
    """The adapters that a platform may be registered with; handed in, since the versions are kept in `releases`."""

    def versions(self, name: str) -> Sequence[Adapter]:
        """Give every version of an adapter, oldest first."""


class Register:
    """The registered platforms, their credentials and their holds.

    Every change is one commit in the ledger, and only then applied in memory: a crash between the
    two loses nothing, since `load` reads the ledger at the next start. Changes wait for each other
    from the commit to the end of applying; otherwise a platform read back late would overwrite in
    memory what a later change had committed meanwhile.

    `forgotten` is told the id of every platform that was deleted.
    """

    def __init__(
        self,
        ledger: Ledger,
        adapters: KnownAdapters,
        routes: Routes,
        directory: Directory,
        dispatcher: Dispatcher,
        clock: Clock,
        events: Events,
        forgotten: Callable[[str], None],
    ) -> None:
        self.directory = directory
        self.principals = Principals(directory)
        self._ledger = ledger
        self._adapters = adapters
        self._routes = routes
        self._dispatcher = dispatcher
        self._clock = clock
        self._events = events
        self._forgotten = forgotten
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Read platforms and credentials from the ledger."""
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

    async def put(
        self,
        platform_id: str,
        adapter: str,
        version: str | None = None,
        settings: Mapping[str, Any] | None = None,
        mode: str = PUSH,
        *,
        actor: str,
        dossier: bool | None = None,
    ) -> Platform:
        """Register a platform or change it; Rejected `platform.invalid`, NotFound `adapter.unknown`.

        Deliveries that waited for a platform like it are its own now; refused credentials are tried again.
        """
        right = {} if dossier is None else {DOSSIER.name: dossier}
        asked = Registration(platform_id, adapter, version, {**(settings or {}), **right}, mode)
        spoken, versions = self._adapters.get(adapter, version), self._adapters.versions(adapter)
        async with self._changing:
            at, before = self._clock(), self.directory.get(platform_id)
            platform = registered(asked, spoken, self._routes.kinds, before, at, versions)
            await self._ledger.put_platform(platform, actor=actor, at=at)
            await self._lift(platform_id, HeldBy.CREDENTIALS, actor, "settings changed", at)
            platform = await self._apply(platform_id)
        # Assigned only once the directory has the platform: what is routed from now on finds it
        # there. What was routed before and is committed after this, the hub assigns (see `edition`).
        await self.assign(platform.kind)
        return platform

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
        self._forgotten(platform_id)

    async def pause(self, platform_id: str, *, actor: str, reason: str) -> Platform:
        """Hold everything to a platform until `resume`; pausing twice changes nothing."""
        async with self._changing:
            paused = HeldBy.PAUSED in (await self.get(platform_id)).holds
            await self._ledger.hold_platform(platform_id, HeldBy.PAUSED, actor=actor, reason=reason, at=self._clock())
            if not paused:
                self._events(PlatformHeld(platform_id, HeldBy.PAUSED.value))
            return await self._apply(platform_id)

    async def resume(self, platform_id: str, *, actor: str, reason: str) -> Platform:
        """Let a paused platform's deliveries go on."""
        async with self._changing:
            await self._lift(platform_id, HeldBy.PAUSED, actor, reason, self._clock())
            return await self._apply(platform_id)

    async def issue_credential(self, platform_id: str, *, actor: str) -> str:
        """Make a token for a platform's calls; only its hash is kept, this is the one time it is readable."""
        token = new_token()
        async with self._changing:
            await self._ledger.add_credential(platform_id, hash_token(token), actor=actor, at=self._clock())
            self.principals.know(await self._ledger.credentials())
        return token

    async def ping(self, platform_id: str) -> Ping:
        """Call a platform's address once."""
        return await self._dispatcher.ping(await self.get(platform_id))

    async def follow(self, adapter: str) -> None:
        """Another version of an adapter is active: deliver with it, and what it can send at last goes out."""
        self.directory.changed()
        following = [one for one in await self.all() if one.adapter == adapter and one.version is None]
        for platform in following:
            self._dispatcher.platform_changed(platform)
        for kind in {platform.kind for platform in following}:
            await self.assign(kind)

    async def assign(self, kind: str) -> None:
        """Give the unrouted deliveries of a kind to the platforms that can take them now, and wake these."""
        can_send = self._adapters.can_send
        woken = await unrouted.assign(self._ledger, self._routes, self.directory, can_send, kind, self._clock())
        for platform in woken:
            self._dispatcher.wake(platform)

    async def _lift(self, platform_id: str, hold: HeldBy, actor: str, reason: str, at: datetime) -> None:
        held = hold in (await self.get(platform_id)).holds
        await self._ledger.release_platform(platform_id, hold, actor=actor, reason=reason, at=at)
        if held:
            self._events(PlatformReleased(platform_id, hold.value))

    async def _apply(self, platform_id: str) -> Platform:
        platform = await self.get(platform_id)
        self.directory.put(platform)
        self._dispatcher.platform_changed(platform)
        return platform


def _no_platform(platform_id: str) -> NotFound:
    return NotFound(
        Text(f"没有登记平台 {platform_id}；请先登记", f"Platform {platform_id} is not registered; register it first"),
        code="platform.unknown",
    )

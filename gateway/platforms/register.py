"""The register of platforms, the one owner of "a platform changed": commit first, then apply."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import asdict

from adapters.base import Adapter
from gateway.access import hash_token
from gateway.access.secrets import made
from gateway.clock import Clock, new_id
from gateway.coordination import CHANGES, Tell, nobody
from gateway.delivery.dispatcher import AdapterVersions, Dispatcher
from gateway.delivery.ping import Ping
from gateway.errors import Conflict, HutongError, Invalid, NotFound
from gateway.intake import router
from gateway.intake.coverage import Coverage
from gateway.intake.directory import SpokenAdapters
from gateway.intake.routes import Routes
from gateway.ledger.base import Ledger
from gateway.ledger.errors import no_area, no_platform
from gateway.ledger.records import (
    BEARER,
    PUSH,
    Area,
    Backlog,
    Credential,
    Hold,
    Intent,
    Platform,
    Registered,
    Taker,
    Unwanted,
)
from gateway.ledger.versions import AdapterVersion
from gateway.message import UNWANTED, HeldBy, State
from gateway.platforms.areas import check_area
from gateway.platforms.mirror import Mirror
from gateway.platforms.registration import DOSSIER, Registration, kind_faults, region_faults, registered
from gateway.settings import ALLOWABLE
from gateway.telemetry.events import EndpointReleased, Events, PlatformReleased
from schemas.findings import Rejected, Text

T = TypeVar("T")

_log = logging.getLogger(__name__)

_NOTHING_WRITTEN = (Conflict, Invalid, NotFound, Rejected)
"""What says for sure that a change was not committed; after any other exception nobody knows."""


class KnownAdapters(AdapterVersions, SpokenAdapters, Protocol):
    """The adapters that a platform may be registered with; handed in, since the versions are kept in `releases`."""

    @property
    def now(self) -> SpokenAdapters:
        """Give what platforms speak at this moment; it never changes, so it may be read on any thread."""

    def versions(self, name: str) -> Sequence[Adapter]:
        """Give every version of an adapter, oldest first."""


class Issued(Struct, frozen=True):
    """A new credential, and the secret that stands for it: this is the one time it can be read; empty without one."""

    token: str
    credential: Credential


class Register:
    """The registered platforms, their credentials and their holds.

    Every change is one transaction in the ledger, which also gives unrouted deliveries their
    platform and advances the registry's revision. Only then is it applied in memory: directory and
    adapters, callers, dispatcher. Changes wait for each other from the commit to the end of applying.

    Applying is reading the ledger and taking over what it says (`Mirror`). So it does not matter
    whether the answer to a commit was lost: after every failure whose outcome nobody knows the ledger
    is read again until it answers (`reconcile`). Until then intake takes nothing by what is out of
    date, for `accept` compares the revision.

    `alarm` is called after such a failure. What other processes changed is taken over when a beat shows that there
    is something (`follow`); `tell` lets them know at once of what was changed here. `allowed`: the kinds of
    destination that every platform may have.
    """

    def __init__(
        self,
        ledger: Ledger,
        adapters: KnownAdapters,
        routes: Routes,
        mirror: Mirror,
        dispatcher: Dispatcher,
        clock: Clock,
        events: Events,
        alarm: Callable[[], None],
        tell: Tell = nobody,
        allowed: Collection[str] = ALLOWABLE,
    ) -> None:
        self.directory = mirror.directory
        self.principals = mirror.principals
        self._ledger = ledger
        self._adapters = adapters
        self._routes = routes
        self._mirror = mirror
        self._dispatcher = dispatcher
        self._clock = clock
        self._events = events
        self._alarm = alarm
        self._tell = tell
        self._allowed = allowed
        self._following: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()
        self._doubts = 1  # how often memory may have fallen behind the ledger
        self._cleared = 0  # how many of these were cleared by reading the ledger since
        self._looked_at: tuple[int, frozenset[tuple[str, int]]] | None = (
            None  # the unrouted that no platform could take
        )

    # ── looking ───────────────────────────────────────────────────────────────────────────────
    async def all(self) -> Sequence[Platform]:
        """Give every platform as it stands, by id."""
        platforms = (await self._ledger.registry()).platforms
        return [platforms[one] for one in sorted(platforms)]

    async def get(self, platform_id: str) -> Platform:
        """Give a platform as it stands; NotFound `platform.unknown`."""
        found = (await self._ledger.registry()).platforms.get(platform_id)
        if found is None:
            raise no_platform(platform_id)
        return found

    async def ping(self, platform_id: str) -> Ping:
        """Call a platform's address once; Conflict `platform.pull` for one that is not called."""
        platform = await self.get(platform_id)
        if platform.fetches:
            raise _not_called(platform_id)
        return await self._dispatcher.ping(platform)

    # ── changing ──────────────────────────────────────────────────────────────────────────────
    async def put(
        self,
        platform_id: str,
        adapter: str,
        version: str | None = None,
        settings: Mapping[str, Any] | None = None,
        mode: str = PUSH,
        *,
        intent: Intent,
        dossier: bool | None = None,
        limits: Mapping[str, int] | None = None,
        covers: Iterable[str] = (),
        mandates: Iterable[str] = (),
        allow: Iterable[str] = (),
        access: Sequence[Mapping[str, Any]] | None = None,
        only_at: int | None = None,
        keep: bool = True,
    ) -> Platform:
        """Register a platform or change it; Rejected `platform.invalid`, NotFound `adapter.unknown`.

        `only_at`: only if it is still as it was at this revision (0: not registered); Conflict `platform.changed`.
        `keep` False: it is checked, and given as it would be.
        Deliveries that waited for a platform like it are its own now; refused credentials are tried again.
        """
        right = {} if dossier is None else {DOSSIER.name: dossier}
        said = {**(settings or {}), **right}
        also = {"covers": tuple(covers), "mandates": tuple(mandates), "allow": tuple(allow)}
        ways = None if access is None else tuple(access)
        asked = Registration(platform_id, adapter, version, said, mode, limits or {}, access=ways, **also)

        async def change() -> Platform:
            registry = await self._ledger.registry()
            before = registry.platforms.get(platform_id)
            spoken, versions = self._adapters.get(adapter, version), self._adapters.versions(adapter)
            platform = registered(
                asked, spoken, self._routes.kinds, before, intent.at, versions, registry.areas, self._allowed
            )
            if not keep:
                return platform
            take = self._taker({**self.directory, platform.id: platform}, self._adapters.now)
            # The key stands for what was asked: what the platform keeps beside it may change before it comes again.
            await self._apply(
                await self._ledger.put_platform(platform, intent, take, asked=asdict(asked), only_at=only_at)
            )
            after = self._standing(platform_id)
            if before is not None:
                self._tell_released(before, after)
            return after

        return await self.change(change)

    def _tell_released(self, before: Platform, after: Platform) -> None:
        """Tell of the holds that ended with a registration; of pauses the mirror tells."""
        left = {(hold.by, hold.type) for hold in after.holds}
        for by, type in [(hold.by, hold.type) for hold in before.holds if hold.by is not HeldBy.PAUSED]:
            if (by, type) not in left and type is None:
                self._events(PlatformReleased(after.id, by.value))
            elif (by, type) not in left and type is not None:
                self._events(EndpointReleased(after.id, type))

    async def delete(self, platform_id: str, intent: Intent) -> None:
        """Forget a platform and its credentials; Conflict `platform.in-use` while it has deliveries to get."""

        async def change() -> None:
            # Read before, so that whatever holds it is known and told as lifted.
            await self.take_over()
            await self._apply(await self._ledger.delete_platform(platform_id, intent))

        await self.change(change)

    async def pause(self, platform_id: str, intent: Intent) -> Platform:
        """Hold everything to a platform until `resume`; pausing twice changes nothing."""

        async def change() -> Platform:
            paused = Hold(HeldBy.PAUSED, intent.at, intent.reason)
            await self._ledger.hold_platform(platform_id, paused, intent)
            await self.take_over()
            return self._standing(platform_id)

        return await self.change(change)

    async def resume(self, platform_id: str, intent: Intent) -> Platform:
        """Let a paused platform's deliveries go on."""

        async def change() -> Platform:
            await self._ledger.release_platform(platform_id, HeldBy.PAUSED, intent)
            await self.take_over()
            return self._standing(platform_id)

        return await self.change(change)

    # ── credentials ───────────────────────────────────────────────────────────────────────────
    async def issue_credential(
        self,
        platform_id: str,
        intent: Intent,
        label: str = "",
        expires_at: datetime | None = None,
        kind: str = BEARER,
        public_key: str = "",
    ) -> Issued:
        """Make a credential for a platform's calls, beside those it has; of one that is sent only the hash is kept.

        Of the kind `sm2` it is the platform's own `public_key`, and there is nothing to be shown. Conflict
        `idempotency.secret-shown` for a key that was used before, Rejected `credential.invalid` when it
        would have expired already, and for what is no public key.
        """
        if expires_at is not None and expires_at <= intent.at:
            raise Rejected("credential.invalid", OVER_ALREADY)
        token, secret = made(kind, public_key)
        id = new_id(intent.at)
        digest = hash_token(token or f"{id} {secret}")
        credential = Credential(id, platform_id, digest, label, intent.at, expires_at, kind=kind, secret=secret)

        async def change() -> Issued:
            try:
                await self._ledger.add_credential(credential, intent)
            except Conflict as error:
                raise secret_shown() if error.code == "idempotency.key-reused" else error from None
            await self.take_over()
            return Issued(token, credential)

        return await self.change(change)

    async def credentials(self, platform_id: str) -> Sequence[Credential]:
        """Give a platform's credentials in the order of their issue, expired and revoked ones too."""
        await self.get(platform_id)
        return [one for one in await self._ledger.credentials() if one.platform == platform_id]

    async def revoke_credential(self, platform_id: str, credential_id: str, intent: Intent) -> None:
        """Have a credential open nothing any more; NotFound `credential.absent`. Once it was, nothing happens."""

        async def change() -> None:
            await self._ledger.revoke_credential(platform_id, credential_id, intent)
            await self.take_over()

        await self.change(change)

    # ── adapters ──────────────────────────────────────────────────────────────────────────────

    async def change_adapters(
        self,
        versions: Sequence[AdapterVersion],
        intent: Intent,
        action: str,
        spoken: SpokenAdapters,
        asked: Mapping[str, Any] | None = None,
    ) -> Sequence[AdapterVersion]:
        """Write how adapter versions stand; what can be sent now goes out. `spoken`: what platforms speak after it.

        `asked` is what was asked for, to be known again under the intent's key.
        """

        async def change() -> Sequence[AdapterVersion]:
            names = {one.name for one in versions}
            kinds = {one.kind for one in self.directory.values() if one.adapter in names}
            take = self._taker(self.directory.registry.platforms, spoken)
            kept, done = await self._ledger.change_adapters(versions, intent, action, kinds, take, asked=asked)
            await self._apply(done)
            return kept

        return await self.change(change)

    async def change(self, change: Callable[[], Awaitable[T]]) -> T:
        """Commit and apply, one change at a time. Cancelling the caller does not stop it half-way."""
        return await asyncio.shield(asyncio.ensure_future(self._alone(change)))

    async def _alone(self, change: Callable[[], Awaitable[T]]) -> T:
        async with self._changing:
            if self._doubts != self._cleared:
                await self.take_over()
            try:
                changed = await change()
            except _NOTHING_WRITTEN:
                raise
            except BaseException:
                # It may have been committed all the same, or it was and could not be applied.
                self.doubt()
                raise
        self._tell(CHANGES)
        return changed

    def doubt(self) -> None:
        """Say that something may have been committed although its answer was lost.

        From now on memory counts as out of date, until the ledger was read again.
        """
        self._doubts += 1
        self._alarm()

    def _standing(self, platform_id: str) -> Platform:
        """Give a platform as it was read back; one that was deleted before a request came again: NotFound."""
        found = self.directory.get(platform_id)
        if found is None:
            raise no_platform(platform_id)
        return found

    # ── functional areas ──────────────────────────────────────────────────────────────────────
    async def areas(self) -> Sequence[Area]:
        """Give every functional area, by code."""
        areas = (await self._ledger.registry()).areas
        return [areas[code] for code in sorted(areas)]

    async def area(self, code: str) -> Area:
        """Give an area; NotFound `area.unknown`."""
        found = (await self._ledger.registry()).areas.get(code)
        if found is None:
            raise no_area(code)
        return found

    async def put_area(self, area: Area, intent: Intent) -> Area:
        """Add an area or change it; Rejected `area.invalid`. Deliveries that find a platform with it go out."""

        async def change() -> Area:
            areas = (await self._ledger.registry()).areas
            check_area(area, areas)
            take = self._taker(self.directory.registry.platforms, self._adapters.now, {**areas, area.code: area})
            await self._apply(await self._ledger.put_area(area, intent, self._routes.kinds, take))
            return self.directory.registry.areas.get(area.code, area)

        return await self.change(change)

    async def delete_area(self, code: str, intent: Intent) -> None:
        """Forget an area; NotFound `area.unknown`, Conflict `area.in-use` while a platform or an area names it."""

        async def change() -> None:
            areas = {name: one for name, one in (await self._ledger.registry()).areas.items() if name != code}
            take = self._taker(self.directory.registry.platforms, self._adapters.now, areas)
            await self._apply(await self._ledger.delete_area(code, intent, self._routes.kinds, take))

        await self.change(change)

    # ── kinds that a region does not have ─────────────────────────────────────────────────────
    async def unwanted(self) -> Sequence[Unwanted]:
        """Give what was declared, by kind and region."""
        return await self._ledger.unwanted()

    async def unwanted_at(self, kind: str, region: str) -> Unwanted:
        """Give one declaration; NotFound `unwanted.unknown`."""
        declared = {(one.kind, one.region): one for one in await self.unwanted()}
        if (kind, region) not in declared:
            raise _undeclared(kind, region)
        return declared[kind, region]

    async def declare_unwanted(self, kind: str, region: str, intent: Intent) -> Unwanted:
        """Declare that a region has no platform of a kind; Rejected `unwanted.invalid` for what is neither.

        It changes what is shown and counted as `unrouted`, and nothing of where deliveries go.
        """
        areas = self.directory.registry.areas
        faults = [*kind_faults(kind, self._routes.kinds, "kind"), *region_faults(region, "region", areas)]
        if faults:
            raise Rejected("unwanted.invalid", _NO_SUCH, faults)
        return await self._ledger.put_unwanted(kind, region, intent)

    async def withdraw_unwanted(self, kind: str, region: str, intent: Intent) -> None:
        """Withdraw a declaration; NotFound `unwanted.unknown`."""
        if not await self._ledger.delete_unwanted(kind, region, intent):
            raise _undeclared(kind, region)

    # ── applying ──────────────────────────────────────────────────────────────────────────────
    async def load(self) -> None:
        """Take over what the ledger says, before anything is delivered."""
        async with self._changing:
            await self.take_over()

    async def refresh(self, revision: int) -> None:
        """Return once memory is at a revision of the registry, or at a later one."""
        if self.directory.registry.revision >= revision:
            return
        # Whoever committed that revision has the lock until it is applied. When it is still missing
        # afterwards, its answer was lost.
        async with self._changing:
            if self.directory.registry.revision < revision:
                await self.take_over()

    def follow(self, changes: int) -> None:
        """Take over what was changed elsewhere, if there are more changes than memory has; it returns at once."""
        if changes > self.directory.registry.changes and self._following is None:
            self._following = asyncio.create_task(self._caught_up(), name="follow")

    async def _caught_up(self) -> None:
        try:
            async with self._changing:
                await self.take_over()
        except HutongError as error:
            _log.warning("what was changed elsewhere is not taken over yet: %s", error)  # the next beat shows it
        finally:
            self._following = None

    async def reconcile(self) -> None:
        """Bring memory to where the ledger is, and give out what is unrouted although somebody can take it."""
        async with self._changing:
            known, kept = self.directory.registry.revision, (await self._ledger.registry()).revision
            if self._doubts != self._cleared or kept != known:
                _log.warning("memory may be behind the ledger, which is read again: revision %s, here %s", kept, known)
                await self.take_over()
        # Between two turns: this is a search, and whoever changes a platform must not wait for searches.
        unrouted = [one for one in await self._ledger.backlog() if one.state in (State.UNROUTED, UNWANTED)]
        async with self._changing:
            await self._assign(unrouted)

    async def _apply(self, done: Registered) -> None:
        await self.take_over()
        self._mirror.wake(done.given)

    async def take_over(self) -> None:
        """Read the ledger and take over what it says; only within a change."""
        # Counted before the read: who doubts while the ledger is read makes it be read once more.
        doubts = self._doubts
        await self._mirror.take_over()
        if doubts != self._cleared:
            self._cleared = doubts
            # Something may be ready of which nobody was told, because the answer was lost.
            self._mirror.wake(self.directory)

    async def _assign(self, unrouted: Sequence[Backlog]) -> None:
        """Give unrouted deliveries to the platforms that can take them now.

        Every change does that itself in its transaction, so that there is nothing left to do here but
        what an earlier version of the gateway left.
        """
        there = {platform.kind for platform in self.directory.values()}
        waiting = [one for one in unrouted if one.kind in there]
        # Looked through once for the same platforms and the same number of them, and not every minute.
        looked_at = self.directory.registry.revision, frozenset((one.kind, one.count) for one in waiting)
        if waiting and looked_at != self._looked_at:
            take = self._taker(self.directory.registry.platforms, self._adapters.now)
            self._mirror.wake(await self._ledger.assign({one.kind for one in waiting}, take, self._clock()))
            self._looked_at = looked_at

    def _taker(
        self, platforms: Mapping[str, Platform], spoken: SpokenAdapters, areas: Mapping[str, Area] | None = None
    ) -> Taker:
        """Choose among platforms as they are now; neither changes while the ledger's thread uses them."""
        known = self.directory.registry.areas if areas is None else areas
        return router.taker(Coverage(platforms, known), spoken.can_send)


OVER_ALREADY = Text(
    "expires_at 已经过去；请给出将来的时间",
    "expires_at is over already; give a time that is to come",
)
_NO_SUCH = Text(
    "平台类别或行政区划有误，请按 errors 更正后重发",
    "The kind or the region is none: correct them as `errors` says and send it again",
)


def _not_called(platform_id: str) -> Conflict:
    return Conflict(
        Text(
            f"平台 {platform_id} 登记为 pull（自行取件），网关不主动连接；它是否在取件，见指标 hutong_inbox_polls",
            f"{platform_id} is registered as pull: it fetches for itself and is not called; "
            "the metric hutong_inbox_polls says whether it does",
        ),
        code="platform.pull",
    )


def secret_shown() -> Conflict:
    """Say that a secret was made under this key before, and is not shown again."""
    return Conflict(
        Text(
            "该 Idempotency-Key 已用过；凭据只显示一次，不再重复显示；如未收到，请换用新的键另行签发",
            "This Idempotency-Key was used before, and a credential is shown only once; "
            "if it did not arrive, issue another one under a new key",
        ),
        code="idempotency.secret-shown",
    )


def _undeclared(kind: str, region: str) -> NotFound:
    return NotFound(
        Text(
            f"没有对 {kind}.{region} 的声明；GET /v1/unwanted 列出全部声明",
            f"Nothing was declared of {kind}.{region}; GET /v1/unwanted lists what was",
        ),
        code="unwanted.unknown",
    )

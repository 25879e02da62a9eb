"""Memory's copy of the registry: read from the ledger after any change or failure, and told to the dispatcher."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from msgspec.structs import replace

from adapters.base import Adapter
from gateway.access import Principals
from gateway.delivery.dispatcher import Dispatcher
from gateway.errors import HutongError
from gateway.intake.directory import Directory, SpokenAdapters
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform
from gateway.message import HeldBy
from gateway.telemetry.events import EndpointReleased, Events, PlatformHeld, PlatformReleased


class Mirror:
    """The directory, the adapters, the callers and the dispatcher, all of them as the ledger says.

    It only ever reads the ledger and takes over what it says. So it does not matter what was changed,
    by whom, or whether the answer to a change was lost: one reading brings all of it up to date.

    `learn` takes up the adapter versions that the ledger keeps. `forgotten` is told the id of every
    platform that is not registered any more.
    """

    def __init__(
        self,
        ledger: Ledger,
        adapters: SpokenAdapters,
        learn: Callable[[], Awaitable[None]],
        directory: Directory,
        dispatcher: Dispatcher,
        events: Events,
        forgotten: Callable[[str], None],
        principals: Principals,
    ) -> None:
        self.directory = directory
        self.principals = principals
        self._ledger = ledger
        self._adapters = adapters
        self._learn = learn
        self._dispatcher = dispatcher
        self._events = events
        self._forgotten = forgotten
        self._told: dict[str, tuple[Platform, Adapter | None]] = {}  # what the dispatcher was told last

    async def take_over(self) -> None:
        """Read the ledger, and take over what it says."""
        # The registry first: adapters that are newer than its revision do no harm, since accept then says that
        # the registry moved; older ones would be taken for those of this revision.
        registry = await self._ledger.registry()
        await self._learn()
        credentials, people = await self._ledger.credentials(), await self._ledger.people()
        # Nothing is awaited from here on: routing, authentication and delivery change together.
        before = self.directory.registry.platforms
        self.directory.take(registry)
        self.principals.know(credentials, people)
        for platform_id in before.keys() - registry.platforms.keys():
            self._remove(before[platform_id], registry.revision)
        for platform in registry.platforms.values():
            self._tell(platform, before.get(platform.id))

    def wake(self, platforms: Iterable[str]) -> None:
        """Say that these platforms may have something to be delivered."""
        for platform_id in platforms:
            self._dispatcher.wake(platform_id)

    def _remove(self, platform: Platform, revision: int) -> None:
        self._told.pop(platform.id, None)
        self._dispatcher.platform_removed(platform.id, revision)
        self._forgotten(platform.id)
        for hold in platform.holds:
            if hold.type is None:
                self._events(PlatformReleased(platform.id, hold.by.value))
            else:
                self._events(EndpointReleased(platform.id, hold.type))

    def _tell(self, platform: Platform, before: Platform | None) -> None:
        """Tell the dispatcher of a platform that is not as it was told last, and everybody of a pause.

        Of the holds that are there when a process begins, the dispatcher tells.
        """
        known = _as_operators_left_it(platform), self._spoken(platform)
        if self._told.get(platform.id) != known:
            self._told[platform.id] = known
            self._dispatcher.platform_changed(platform)
        if before is None:
            return
        paused, was = _is_paused(platform), _is_paused(before)
        if paused and not was:
            self._events(PlatformHeld(platform.id, HeldBy.PAUSED.value))
        elif was and not paused:
            self._events(PlatformReleased(platform.id, HeldBy.PAUSED.value))

    def _spoken(self, platform: Platform) -> Adapter | None:
        try:
            return self._adapters.of(platform)
        except HutongError:
            return None


def _is_paused(platform: Platform) -> bool:
    return HeldBy.PAUSED in platform.held_by()


def _as_operators_left_it(platform: Platform) -> Platform:
    """Give a platform without the holds that its own worker decides."""
    return replace(platform, holds=tuple(hold for hold in platform.holds if hold.by is HeldBy.PAUSED))

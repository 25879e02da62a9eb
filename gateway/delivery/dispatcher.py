"""One worker for every platform, and the wake-ups passed on to it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from adapters.base import Adapter, OutboundRequest
from gateway.clock import Clock, new_id
from gateway.delivery.attempt import Attempts, DeliveryTarget, DeliveryWatch, unwatched
from gateway.delivery.breaker import Policy
from gateway.delivery.outgoing import keyed, stamped
from gateway.delivery.sender import NoAnswer, Sender, Unsendable
from gateway.delivery.worker import ACTOR, PlatformWorker
from gateway.errors import HutongError
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform
from gateway.message import HeldBy
from gateway.telemetry.events import DeliveryStumbled, Events, PlatformHeld, PlatformReleased
from schemas.findings import Rejected

_log = logging.getLogger(__name__)
_PUSH = "push"
_PING = timedelta(seconds=5)
_REFUSED = (401, 403)
_GRACE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Ping:
    """Whether a platform can be reached. `status` is whatever it answered; `reason` why it is not `ok`."""

    ok: bool
    seconds: float
    status: int | None = None
    reason: str | None = None


class AdapterVersions(Protocol):
    """The adapters that deliveries are made with; handed in, since the versions live above delivery."""

    def get(self, name: str, version: str | None = None) -> Adapter:
        """Give an adapter, the active one unless a version is named; NotFound `adapter.unknown`."""

    def of(self, platform: Platform) -> Adapter:
        """Give the adapter that a platform speaks; NotFound `adapter.unknown`."""


class Dispatcher:
    """Delivers everything the ledger holds for the platforms it knows.

    `start` rescues what a crash left half-sent, lifts the holds of breakers that died with the
    process, and tells of the holds that stay; `stop` lets calls under way end. Between them, `wake`
    and the two `platform_…` calls tell it what changed; they never block.
    """

    def __init__(
        self,
        ledger: Ledger,
        adapters: AdapterVersions,
        sender: Sender,
        clock: Clock,
        events: Events,
        *,
        policy: Policy | None = None,
        watch: DeliveryWatch = unwatched,
    ) -> None:
        self._adapters = adapters
        self._policy = policy or Policy()
        self._attempts = Attempts(ledger, sender, clock, events, watch=watch)
        self._workers: dict[str, PlatformWorker] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._running = False

    async def start(self) -> None:
        """Begin to deliver."""
        # Rescue before any worker runs: it takes every delivery that is `sending` for one that a dead
        # process left, and a worker of this process would soon have its own.
        ledger, clock = self._attempts.ledger, self._attempts.clock
        await ledger.rescue(clock())
        for platform in await ledger.platforms():
            if HeldBy.BREAKER in platform.holds:
                await self._lift(platform)
        self._running = True
        # Read again: the platforms that were read above still have the breaker's hold.
        for platform in await ledger.platforms():
            for by in sorted(platform.holds):
                self._attempts.events(PlatformHeld(platform.id, by.value, "still-held"))
            self.platform_changed(platform)

    async def _lift(self, platform: Platform) -> None:
        ledger, now = self._attempts.ledger, self._attempts.clock()
        await ledger.release_platform(platform.id, HeldBy.BREAKER, actor=ACTOR, reason="restarted", at=now)
        self._attempts.events(PlatformReleased(platform.id, HeldBy.BREAKER.value))

    async def stop(self, grace: timedelta = _GRACE) -> None:
        """Start nothing more and wait for what is under way; what outlasts `grace` is cut off, and in doubt."""
        self._running = False
        workers, self._workers = list(self._workers.values()), {}
        await asyncio.gather(*(worker.stop(grace) for worker in workers), *self._leaving)

    def wake(self, platform_id: str) -> None:
        """Say that a platform may have something to be delivered."""
        worker = self._workers.get(platform_id)
        if worker is not None:
            worker.wake()

    def platform_changed(self, platform: Platform) -> None:
        """Say that a platform is new, or that its settings, adapter, mode or holds are not what they were."""
        to = self._destination(platform)
        if to is None or not self._running:
            self.platform_removed(platform.id)
        elif platform.id in self._workers:
            self._workers[platform.id].change(to)
        else:
            worker = self._workers[platform.id] = PlatformWorker(to, self._attempts, self._policy)
            worker.start()

    def _destination(self, platform: Platform) -> DeliveryTarget | None:
        """Give where to deliver; None when the platform fetches for itself or its adapter is not installed."""
        if platform.mode != _PUSH:
            return None
        try:
            return DeliveryTarget(platform, self._adapters.of(platform), lambda name: self._version(name, platform))
        except HutongError as error:
            _log.error("nothing is delivered to %s: %s", platform.id, error)
            self._attempts.events(DeliveryStumbled(platform.id, error.code))
            return None

    def _version(self, name: str, platform: Platform) -> Adapter:
        """Give the adapter a delivery began with; when it is gone, the one that speaks to its platform now."""
        adapter, _, version = name.partition("@")
        try:
            return self._adapters.get(adapter, version)
        except HutongError:
            return self._adapters.of(platform)

    def platform_removed(self, platform_id: str) -> None:
        """Say that a platform is no more; calls under way to it end on their own."""
        worker = self._workers.pop(platform_id, None)
        if worker is not None:
            leaving = asyncio.create_task(self._leave(platform_id, worker))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def _leave(self, platform_id: str, worker: PlatformWorker) -> None:
        await worker.stop(_GRACE)
        # While it waited the platform may have been registered again, and uses the connections.
        if platform_id not in self._workers:
            await self._attempts.sender.forget(platform_id)

    async def ping(self, platform: Platform) -> Ping:
        """Call a platform's base address once; any answer but 401 and 403 will do."""
        clock = self._attempts.clock
        began = clock()
        status, reason = await self._call(platform, keyed(OutboundRequest("GET", "/"), new_id(began), None))
        return Ping(reason is None, (clock() - began).total_seconds(), status, reason)

    async def _call(self, platform: Platform, request: OutboundRequest) -> tuple[int | None, str | None]:
        try:
            authorised = self._adapters.of(platform).authorise(request, platform.settings)
            reply = await self._attempts.sender.send(platform, stamped(authorised, self._attempts.clock()), _PING)
        except NoAnswer as none:
            return None, none.reason
        except (Rejected, HutongError) as fault:
            return None, fault.code
        except Unsendable:
            return None, "request.unwritable"
        return reply.status, "credentials" if reply.status in _REFUSED else None

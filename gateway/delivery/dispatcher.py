"""One worker for every platform, and what the rest of the gateway tells it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from adapters.base import Adapter, OutboundRequest
from gateway.clock import Clock, Ticks, monotonic, new_id, steady
from gateway.delivery.attempt import Attempts, DeliveryTarget, DeliveryWatch, unwatched
from gateway.delivery.breaker import BreakerPolicy
from gateway.delivery.holds import obeyed
from gateway.delivery.inboxes import Inboxes
from gateway.delivery.lapses import LEASE
from gateway.delivery.no_answer import NoAnswer, Unsendable
from gateway.delivery.outgoing import keyed, stamped
from gateway.delivery.own_claim import CLAIM_LOST, SUPERSEDED, OwnClaim
from gateway.delivery.retry import LONGEST_ASKED
from gateway.delivery.sender import Sender
from gateway.delivery.worker import PlatformWorker, WorkerStanding
from gateway.errors import Conflict, HutongError
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform, Registry, Work
from gateway.readers import OnThreads, TaskRunner
from gateway.telemetry.events import DeliveryStopped, DeliveryStumbled, Events, PlatformHeld
from gateway.telemetry.loop import LoopWatch
from schemas.findings import Rejected

T = TypeVar("T")

_log = logging.getLogger(__name__)
_PING = timedelta(seconds=5)
_REFUSED = (401, 403)
_GRACE = timedelta(seconds=15)
_PAUSE = timedelta(seconds=1)


class SharedRead(Generic[T]):
    """Reads once for everybody who asks while an earlier read is under way.

    That earlier read is not given to them: it may have begun before what they want to see. All of
    them get the next one, so that many who ask at once cost two reads.
    """

    def __init__(self, source: Callable[[], Awaitable[T]]) -> None:
        self._source = source
        self._now: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def read(self) -> T:
        """Give what a read says that began after this call."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._now))
        # Who gives up waiting must not end it for the others.
        return await asyncio.shield(self._next)

    async def _after(self, earlier: asyncio.Task[T] | None) -> T:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._now, self._next = self._next, None
        return await self._source()


class Ping(Struct, frozen=True):
    """Whether a platform can be reached. `status` is whatever it answered; `reason` why it is not `ok`.

    `detail` says what was met, in words for people.
    """

    ok: bool
    seconds: float
    status: int | None = None
    reason: str | None = None
    detail: str = ""


class AdapterVersions(Protocol):
    """The adapters that deliveries are made with; handed in, since the versions live above delivery."""

    def get(self, name: str, version: str | None = None) -> Adapter:
        """Give an adapter, the active one unless a version is named; NotFound `adapter.unknown`."""

    def of(self, platform: Platform) -> Adapter:
        """Give the adapter that a platform speaks; NotFound `adapter.unknown`."""


class Dispatcher:
    """Delivers everything the ledger holds for the platforms it knows.

    `start` tells of the holds that stay and starts a worker a platform, which claims it, rescues
    what a crash left `sending`, and lifts the breaker holds of an earlier process; `stop`
    lets calls under way end. A platform that fetches for itself has an inbox instead of a worker
    (`inboxes`); `lease` is how long it has what it fetched. Between them, `wake` and the two
    `platform_…` calls tell it what changed; they never block. A change with an older revision than the
    one known is ignored. `pause`: how long to wait before what failed is tried again; `grace`: how long
    calls under way may take to end.
    """

    def __init__(
        self,
        ledger: Ledger,
        adapters: AdapterVersions,
        sender: Sender,
        clock: Clock,
        events: Events,
        *,
        ticks: Ticks = monotonic,
        policy: BreakerPolicy | None = None,
        watch: DeliveryWatch = unwatched,
        pause: timedelta = _PAUSE,
        grace: timedelta = _GRACE,
        longest_asked: timedelta = LONGEST_ASKED,
        readers: TaskRunner | None = None,
        loop_watch: LoopWatch | None = None,
        lease: timedelta = LEASE,
    ) -> None:
        self._adapters = adapters
        self._policy = policy or BreakerPolicy()
        self._attempts = Attempts(
            ledger,
            sender,
            clock,
            ticks,
            steady(clock, ticks),
            events,
            pause,
            watch,
            longest_asked,
            readers or OnThreads(),
            loop_watch or LoopWatch(events, ticks),
        )
        self.inboxes = Inboxes(self._attempts, adapters, lease, self.wake, self.wake_all, self._on_error)
        self._workers: dict[str, PlatformWorker] = {}
        self._known: set[str] = set()  # the platforms that are registered
        self._own_claims: dict[str, OwnClaim] = {}
        self._revisions: dict[str, int] = {}  # at which a platform was last changed or removed
        self._leaving: set[asyncio.Task[None]] = set()
        self._reading = SharedRead(ledger.registry)
        self._grace = grace
        self._running = False

    async def start(self) -> None:
        """Begin to deliver."""
        registry = await self._attempts.ledger.registry()
        self._running = True
        for platform in registry.platforms.values():
            for by in sorted(obeyed(platform)):
                self._attempts.events(PlatformHeld(platform.id, by.value, "still-held"))
            self.platform_changed(platform)
        self.inboxes.start()
        for platform_id in self._without_worker():
            await self._rescue(platform_id)

    async def reconcile(self) -> None:
        """Make ready again what nobody is sending, of the platforms that have no worker to do it, and what lapsed."""
        if not self._running:
            return
        self.inboxes.look()
        try:
            for platform_id in self._without_worker():
                await self._rescue_or_raise(platform_id)
        except HutongError as error:
            if error.code != SUPERSEDED:
                raise
            self.superseded()

    def _without_worker(self) -> Sequence[str]:
        """Give the platforms that fetch for themselves, and those whose adapter is not installed."""
        return sorted(self._known - self._workers.keys())

    async def stop(self, grace: timedelta | None = None) -> None:
        """Start nothing more and wait for calls under way; what takes longer than `grace` is cancelled, in doubt."""
        self._running = False
        await self.inboxes.stop()
        grace = self._grace if grace is None else grace
        workers, self._workers = list(self._workers.values()), {}
        for own in self._own_claims.values():
            own.given_up = True
        await asyncio.gather(*(worker.stop(grace) for worker in workers), *self._leaving)

    def standing(self) -> list[WorkerStanding]:
        """Tell how the worker of each platform stands."""
        return [worker.standing for worker in self._workers.values()]

    def wake(self, platform_id: str) -> None:
        """Say that a platform may have something to be delivered."""
        worker = self._workers.get(platform_id)
        if worker is not None:
            worker.wake()
        else:
            self.inboxes.wake(platform_id)

    def wake_all(self) -> None:
        """Say that every platform may have something to be delivered."""
        for platform_id in self._known:
            self.wake(platform_id)

    def offer(self, work: Work) -> None:
        """Give a head that was just accepted to its platform's worker."""
        platform_id = work.delivery.platform or ""
        worker = self._workers.get(platform_id)
        if worker is not None:
            worker.offer(work)
        else:
            self.inboxes.wake(platform_id)

    def platform_changed(self, platform: Platform) -> None:
        """Say that a platform is new, or that its settings, adapter, mode or holds are not what they were.

        When this returns, nothing more is sent to it by what it was before: only calls under way end, and
        what it fetched it has until its receipt.
        """
        if not self._running or not self._is_news(platform.id, platform.revision):
            return
        self._known.add(platform.id)
        to = self._destination(platform)
        if to is None or not platform.fetches:
            self.inboxes.close(platform.id)
        if to is None or platform.fetches:
            self._retire(platform.id)
        if to is not None and platform.fetches:
            self.inboxes.open(to)
        elif to is not None:
            self._deliver(to)

    def _deliver(self, to: DeliveryTarget) -> None:
        platform = to.platform
        if platform.id in self._workers:
            self._workers[platform.id].change(to)
        else:
            own = self._own_claims.setdefault(platform.id, OwnClaim())
            worker = self._workers[platform.id] = PlatformWorker(to, own, self._attempts, self._policy, self)
            worker.start()

    def _is_news(self, platform_id: str, revision: int) -> bool:
        known = self._revisions.get(platform_id, 0)
        self._revisions[platform_id] = max(known, revision)
        return revision >= known

    def _destination(self, platform: Platform) -> DeliveryTarget | None:
        """Give where to deliver; None when its adapter is not installed."""
        try:
            return DeliveryTarget(platform, self._adapters.of(platform), lambda name: self._version(name, platform))
        except HutongError as error:
            _log.error("nothing is delivered to %s: %s", platform.id, error)
            self._attempts.events(DeliveryStumbled(platform.id, error.code))
            return None

    def _version(self, name: str, platform: Platform) -> Adapter:
        """Give the adapter a delivery began with; when it is not installed any more, its platform's of now."""
        adapter, _, version = name.partition("@")
        try:
            return self._adapters.get(adapter, version)
        except HutongError:
            return self._adapters.of(platform)

    def platform_removed(self, platform_id: str, revision: int) -> None:
        """Say that a platform is no more since a revision of the registry; calls under way to it end on their own."""
        if self._is_news(platform_id, revision):
            self._known.discard(platform_id)
            self.inboxes.close(platform_id)
            self._retire(platform_id)

    def _retire(self, platform_id: str) -> None:
        worker = self._workers.pop(platform_id, None)
        if worker is not None:
            # At once: when this returns, the worker begins nothing more and makes no further call.
            worker.halt()
            leaving = asyncio.create_task(self._leave(platform_id, worker))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def _leave(self, platform_id: str, worker: PlatformWorker) -> None:
        cut_off = await worker.stop(self._grace)
        # Meanwhile the platform may have got another worker, which repairs what was cancelled and
        # uses the connections.
        if platform_id in self._workers:
            return
        if cut_off:
            await self._rescue(platform_id)
        await self._attempts.sender.forget(platform_id)

    async def _rescue_or_raise(self, platform_id: str) -> None:
        """Make ready again what nobody is sending, of a platform that has no worker to do it."""
        ledger, ticks = self._attempts.ledger, self._attempts.ticks
        own = self._own_claims.setdefault(platform_id, OwnClaim())
        if own.may_claim(ticks()):
            own.claim = await ledger.claim(platform_id)
        if (claim := own.claim) is None:
            return
        try:
            await ledger.rescue(claim, frozenset(own.under_way), self._attempts.clock())
        except Conflict as error:
            if error.code != CLAIM_LOST:
                raise
            own.lose(claim, ticks())

    async def _rescue(self, platform_id: str) -> None:
        try:
            await self._rescue_or_raise(platform_id)
        except HutongError as error:
            _log.warning("deliveries to %s that nobody is sending may stay `sending`: %s", platform_id, error)
            self._attempts.events(DeliveryStumbled(platform_id, error.code))

    # ── what the workers ask and tell ──────────────────────────────────────────────────────────────────
    async def registry(self) -> Registry:
        """Give the ledger's registry, from a read that began after this call."""
        return await self._reading.read()

    def superseded(self) -> None:
        """Stop all delivery: another process has the ledger, and sends what this one would."""
        if not self._running:
            return
        self._running = False
        _log.critical("another gateway process has taken over the ledger: nothing more is delivered from here")
        self._attempts.events(DeliveryStopped(SUPERSEDED))
        self.inboxes.end()
        for worker in self._workers.values():
            worker.halt()

    def _on_error(self, error: Exception) -> None:
        """Take note of an error that no worker hears of."""
        if getattr(error, "code", None) == SUPERSEDED:
            self.superseded()
            return
        _log.warning("leases met a fault and are looked at again", exc_info=error)
        self._attempts.events(DeliveryStumbled("", type(error).__name__))

    # ── ping ──────────────────────────────────────────────────────────────────────────────────
    async def ping(self, platform: Platform) -> Ping:
        """Call a platform's base address once; any answer but 401 and 403 will do."""
        ticks = self._attempts.ticks
        began = ticks()
        key = new_id(self._attempts.clock())
        status, reason, detail = await self._call(platform, keyed(OutboundRequest("GET", "/"), key, None))
        return Ping(reason is None, ticks() - began, status, reason, detail)

    async def _call(self, platform: Platform, request: OutboundRequest) -> tuple[int | None, str | None, str]:
        try:
            authorised = self._adapters.of(platform).authorise(request, platform.settings)
            reply = await self._attempts.sender.send(platform, stamped(authorised, self._attempts.clock()), _PING)
        except NoAnswer as none:
            return None, none.reason, none.detail
        except (Rejected, HutongError) as fault:
            return None, fault.code, ""
        except Unsendable as fault:
            return None, "request.unwritable", str(fault)
        return reply.status, "credentials" if reply.status in _REFUSED else None, ""

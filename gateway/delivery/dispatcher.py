"""One worker for every platform that is this process's, and what the rest of the gateway tells it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Protocol

from adapters.base import Adapter
from gateway.clock import Clock, Ticks, monotonic, steady
from gateway.coordination import CHANGES, CLAIMS, Tell, nobody
from gateway.delivery.attempt import Attempts, DeliveryTarget, DeliveryWatch, unwatched
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.beats import Beats
from gateway.delivery.breaker import BreakerPolicy
from gateway.delivery.holds import obeyed
from gateway.delivery.inboxes import Inboxes
from gateway.delivery.lapses import LEASE
from gateway.delivery.own_claim import CLAIM_LOST, CLAIM_TAKEN, SUPERSEDED, OwnClaim
from gateway.delivery.ping import Ping, ping
from gateway.delivery.retry import LONGEST_ASKED
from gateway.delivery.shared_read import SharedRead
from gateway.delivery.sharing import share
from gateway.delivery.worker import PlatformWorker, WorkerStanding
from gateway.errors import Conflict, HutongError
from gateway.ledger.base import Ledger
from gateway.ledger.records import Claim, Platform, Presence, Registry, Work
from gateway.readers import OnThreads, TaskRunner
from gateway.telemetry.events import DeliveryStopped, DeliveryStumbled, Events, PlatformHeld
from gateway.telemetry.loop import LoopWatch

_log = logging.getLogger(__name__)
_GRACE = timedelta(seconds=15)
_PAUSE = timedelta(seconds=1)

LOOK = 2.0
"""Seconds between two looks at the ledger that nothing asked for, while other processes take documents in, too."""


class AdapterVersions(Protocol):
    """The adapters that deliveries are made with; handed in, since the versions live above delivery."""

    def get(self, name: str, version: str | None = None) -> Adapter:
        """Give an adapter, the active one unless a version is named; NotFound `adapter.unknown`."""

    def of(self, platform: Platform) -> Adapter:
        """Give the adapter that a platform speaks; NotFound `adapter.unknown`."""


class Dispatcher:
    """Delivers what the ledger holds for the platforms that are this process's: all of them when it is alone.

    `start` tells of the holds that stay and starts a worker a platform, which claims it, rescues
    what a crash left `sending`, and lifts the breaker holds of an earlier process; `stop`
    lets calls under way end, and gives back each claim as soon as its calls have ended. A platform that fetches for
    itself has an inbox instead of a worker (`inboxes`), in every process; `lease` is how long it has what it fetched.
    Between them, `wake` and the two `platform_…` calls tell it what changed; they never block. A change with an older
    revision than the one known is ignored. `pause`: how long to wait before what failed is tried again; `grace`: how
    long calls under way may take to end.

    Each beat shows what the other processes have: what is due here gets a worker, and what is too much is given
    back once its calls are recorded. `changed` is told the registry's count of changes with each beat, and `tell`
    tells other processes what concerns them.
    """

    def __init__(
        self,
        ledger: Ledger,
        adapters: AdapterVersions,
        sender: AuthorisedSender,
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
        changed: Callable[[int], None] = lambda changes: None,
        tell: Tell = nobody,
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
        self._pushed: dict[str, Platform] = {}  # what may have a worker, here or in another process
        self._leaving: dict[str, asyncio.Task[None]] = {}  # platforms whose worker ends
        self._presence: Presence | None = None
        self._changed = changed
        self._tell = tell
        self._look_at = float("-inf")
        self._beats = Beats(ledger, ticks, self._on_beat)
        self._reading = SharedRead(ledger.registry)
        self._grace = grace
        self._running = False

    async def start(self) -> None:
        """Begin to deliver."""
        ledger = self._attempts.ledger
        registry = await ledger.registry()
        self._running = True
        for platform in registry.platforms.values():
            for by in sorted(obeyed(platform)):
                self._attempts.events(PlatformHeld(platform.id, by.value, "still-held"))
            self.platform_changed(platform)
        await self._beats.start()
        self._tell(CLAIMS)
        self.inboxes.start()
        for platform_id in self._without_worker():
            await self._rescue(platform_id)
            await self._give_back(platform_id)

    async def reconcile(self) -> None:
        """Make ready again what nobody is sending, of the platforms that have no worker to do it, and what lapsed."""
        if not self._running:
            return
        self.inboxes.look()
        try:
            for platform_id in self._without_worker():
                await self._rescue_or_raise(platform_id)
                await self._give_back(platform_id)
        except HutongError as error:
            if error.code != SUPERSEDED:
                raise
            self.superseded()

    def _without_worker(self) -> Sequence[str]:
        """Give the platforms that fetch for themselves, and those whose adapter is not installed."""
        return sorted(self._known - self._pushed.keys())

    async def stop(self, grace: timedelta | None = None) -> None:
        """Start nothing more and wait for calls under way; what takes longer than `grace` is cancelled, in doubt."""
        self._running = False
        self._beats.leave()
        await self.inboxes.stop()
        grace = self._grace if grace is None else grace
        workers, self._workers = dict(self._workers), {}
        for own in self._own_claims.values():
            own.given_up = True
        ending = (self._end(platform_id, worker, grace) for platform_id, worker in workers.items())
        await asyncio.gather(*ending, *self._leaving.values())
        await self._beats.stop()

    async def _end(self, platform_id: str, worker: PlatformWorker, grace: timedelta) -> None:
        await worker.stop(grace)
        await self._give_back(platform_id)

    def standing(self) -> list[WorkerStanding]:
        """Tell how the worker of each platform stands."""
        return [worker.standing for worker in self._workers.values()]

    def wake(self, platform_id: str) -> None:
        """Say that a platform may have something to be delivered, here or by the process that delivers to it."""
        worker = self._workers.get(platform_id)
        if worker is not None:
            worker.wake()
        else:
            self.inboxes.wake(platform_id)
            if platform_id in self._known:
                self._tell(platform_id)

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
            self.wake(platform_id)

    def told(self, words: Collection[str]) -> None:
        """Take what another process tells: platforms that may have something to be delivered, and what changed."""
        for platform_id in words:
            self._wake_here(platform_id)
        if CLAIMS in words or CHANGES in words:
            self._beats.hasten()

    def _wake_here(self, platform_id: str) -> None:
        worker = self._workers.get(platform_id)
        if worker is not None:
            worker.wake()
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
            self._pushed.pop(platform.id, None)
            self._retire(platform.id)
        if to is not None and platform.fetches:
            self.inboxes.open(to)
        elif to is not None:
            self._deliver(to)

    def _deliver(self, to: DeliveryTarget) -> None:
        platform = to.platform
        self._pushed[platform.id] = platform
        if platform.id in self._workers:
            self._workers[platform.id].change(to)
        else:
            self._share()

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
            self._pushed.pop(platform_id, None)
            self.inboxes.close(platform_id)
            self._retire(platform_id)

    def _retire(self, platform_id: str) -> None:
        worker = self._workers.pop(platform_id, None)
        if worker is not None:
            # At once: when this returns, the worker begins nothing more and makes no further call.
            worker.halt()
            leaving = asyncio.create_task(self._leave(platform_id, worker, self._leaving.get(platform_id)))
            self._leaving[platform_id] = leaving
            leaving.add_done_callback(lambda task: self._left(platform_id, task))

    def _left(self, platform_id: str, task: asyncio.Task[None]) -> None:
        if self._leaving.get(platform_id) is task:
            del self._leaving[platform_id]

    async def _leave(self, platform_id: str, worker: PlatformWorker, before: asyncio.Task[None] | None) -> None:
        cut_off = await worker.stop(self._grace)
        if before is not None:
            await before
        # Meanwhile the platform may have got another worker, which repairs what was cancelled and
        # uses the connections.
        if platform_id in self._workers:
            return
        if cut_off and self._own_claims[platform_id].claim is not None:
            await self._rescue(platform_id)
        await self._give_back(platform_id)
        await self._attempts.sender.forget(platform_id)

    async def _rescue_or_raise(self, platform_id: str) -> None:
        """Make ready again what nobody is sending, of a platform that has no worker to do it."""
        ledger, ticks = self._attempts.ledger, self._attempts.ticks
        own = self._own_claims.setdefault(platform_id, OwnClaim())
        try:
            if own.may_claim(ticks()):
                own.claim = await ledger.claim(platform_id)
        except Conflict as error:
            if error.code != CLAIM_TAKEN:
                raise
            return  # whoever delivered to it has not ended yet, or does the same as we
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

    # ── sharing with other processes ──────────────────────────────────────────────────────────────────
    def _on_beat(self, presence: Presence, was_sure: bool) -> None:
        self._presence = presence
        self._changed(presence.changes)
        for platform_id, worker in list(self._workers.items()):
            claim, now = self._own_claims[platform_id].claim, presence.claims.get(platform_id)
            # A claim that is later than this presence is not in it.
            if claim is not None and now is not None and now.epoch > claim.epoch:
                worker.lose(claim)
        self._share()
        for platform_id, one in presence.claims.items():
            if one.owner == presence.me and platform_id not in self._workers and platform_id not in self._leaving:
                self._give_back_soon(Claim(platform_id, one.owner, one.epoch))
        many = len(presence.living) > 1
        if not was_sure or (many and self._attempts.ticks() >= self._look_at):
            self._look_at = self._attempts.ticks() + LOOK
            for platform_id in self._known:
                self._wake_here(platform_id)

    def _share(self) -> None:
        """Start a worker for whatever is due here, and let end those of what is too much."""
        presence = self._presence
        if presence is None or not self._running:
            return
        others = {platform: one.owner for platform, one in presence.claims.items() if one.owner != presence.me}
        leaving = dict.fromkeys(self._leaving, "") if not presence.alone else {}
        due = share(self._pushed, presence.me, self._workers, {**others, **leaving}, presence.living)
        for platform_id in due.take:
            self._begin(platform_id)
        for platform_id in due.give:
            _log.info("%s is given to another process", platform_id)
            self._retire(platform_id)

    def _begin(self, platform_id: str) -> None:
        to = self._destination(self._pushed[platform_id])
        if to is not None:
            own = self._own_claims.setdefault(platform_id, OwnClaim())
            worker = self._workers[platform_id] = PlatformWorker(to, own, self._attempts, self._policy, self)
            worker.start()

    async def _give_back(self, platform_id: str) -> None:
        """Let another process have a platform that has no worker here any more."""
        own = self._own_claims.get(platform_id)
        if own is None or own.claim is None or self._presence is None or self._presence.alone:
            return
        claim, self._own_claims[platform_id] = own.claim, own.successor()
        await self._given_back(claim)

    async def _given_back(self, claim: Claim) -> None:
        try:
            await self._attempts.ledger.give_back(claim)
        except HutongError as error:
            _log.warning("%s is not given back yet: %s", claim.platform, error)  # the next beat shows it
        else:
            self._tell(CLAIMS)

    def _give_back_soon(self, claim: Claim) -> None:
        """Give back what this process has without a worker: because giving it back failed, or it was only rescued."""
        if self._presence is None or self._presence.alone:
            return
        giving = asyncio.create_task(self._given_back(claim))
        self._leaving[claim.platform] = giving
        giving.add_done_callback(lambda task: self._left(claim.platform, task))

    @property
    def sure(self) -> bool:
        """Whether what this process has claimed cannot have lapsed yet."""
        return self._beats.sure

    def claim_gone(self, platform_id: str) -> None:
        """Let a worker end whose platform is another process's; nothing it still learns is written."""
        if self._presence is None or self._presence.alone:
            return
        self._own_claims[platform_id] = self._own_claims[platform_id].successor()
        self._retire(platform_id)

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

    async def ping(self, platform: Platform) -> Ping:
        """Call a platform's base address once; any answer but 401 and 403 will do."""
        attempts = self._attempts
        return await ping(platform, self._adapters.of, attempts.sender, attempts.clock, attempts.ticks)

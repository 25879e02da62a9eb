"""One platform's own worker: its queue, concurrency, rate and breaker, apart from every other platform's."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.base import Verdict
from gateway.delivery.attempt import AttemptResult, Attempts, DeliveryTarget
from gateway.delivery.breaker import Breaker, Phase, Policy
from gateway.delivery.rate import Bucket
from gateway.delivery.wakeup import Wakeup
from gateway.errors import HutongError
from gateway.ledger.records import Work
from gateway.message import HeldBy
from gateway.telemetry.events import DeliveryStumbled, PlatformHeld, PlatformReleased

_log = logging.getLogger(__name__)

ACTOR = "gateway"
"""Who holds and releases platforms in the audit when no person did."""

_QUEUE = 64
_AHEAD = 6
"""How many attempts are begun for each slot while the platform answers within `_QUICK`."""
_QUICK = timedelta(milliseconds=100)
_QUIET = timedelta(milliseconds=50)
"""How long to wait for a wake-up before the ledger is asked what falls due."""
_AFTER_FAULT = timedelta(seconds=1)
_SWEEP = timedelta(seconds=60)
"""How often the ledger is asked although nothing woke the worker."""
_LONGEST_REST = timedelta(minutes=5)


class PlatformWorker:
    """Keeps one platform supplied.

    It asks the ledger for heads when it is told that there may be some, or when one falls due, and
    holds at most a queue of them. Only the call itself takes one of the platform's slots: while the
    platform is quick, more deliveries are begun and settled around the calls, so that they share the
    ledger's commits; while it is slow or down, none is begun before its turn.
    """

    def __init__(self, to: DeliveryTarget, attempts: Attempts, policy: Policy) -> None:
        self._to = to
        self._attempts = attempts
        self._breaker = Breaker(policy)
        self._held = set(to.platform.holds)
        self._wakeup = Wakeup()
        self._queue: deque[Work] = deque()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._stale = True  # the ledger may have heads that are not in the queue
        self._due: datetime | None = None
        self._due_known = False  # whether `_due` is what the ledger says
        self._stopping = False
        self._settle_limits()

    def _settle_limits(self) -> None:
        limits = self._to.adapter.limits
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._most = limits.concurrency
        self._bucket = Bucket(limits.rate)

    # ── from outside ──────────────────────────────────────────────────────────────────────────
    def start(self) -> None:
        """Begin to deliver."""
        self._loop = asyncio.create_task(self._run(), name=f"worker {self._to.platform.id}")

    def wake(self) -> None:
        """Say that there may be something to deliver."""
        self._stale, self._due_known = True, False
        self._wakeup.set()

    def change(self, to: DeliveryTarget) -> None:
        """Take over a changed platform (its settings, adapter or holds); attempts under way end as they began."""
        was, self._to = self._to, to
        if was.adapter.limits != to.adapter.limits:
            self._settle_limits()
        self._held = set(to.platform.holds) - {HeldBy.BREAKER}
        if self._breaker.phase is not Phase.CLOSED:
            self._held.add(HeldBy.BREAKER)
            self._breaker = self._breaker.cooled()
        self._bucket = self._bucket.rested()
        self._queue.clear()
        self.wake()

    async def stop(self, grace: timedelta) -> None:
        """Start nothing more, let what is under way end, and cut it off after `grace`."""
        self._stopping = True
        self._queue.clear()
        self._wakeup.set()
        _, late = await asyncio.wait([self._loop, *self._busy.values()], timeout=grace.total_seconds())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    # ── the loop ──────────────────────────────────────────────────────────────────────────────
    async def _run(self) -> None:
        while not self._stopping:
            # Clear before looking: a wake-up that comes during the round ends the wait after it.
            self._wakeup.clear()
            try:
                pause = await self._round()
            except Exception as error:
                self._report_fault(error)
                self._stale, pause = True, _AFTER_FAULT
            if not self._stopping and pause > timedelta(0) and not await self._wakeup.wait(pause):
                self._sweep(pause)

    def _sweep(self, pause: timedelta) -> None:
        """Periodically ask the ledger again, whether or not a wake-up came: one may have been lost."""
        if pause == _SWEEP:
            self._stale, self._due_known = True, False

    async def _round(self) -> timedelta:
        """Start what may start now; give how long there is nothing more to do unless woken."""
        if self._breaker.phase is not Phase.CLOSED:
            return await self._probe()
        wait = self._start()
        if self._stale and not self._queue:
            await self._fetch()
            return timedelta(0)
        return wait if wait is not None else await self._until_due()

    async def _fetch(self) -> None:
        # Before the read: who calls `wake` while it runs sets it again, and the next round reads once more.
        self._stale = False
        limit = _QUEUE + len(self._busy) + len(self._queue)
        works = await self._attempts.ledger.heads(self._to.platform.id, self._now(), limit)
        if works:
            self._held.discard(HeldBy.CREDENTIALS)
            self._due_known = False
        # After the read: what was launched or queued meanwhile must not be queued a second time.
        known = {work.delivery.id for work in self._queue} | self._busy.keys()
        self._queue.extend(work for work in works if work.delivery.id not in known)
        # A full answer may not have been all.
        self._stale = self._stale or len(works) == limit

    def _start(self) -> timedelta | None:
        """Start attempts while there is room; give the wait for the rate, or None when the queue decides."""
        while self._queue and len(self._busy) < self._most:
            self._bucket, wait = self._bucket.take(self._now())
            if wait > timedelta(0):
                return wait
            self._launch(self._queue.popleft())
        return _SWEEP if self._queue else None

    async def _until_due(self) -> timedelta:
        if not self._due_known:
            if await self._wakeup.wait(_QUIET):
                return timedelta(0)
            # Check, await, check: an attempt that ends while the ledger is asked may add an earlier due
            # time, and says so by clearing the flag; then the answer is too old, and is asked for again.
            self._due_known = True
            due = await self._attempts.ledger.next_due(self._to.platform.id)
            if not self._due_known:
                return timedelta(0)
            self._due = due
        if self._due is None:
            return _SWEEP
        left = self._due - self._now()
        if left <= timedelta(0):
            self._stale, self._due = True, None
        return min(left, _SWEEP)

    # ── attempts ──────────────────────────────────────────────────────────────────────────────
    def _launch(self, work: Work) -> None:
        task = asyncio.create_task(self._deliver(work))
        self._busy[work.delivery.id] = task
        task.add_done_callback(lambda _: self._ended(work.delivery.id))

    def _ended(self, delivery_id: str) -> None:
        del self._busy[delivery_id]
        self._wakeup.set()

    async def _deliver(self, work: Work) -> None:
        try:
            result = await self._make(work)
            await self._learn(result)
        except Exception as error:
            self._report_fault(error)
            # Without a pause it would be the head again at once and meet the same fault, over and over.
            await asyncio.sleep(_AFTER_FAULT.total_seconds())
            self._stale = True

    async def _make(self, work: Work) -> AttemptResult:
        result = await self._attempts.make(work, self._to, self._slots, self._refuse_credentials)
        if result.lane_moved:
            self._stale, self._due_known = True, False
        if result.failed is not None:
            self._most = self._depth(result)
        if result.due_at is not None:
            self._due_known = False
        if result.rest is not None:
            self._bucket = self._bucket.rest(self._now() + min(result.rest, _LONGEST_REST))
        return result

    def _depth(self, result: AttemptResult) -> int:
        quick = not result.failed and result.took < _QUICK
        return self._to.adapter.limits.concurrency * (_AHEAD if quick else 1)

    async def _learn(self, result: AttemptResult) -> None:
        if result.failed is None:
            return
        self._breaker = self._breaker.record(self._now(), failed=result.failed)
        if self._breaker.phase is Phase.OPEN and HeldBy.BREAKER not in self._held:
            await self._hold(HeldBy.BREAKER, "breaker.open")

    # ── holds ─────────────────────────────────────────────────────────────────────────────────
    async def _probe(self) -> timedelta:
        """Let one delivery out when the breaker has cooled down, and close it again when it is answered."""
        # The breaker stays half-open while the probe is under way, and every end of it leaves that
        # phase again: with a verdict, without one (None), or cancelled.
        now = self._now()
        if not self._breaker.may_probe(now):
            return (self._breaker.until or now) - now
        heads = await self._attempts.ledger.heads(self._to.platform.id, now, 1 + len(self._busy), probe=True)
        work = next((head for head in heads if head.delivery.id not in self._busy), None)
        if work is None:
            return await self._until_due()
        self._bucket, wait = self._bucket.take(now)
        if wait > timedelta(0):
            return wait
        self._breaker = self._breaker.probing()
        try:
            failed = (await self._make(work)).failed
        except BaseException:
            self._breaker = self._breaker.probed(self._now(), failed=None)
            raise
        self._breaker = self._breaker.probed(self._now(), failed=failed)
        if self._breaker.phase is Phase.CLOSED:
            await self._release(HeldBy.BREAKER)
        return timedelta(0) if failed is not None else _QUIET

    async def _refuse_credentials(self, verdict: Verdict) -> None:
        await self._hold(HeldBy.CREDENTIALS, verdict.code or "credentials")

    async def _hold(self, by: HeldBy, code: str) -> None:
        # In memory first, then in the ledger: several attempts may fail at once, and only the first
        # of them tells of the hold; none may start from the queue while the ledger writes.
        first = by not in self._held
        self._held.add(by)
        self._queue.clear()
        ledger, platform = self._attempts.ledger, self._to.platform
        await ledger.hold_platform(platform.id, by, actor=ACTOR, reason=code, at=self._now())
        await self._reload()
        if first:
            self._attempts.events(PlatformHeld(platform.id, by.value, code))

    async def _release(self, by: HeldBy) -> None:
        ledger, platform = self._attempts.ledger, self._to.platform
        await ledger.release_platform(platform.id, by, actor=ACTOR, reason="breaker.closed", at=self._now())
        self._held.discard(by)
        await self._reload()
        self._attempts.events(PlatformReleased(platform.id, by.value))
        self.wake()

    async def _reload(self) -> None:
        """Read the platform again: only the ledger knows how long it was held, which giving up depends on."""
        # Check, await, check: when the platform was changed while the ledger was read, what was read
        # may be older than the change and must not undo it; read again.
        to, platforms = self._to, await self._attempts.ledger.platforms()
        while to is not self._to:
            to, platforms = self._to, await self._attempts.ledger.platforms()
        found = next((one for one in platforms if one.id == to.platform.id), to.platform)
        self._to = replace(to, platform=found)

    def _now(self) -> datetime:
        return self._attempts.clock()

    def _report_fault(self, error: Exception) -> None:
        level = logging.WARNING if isinstance(error, HutongError) else logging.ERROR
        _log.log(level, "worker of %s met a fault", self._to.platform.id, exc_info=error)
        self._attempts.events(DeliveryStumbled(self._to.platform.id, type(error).__name__))

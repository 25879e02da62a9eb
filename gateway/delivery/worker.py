"""One platform's own worker: its claim, queue, slots, rate and holds, apart from every other platform's."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from functools import partial
from typing import Protocol

from msgspec import Struct

from adapters.base import VerdictKind
from gateway.delivery.attempt import NOTHING, AttemptContext, AttemptResult, Attempts, DeliveryTarget
from gateway.delivery.breaker import BreakerPhase, BreakerPolicy
from gateway.delivery.health import WHOLE, Scope
from gateway.delivery.holds import Holds
from gateway.delivery.own_claim import CLAIM_LOST, CLAIM_TAKEN, SUPERSEDED, OwnClaim
from gateway.delivery.pace import Bucket, Slots
from gateway.delivery.retry import longest_wait
from gateway.delivery.settlement import CallOutcome
from gateway.delivery.supply import SWEEP, Supply
from gateway.delivery.wakeup import Wakeup
from gateway.errors import HutongError
from gateway.ledger.records import Claim, Platform, Registry, Work
from gateway.message import State
from gateway.telemetry.events import ClaimLost, DeliveryStumbled

_log = logging.getLogger(__name__)

_AHEAD = 6
"""How many attempts are begun for each slot while the platform answers within `_QUICK`."""
_QUICK = 0.1
_SOON = 0.05
_LONGEST_REST = timedelta(minutes=5)
_TROUBLED = 4
"""Of so many slots one may be taken by lanes whose last attempt failed, and one in any case."""
_NO_PROBE = 1.0
"""Seconds after which a held endpoint without a head to probe with is looked at again, if nothing falls due later."""


class Supervisor(Protocol):
    """What a worker tells and asks the dispatcher; handed in, since the dispatcher imports the worker."""

    async def registry(self) -> Registry:
        """Give the ledger's registry, from a read that began after this call."""
        ...

    def platform_changed(self, platform: Platform) -> None:
        """Take note that a platform is not as its worker knew it."""
        ...

    def platform_removed(self, platform_id: str, revision: int) -> None:
        """Take note that a platform was not registered any more at a revision of the registry."""
        ...

    def superseded(self) -> None:
        """Take note that another process has the ledger."""
        ...

    @property
    def sure(self) -> bool:
        """Whether what this process has claimed cannot have lapsed yet."""
        ...

    def claim_gone(self, platform_id: str) -> None:
        """Take note that another process has the claim of a platform."""
        ...


class WorkerStanding(Struct, frozen=True):
    """How a worker stands: whether this process has its platform's claim, and the phase of the platform's breaker."""

    platform: str
    claimed: bool
    breaker: BreakerPhase


class PlatformWorker:
    """Delivers to one platform.

    It asks the ledger for heads when it is told that there may be some, or when one falls due, and
    holds at most a queue of them. Only the call itself takes one of the platform's slots: while the
    platform answers quickly, more deliveries are begun and settled around the calls, so that they share the
    ledger's commits; while it is slow or down, none is begun before its turn. Before it starts, after
    every error and once a minute it compares itself with the ledger and repairs the difference.
    """

    def __init__(
        self, to: DeliveryTarget, own: OwnClaim, attempts: Attempts, policy: BreakerPolicy, supervisor: Supervisor
    ) -> None:
        self._to = to
        self._own = own
        self._attempts = attempts
        self._supervisor = supervisor
        self._holds = Holds(to.platform, policy, attempts.ledger, attempts.clock, attempts.events)
        self._wakeup = Wakeup()
        self._busy: dict[str, asyncio.Task[bool]] = {}
        self._supply = Supply(
            attempts.ledger, attempts.steady, attempts.ticks, self._wakeup, self._busy, self._longest_wait
        )
        self._troubled: set[str] = set()  # of the busy ones, those whose lane failed before
        self._probes: dict[str, Scope] = {}  # of the busy ones, whose outcome is not known yet
        self._unsure = True  # something went wrong: compare with the ledger
        self._compare_at = 0.0
        self._pause_until = float("-inf")
        self._stopping = False
        limits = to.adapter.limits
        self._slots = Slots(limits.concurrency, self._wait_for_call)
        self._most = limits.concurrency
        self._bucket = Bucket(limits.rate)  # for attempts as they begin
        self._calls = Bucket(limits.rate)  # for calls: what began in time may have waited, and comes at once then

    def _longest_wait(self) -> timedelta:
        return longest_wait(self._to.adapter.retry, self._attempts.longest_asked)

    # ── from outside ──────────────────────────────────────────────────────────────────────────
    def start(self) -> None:
        """Begin to deliver."""
        self._loop = asyncio.create_task(self._run(), name=f"worker {self._to.platform.id}")

    @property
    def standing(self) -> WorkerStanding:
        """How it stands now."""
        claimed = self._own.claim is not None and not self._stopping
        return WorkerStanding(self._to.platform.id, claimed, self._holds.health.breaker(WHOLE).phase)

    def wake(self) -> None:
        """Say that there may be something to deliver."""
        self._supply.stale = True
        self._wakeup.set()

    def offer(self, work: Work) -> None:
        """Give a head that was just accepted; what is held, or must wait behind others, is left to the ledger."""
        health = self._holds.health
        if not self._shut and not health.held and self._supply.offer(work):
            self._wakeup.set()
        else:
            self.wake()

    def change(self, to: DeliveryTarget) -> None:
        """Take over a changed platform (its settings, adapter or holds); calls under way end as they began."""
        was, self._to = self._to, to
        self._unsure = self._holds.change(to.platform) or self._unsure
        limits = to.adapter.limits
        if was.adapter.limits != limits:
            self._slots.resize(limits.concurrency)
            self._most = limits.concurrency
            self._bucket = self._calls = Bucket(limits.rate)
        self._bucket = self._bucket.rested()
        self._look_again()
        self.wake()

    def halt(self) -> None:
        """Start nothing more, and let no attempt that still waits for a slot call the platform."""
        self._stopping = True
        self._look_again()
        self._wakeup.set()

    async def stop(self, grace: timedelta) -> bool:
        """Halt, let what is under way end, and cut it off after `grace`; True when something was cut off."""
        self.halt()
        _, late = await asyncio.wait([self._loop, *self._busy.values()], timeout=grace.total_seconds())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return bool(late)

    def _look_again(self) -> None:
        """Forget what was queued, and make every attempt that waits for a slot check again whether it may call."""
        self._supply.forget()
        self._slots.recheck()

    # ── the loop ──────────────────────────────────────────────────────────────────────────────
    async def _run(self) -> None:
        while not self._stopping:
            # Clear before looking: a wake-up that comes during the round ends the wait after it.
            self._wakeup.clear()
            claim = self._own.claim
            pause = self._pause_until - self._ticks()
            if pause <= 0:
                try:
                    pause = await self._round()
                except Exception as error:
                    self._on_error(error, claim or self._own.claim)
                    pause = self._attempts.pause.total_seconds()
                    self._pause_until = self._ticks() + pause
            if pause > 0 and not self._stopping:
                await self._wakeup.wait(pause)

    async def _round(self) -> float:
        """Start what may start now; give the seconds for which there is nothing more to do unless woken."""
        now = self._ticks()
        if self._unsure or now >= self._compare_at or self._own.may_claim(now):
            await self._reconcile()
        claim = self._own.claim
        if claim is None:
            return max(self._own.not_before - self._ticks(), _SOON)
        if not self._supervisor.sure:
            return SWEEP  # the beat that is confirmed again wakes the loop; what is known here may be old by then
        await self._holds.record()
        waits = [self._compare_at - self._ticks(), self._supply.wake_rested()]
        if self._shut:
            return min(waits)
        if self._holds.health.breaker(WHOLE).phase is not BreakerPhase.CLOSED:
            return min(*waits, await self._probe(claim, WHOLE))
        for scope in sorted(self._holds.health.held):
            waits.append(await self._probe(claim, scope))
        wait = self._start(claim)
        if wait is None and self._supply.stale:
            await self._supply.fetch(claim, lambda: None if self._shut else self._holds.health.held)
            return 0.0
        return min(*waits, await self._supply.until_due(claim, self._holds.health.held) if wait is None else wait)

    @property
    def _shut(self) -> bool:
        """Whether nothing at all may be begun."""
        return self._stopping or self._own.claim is None or not self._supervisor.sure or bool(self._holds.stopped)

    async def _reconcile(self) -> None:
        """Compare with the ledger and repair: first of all, on error, and from time to time."""
        # Before looking: an error that comes while this runs asks for the next comparison.
        self._unsure = False
        self._compare_at = self._ticks() + SWEEP
        self._supply.stale = True
        platform_id = self._to.platform.id
        repairs, registry = await self._holds.compare(self._supervisor.registry)
        if repairs.gone:
            self._supervisor.platform_removed(platform_id, registry.revision)
            return
        # At once: whoever changes the platform while this waits for the ledger below tells what is newer.
        if repairs.take_over and not self._stopping:
            self._supervisor.platform_changed(registry.platforms[platform_id])
        ledger, clock = self._attempts.ledger, self._attempts.clock
        if self._own.may_claim(self._ticks()):
            self._own.claim = await ledger.claim(platform_id)
            await self._holds.inherit(self._supervisor.registry)
        if (claim := self._own.claim) is not None:
            # What this process is sending is known from before `begin` until after `settle`, and only
            # this loop begins anything: what the ledger has as `sending` beyond that, nobody is sending.
            await ledger.rescue(claim, frozenset(self._own.under_way), clock())

    # ── starting ──────────────────────────────────────────────────────────────────────────────
    def _start(self, claim: Claim) -> float | None:
        """Start attempts while there is room; give the wait for that or for the rate, None when there is no work."""
        while not self._shut and (work := self._next()) is not None:
            if len(self._busy) >= self._most:
                return SWEEP  # whoever ends wakes the loop
            self._bucket, wait = self._bucket.take(self._ticks())
            if wait > 0:
                return wait
            self._supply.take(work)
            self._launch(claim, work)
        return None

    def _next(self) -> Work | None:
        # Lanes that failed never take all slots: what hangs is tried in a few, and others flow.
        room = max(1, self._to.adapter.limits.concurrency // _TROUBLED) > len(self._troubled)
        return self._supply.next(self._holds.health, room=room)

    async def _probe(self, claim: Claim, scope: Scope) -> float:
        """Let one delivery out when a breaker has cooled down; gives the wait for that."""
        breaker, now = self._holds.health.breaker(scope), self._ticks()
        if self._shut or breaker.phase is BreakerPhase.HALF_OPEN:
            return SWEEP  # the end of the probe, or whoever lifts the hold, wakes the loop
        if not breaker.may_probe(now):
            return breaker.until - now
        works, later = await self._supply.probes(claim, scope, len(breaker.failures))
        # Check, wait, check: a probe leaves only if all is still as it was when the ledger was asked.
        if self._shut or self._holds.health.breaker(scope) is not breaker:
            return 0.0
        work = self._holds.health.choose(scope, works)
        if work is None and scope == WHOLE:
            return later
        if work is None:
            # Other types flow meanwhile, round after round: do not ask the ledger in each of them.
            self._holds.judge(self._holds.health.postponed(scope, now + min(later, _NO_PROBE)))
            return min(later, _NO_PROBE)
        self._bucket, wait = self._bucket.take(self._ticks())
        if wait <= 0:
            self._holds.judge(self._holds.health.probing(scope))
            self._launch(claim, work, probe=scope)
        return wait or SWEEP

    # ── attempts ──────────────────────────────────────────────────────────────────────────────
    def _launch(self, claim: Claim, work: Work, probe: Scope | None = None) -> None:
        delivery_id = work.delivery.id
        # Before it begins: a rescue must never take what is under way for lost.
        self._own.under_way.add(delivery_id)
        if self._holds.health.has_failed(work):
            self._troubled.add(delivery_id)
        if probe is not None:
            self._probes[delivery_id] = probe
        context = self._context(claim, work, probe is not None)
        task = self._busy[delivery_id] = asyncio.create_task(self._deliver(work, context))
        task.add_done_callback(lambda ended: self._ended(delivery_id, ended))

    def _ended(self, delivery_id: str, task: asyncio.Task[bool]) -> None:
        del self._busy[delivery_id]
        # Not before: what is busy is passed over by whoever reads heads at that moment.
        if not task.cancelled() and task.exception() is None and task.result():
            self._supply.stale = True
        self._own.under_way.discard(delivery_id)
        self._troubled.discard(delivery_id)
        self._wakeup.set()

    async def _deliver(self, work: Work, context: AttemptContext) -> bool:
        """Make an attempt; tell whether the ledger may have heads then that are not known here."""
        result = NOTHING
        try:
            result = await self._attempts.make(work, context)
        except Exception as error:
            self._on_error(error, context.claim)
            self._supply.rest(work.delivery.id, self._attempts.pause.total_seconds())
        finally:
            self._on_end(work, result)
        return result.lane_moved or result.state in (State.READY, State.WAITING)

    def _context(self, claim: Claim, work: Work, probe: bool) -> AttemptContext:
        revision = self._to.platform.revision
        return AttemptContext(
            to=self._to,
            claim=claim,
            own=self._own,
            slots=self._slots,
            may_call=partial(self._may_call, claim, revision, work.message.type, probe),
            on_outcome=partial(self._on_outcome, work, revision),
            on_error=self._on_error,
            probe=probe,
        )

    def _may_call(self, claim: Claim, revision: int, type: str, probe: bool) -> bool:
        """Tell whether an attempt that was begun may still call the platform."""
        return (
            not self._stopping
            and self._own.claim == claim
            and self._supervisor.sure
            and self._to.platform.revision == revision
            and self._holds.let_pass(type, probe=probe)
            and not self._bucket.rests(self._ticks())
        )

    def _wait_for_call(self) -> float:
        """Count a call that may be made now; else give the seconds that it has to wait."""
        self._calls, wait = self._calls.take(self._ticks())
        return wait

    def _on_outcome(self, work: Work, revision: int, tried: CallOutcome) -> None:
        """Apply what a call showed (holds, pauses, health) before any other attempt may call."""
        now, delivery_id = self._ticks(), work.delivery.id
        if tried.verdict.kind is VerdictKind.CREDENTIALS:
            self._holds.refuse(delivery_id, tried.verdict, revision)
        if tried.rest is not None:
            self._bucket = self._bucket.rest(now + min(tried.rest, _LONGEST_REST).total_seconds())
        health, type, lane = self._holds.health, work.message.type, work.delivery.lane
        if (scope := self._probes.pop(delivery_id, None)) is not None:
            health = health.probed(scope, type, lane, tried.sign, now)
        elif tried.sign is not None:
            health = health.attempted(type, lane, tried.sign, now)
        if self._holds.judge(health) or self._holds.stopped or tried.rest is not None:
            self._look_again()
        if delivery_id not in self._troubled:
            quick = tried.seconds < _QUICK
            self._most = self._to.adapter.limits.concurrency * (_AHEAD if quick else 1)

    def _on_end(self, work: Work, result: AttemptResult) -> None:
        """Take note of the end of an attempt: what the ledger may have now, and what the probe showed."""
        health, type, lane = self._holds.health, work.message.type, work.delivery.lane
        if (scope := self._probes.pop(work.delivery.id, None)) is not None:
            health = health.probed(scope, type, lane, None, self._ticks())  # nothing was sent
        if result.state is State.DEAD:
            health = health.forgotten(type, lane)
        self._holds.judge(health)
        self._holds.settled(work.delivery.id)
        self._unsure = self._unsure or result.unheld

    # ── claims ────────────────────────────────────────────────────────────────────────────────
    def lose(self, claim: Claim | None) -> None:
        """Stop calling when a claim is lost, if it is the present one: another process has it now."""
        platform_id = self._to.platform.id
        if self._own.lose(claim, self._ticks()):
            _log.error("another process delivers to %s now; this one stopped", platform_id)
            self._attempts.events(ClaimLost(platform_id))
            self._look_again()
            self._supervisor.claim_gone(platform_id)

    # ── errors ────────────────────────────────────────────────────────────────────────────────
    def _on_error(self, error: Exception, claim: Claim | None) -> None:
        """Take note of an error under a claim: stop calling when another process has the claim or the ledger."""
        platform_id, code = self._to.platform.id, getattr(error, "code", None)
        self._unsure = True
        if code == SUPERSEDED:
            self._supervisor.superseded()
            return
        if code == CLAIM_LOST:
            self.lose(claim)
            return
        if code == CLAIM_TAKEN:
            self._supervisor.claim_gone(platform_id)
            return
        level = logging.WARNING if isinstance(error, HutongError) else logging.ERROR
        _log.log(level, "worker of %s met a fault", platform_id, exc_info=error)
        self._attempts.events(DeliveryStumbled(platform_id, type(error).__name__))

    def _ticks(self) -> float:
        return self._attempts.ticks()

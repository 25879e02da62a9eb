"""One attempt, step by step: translate, begin, wait for a slot, check again, ask when in doubt, send, judge, settle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Struct, field

from adapters.base import Adapter, OutboundRequest, Reply, Sending, Verdict, VerdictKind
from gateway.clock import Clock, Ticks, new_id
from gateway.delivery import told
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.no_answer import NoAnswer, Unsendable
from gateway.delivery.outgoing import keyed, outbound
from gateway.delivery.own_claim import OwnClaim, persist
from gateway.delivery.pace import Slots
from gateway.delivery.retry import LONGEST_ASKED
from gateway.delivery.settlement import CallOutcome, interrupted, settle
from gateway.delivery.verdicts import UNREAD, JudgeReply, judged, unanswered, unjudged
from gateway.errors import Busy, Unavailable
from gateway.ledger.base import Ledger
from gateway.ledger.records import Claim, Platform, Settled, Settlement, Work
from gateway.message import State
from gateway.readers import OnThreads, TaskRunner, TooCostly, is_heavy
from gateway.telemetry.events import AttemptTakenBack, DeliveryStumbled, Events
from gateway.telemetry.loop import LoopWatch
from schemas.findings import Rejected

_log = logging.getLogger(__name__)
_YES_OR_NO = (VerdictKind.ACCEPTED, VerdictKind.REFUSED)
_FINAL_ANSWERS = (VerdictKind.ACCEPTED, VerdictKind.REFUSED, VerdictKind.CREDENTIALS)
_MANY_ITEMS = 200
"""Items of a document's lists beyond which it is written on a thread."""
_SERVER_ERROR = 500
_BUSY = (429, 503)

T = TypeVar("T")


class AttemptResult(Struct, frozen=True):
    """What became of a delivery by an attempt.

    `state`: the delivery's now; None when this attempt changed nothing. `lane_moved`: the lane may have another
    head than was read, so that the heads are read again: the delivery is done with and the next one is the
    head, or the ledger refused to begin or to kill it because somebody else changed it or its lane meanwhile.
    `unheld`: its credentials were refused, but those of a former revision.
    """

    state: State | None = None
    lane_moved: bool = False
    unheld: bool = False


NOTHING = AttemptResult()
"""Nothing was sent and nothing follows from it."""


class Untranslatable(Exception):
    """A document cannot be written in its platform's words; `reason` says why, in Chinese."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class DeliveryTarget(Struct, frozen=True):
    """A platform, the adapter that speaks to it now, and where to find the one an older attempt used."""

    platform: Platform
    adapter: Adapter
    adapters: Callable[[str], Adapter]


class AttemptContext(Struct, frozen=True):
    """What one attempt depends on: its target, its claim, and the functions of its worker that it calls.

    `claim` is what it begins under. `may_call` is asked before every call to the platform, with
    nothing in between. `on_outcome` is told at once how the call went, before that is settled, and `on_error`
    of every error that the attempt outlives. `probe`: it looks past what a breaker holds.
    """

    to: DeliveryTarget
    claim: Claim
    own: OwnClaim
    slots: Slots
    may_call: Callable[[], bool]
    on_outcome: Callable[[CallOutcome], None]
    on_error: Callable[[Exception, Claim | None], None]
    probe: bool = False


def alone(to: DeliveryTarget, claim: Claim) -> AttemptContext:
    """Give the context for making one attempt after the other, with no worker beside."""
    return AttemptContext(
        to, claim, OwnClaim(claim), Slots(1), lambda: True, lambda tried: None, lambda error, claim: None
    )


DeliveryWatch = Callable[[Platform, Adapter, Sending], None]
"""Told of every request once it is fixed (Wire Tap); it returns at once and never raises."""


def unwatched(platform: Platform, adapter: Adapter, sending: Sending) -> None:
    """Watch nothing."""


class Attempts(Struct, frozen=True):
    """Makes attempts; keeps nothing between them. A cancelled attempt stays `sending`, to be rescued.

    `clock` stamps what is recorded, `ticks` measure how long calls took, `steady` tells what is due;
    `longest_asked` bounds the wait that a platform may ask for; `readers` read large replies.
    """

    ledger: Ledger
    sender: AuthorisedSender
    clock: Clock
    ticks: Ticks
    steady: Clock
    events: Events
    pause: timedelta = timedelta(seconds=1)
    watch: DeliveryWatch = unwatched
    longest_asked: timedelta = LONGEST_ASKED
    readers: TaskRunner = field(default_factory=OnThreads)
    loop_watch: LoopWatch | None = None

    async def make(self, work: Work, context: AttemptContext) -> AttemptResult:
        """Try to deliver a lane head once; a slot is held while the platform is being called."""
        making = self._make(work, context)
        if self.loop_watch is None:
            return await making
        return await self.loop_watch.steps(making, context.to.platform.id, work.message.type)

    async def _make(self, work: Work, context: AttemptContext) -> AttemptResult:
        to = context.to
        adapter = to.adapters(work.delivery.adapter) if work.delivery.adapter else to.adapter
        sending = outbound(work, to.platform)
        try:
            request = work.request or await self.write(work, adapter, sending)
        except Untranslatable as fault:
            return await self._kill(work, context, fault.code, fault.reason)
        # The order makes a crash safe. `begin` commits before anything is sent, so what a dead process
        # was sending is known, and is rescued as in doubt; the request is fixed with it, so a resend
        # is the same bytes. Nothing is sent when `begin` says that the delivery is no longer a head
        # that may go, or not what was read: an operator, another attempt or a platform's number came
        # in between reading it and now. Then the heads are read again.
        name = work.delivery.adapter or f"{adapter.name}@{adapter.version}"
        number = await self._begin(work, context, name, request)
        if number is None:
            return AttemptResult(lane_moved=True)
        if work.request is None:
            self.watch(to.platform, adapter, sending)
        # Check, wait, check: `begin` looked at the holds in its transaction, then this attempt waits
        # for a slot. `take` looks at them once more in the step in which it gives the slot.
        if not await context.slots.take(context.may_call):
            return await self._take_back(work, context, number)
        try:
            tried = await self._call_safely(work, adapter, context, sending, request)
            # At once, and before the slot is given back: no other attempt may call with credentials
            # that were just refused. The ledger's hold is written with the settlement, in one transaction.
            if tried is not None:
                context.on_outcome(tried)
        finally:
            context.slots.give()
        if tried is None:
            return await self._take_back(work, context, number)
        settlement = settle(work, number, tried, to.platform, adapter.retry, self.steady(), self.longest_asked)
        return await self._settle(work, context, tried, settlement)

    async def write(self, work: Work, adapter: Adapter, sending: Sending) -> OutboundRequest:
        """Write a delivery's request, as it is fixed at its first attempt; Untranslatable when that cannot be."""
        items = 0
        for value in sending.document.values():
            if type(value) is list:
                items += len(value)
        try:
            if items > _MANY_ITEMS:
                written = await asyncio.to_thread(adapter.translate_out, sending)
            else:
                written = adapter.translate_out(sending)
        except Rejected as rejected:
            raise Untranslatable(rejected.code, worded(rejected)) from None
        except Exception as error:
            self._report_fault(work, error)
            raise Untranslatable("translation.failed", type(error).__name__) from error
        return keyed(written, work.delivery.id, work.message.trace_id)

    async def _begin(self, work: Work, context: AttemptContext, name: str, request: OutboundRequest) -> int | None:
        delivery, at, read = work.delivery, self.clock(), work.message
        try:
            return await self.ledger.begin(
                context.claim, delivery.id, name, request, at, message=read, probe=context.probe
            )
        except Unavailable:
            # Nobody knows whether it was committed. If it was, nothing was sent: take it back.
            await self._unbegin(work, context, delivery.attempts + 1)
            raise

    async def _take_back(self, work: Work, context: AttemptContext, number: int) -> AttemptResult:
        if await self._unbegin(work, context, number):
            self.events(AttemptTakenBack(work.delivery.id, work.message.id, context.to.platform.id, work.message.type))
        return AttemptResult(state=State.READY)

    async def _unbegin(self, work: Work, context: AttemptContext, number: int) -> bool:
        delivery_id = work.delivery.id
        return await self._persist(lambda claim: self.ledger.unbegin(claim, delivery_id, number, self.clock()), context)

    async def _kill(self, work: Work, context: AttemptContext, code: str, reason: str) -> AttemptResult:
        now = self.clock()
        if not await self._persist(lambda claim: self.ledger.kill(claim, work.delivery.id, code, reason, now), context):
            return AttemptResult(lane_moved=True)
        self.events(told.settled(work, State.DEAD, code, work.delivery.attempts, now))
        return AttemptResult(state=State.DEAD)

    # ── calling ───────────────────────────────────────────────────────────────────────────────
    async def _call_safely(
        self, work: Work, adapter: Adapter, context: AttemptContext, sending: Sending, request: OutboundRequest
    ) -> CallOutcome | None:
        """Call; an exception of our own counts as an attempt without a readable answer. None: nothing was sent."""
        started_at, began = self.clock(), self.ticks()
        try:
            return await self._call(work, adapter, context, sending, request)
        except Exception as error:
            self._report_fault(work, error)
            return interrupted(started_at, self.ticks() - began)

    def _report_fault(self, work: Work, error: Exception) -> None:
        _log.error("delivery %s met a fault", work.delivery.id, exc_info=error)
        self.events(DeliveryStumbled(work.delivery.platform or "", type(error).__name__))

    async def _call(
        self, work: Work, adapter: Adapter, context: AttemptContext, sending: Sending, request: OutboundRequest
    ) -> CallOutcome | None:
        started_at, began = self.clock(), self.ticks()
        platform, doubted = context.to.platform, work.delivery.in_doubt
        if doubted and (question := adapter.ask(sending)):
            asked = await self._ask(work, adapter, platform, question, started_at)
            # Asking took time: check again before sending.
            if asked is not None or not context.may_call():
                return asked
        try:
            reply = await self._send(adapter, platform, request)
        except NoAnswer as none:
            seconds = self.ticks() - began
            # A reply that broke off may be whole all the same, under a length that was counted wrong; what
            # can be read as yes or no is one.
            if none.cut is not None:
                verdict = await self._judge(work, adapter, platform, none.cut)
                if verdict.kind in _YES_OR_NO:
                    return CallOutcome(started_at, seconds, verdict, none.cut, in_doubt=doubted)
            return CallOutcome(started_at, seconds, unanswered(none), in_doubt=doubted or none.may_have_left)
        except (Unsendable, Rejected) as fault:
            return CallOutcome(started_at, self.ticks() - began, _unwritable(fault), in_doubt=doubted)
        seconds, verdict = self.ticks() - began, await self._judge(work, adapter, platform, reply)
        return CallOutcome(started_at, seconds, verdict, reply, in_doubt=doubted or verdict.in_doubt)

    async def _judge(
        self, work: Work, adapter: Adapter, platform: Platform, reply: Reply, *, question: bool = False
    ) -> Verdict:
        """Read a reply within the platform's bounds: what is heavy in a process of its own.

        The end of that process is this platform's retry and nothing more.
        """
        task = JudgeReply(work.message.type, reply, platform.bounded(adapter.budget), question)
        try:
            if is_heavy(reply.body):
                [verdict] = await self.readers.run(platform.id, adapter, task)
            else:
                [verdict] = task(adapter)
        except TooCostly as error:
            return unjudged("reply.too-costly", f"读取应答所需的时间或内存超过上限（{error.why}）")
        except (Busy, Unavailable) as error:
            return unjudged(error.code, error.detail.zh)
        return judged(verdict, reply, self.clock(), self.longest_asked)

    async def _ask(
        self, work: Work, adapter: Adapter, platform: Platform, question: OutboundRequest, started_at: datetime
    ) -> CallOutcome | None:
        """Ask whether the earlier request arrived. None: it did not, or it is not known; send it again."""
        own_key, began = new_id(started_at), self.ticks()
        try:
            reply = await self._send(adapter, platform, keyed(question, own_key, work.message.trace_id))
        except NoAnswer as none:
            return CallOutcome(started_at, self.ticks() - began, unanswered(none), in_doubt=True)
        except (Unsendable, Rejected):
            return None
        verdict = await self._judge(work, adapter, platform, reply, question=True)
        if verdict.kind in _FINAL_ANSWERS or _tells_nothing(verdict, reply):
            return CallOutcome(started_at, self.ticks() - began, verdict, reply, in_doubt=True)
        return None

    async def _send(self, adapter: Adapter, platform: Platform, request: OutboundRequest) -> Reply:
        most = platform.bounded(adapter.budget).body
        return await self.sender.send(adapter, platform, request, adapter.limits.timeout, most)

    # ── settling ──────────────────────────────────────────────────────────────────────────────
    async def _settle(
        self, work: Work, context: AttemptContext, tried: CallOutcome, settlement: Settlement
    ) -> AttemptResult:
        refused = settlement.hold is not None
        settled = await self._persist(
            lambda claim: self.ledger.settle(claim, settlement),
            context,
            committed=Settled(lane_moved=True, held=refused),
        )
        told.tell(self.events, work, settlement.attempt, settlement.state, tried.seconds)
        unheld = refused and not settled.held
        return AttemptResult(settlement.state, settled.lane_moved, unheld)

    async def _persist(
        self, write: Callable[[Claim], Awaitable[T]], context: AttemptContext, *, committed: T | None = None
    ) -> T:
        return await persist(context.own, write, self.pause, context.on_error, committed=committed)


def worded(rejected: Rejected) -> str:
    """Put a refusal to translate into one text: what is wrong with which field, in Chinese."""
    findings = [f"{each.title or each.field or each.path}：{each.message.zh}" for each in rejected.findings]
    return "；".join([rejected.detail.zh, *findings])[:2000]


def _unwritable(fault: Exception) -> Verdict:
    if isinstance(fault, Rejected):
        return Verdict(VerdictKind.CREDENTIALS, code=fault.code, reason=worded(fault))
    return Verdict(VerdictKind.DEAD, code="request.unwritable", reason=str(fault))


def _tells_nothing(verdict: Verdict, reply: Reply) -> bool:
    """Tell whether an answer to a question leaves it open: it must be asked again, not taken for a no."""
    unwell = reply.status >= _SERVER_ERROR or reply.status in _BUSY or verdict.code in UNREAD
    return verdict.kind is VerdictKind.RETRY and unwell

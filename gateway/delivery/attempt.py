"""One attempt, as it reads: write, begin, ask when in doubt, send, judge, settle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.base import Adapter, OutboundRequest, Reply, Sending, Verdict, VerdictKind
from gateway.clock import Clock, new_id
from gateway.delivery.outgoing import keyed, outbound, stamped
from gateway.delivery.sender import NoAnswer, Sender, Unsendable
from gateway.delivery.settlement import Try, interrupted, settle, unanswered
from gateway.errors import Unavailable
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform, Settlement, Work
from gateway.message import State
from gateway.telemetry.events import AttemptEnded, DeliverySettled, DeliveryStumbled, Events
from schemas.findings import Rejected

_log = logging.getLogger(__name__)
_SETTLED = (State.DELIVERED, State.REFUSED, State.DEAD)
_FINAL_ANSWERS = (VerdictKind.ACCEPTED, VerdictKind.REFUSED, VerdictKind.CREDENTIALS)
_SERVER_ERROR = 500
_BUSY = (429, 503)
"""Statuses with which a platform asks for a rest (RFC 6585, 4; RFC 9110, 15.6.4)."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What an attempt means for its platform.

    `failed`: the platform gave no answer or a server error; None when nothing was sent. `took`: how long it was being
    called. `lane_moved`: another delivery of the lane may go now. `due_at`: when this one goes
    again. `rest`: how long the platform asked everybody to wait.
    """

    failed: bool | None = None
    took: timedelta = timedelta(0)
    lane_moved: bool = False
    due_at: datetime | None = None
    rest: timedelta | None = None


NOTHING = AttemptResult()
"""Nothing was sent and nothing follows from it."""

Hold = Callable[[Verdict], Awaitable[None]]
"""Called before a delivery whose credentials were refused is put back: holds the whole platform."""


@dataclass(frozen=True, slots=True)
class DeliveryTarget:
    """A platform, the adapter that speaks to it now, and where to find the one an older attempt used."""

    platform: Platform
    adapter: Adapter
    adapters: Callable[[str], Adapter]


DeliveryWatch = Callable[[Platform, Adapter, Sending], None]
"""Told of every request once it is fixed (Wire Tap); it returns at once and never raises."""


def unwatched(platform: Platform, adapter: Adapter, sending: Sending) -> None:
    """Watch nothing."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Makes attempts; keeps nothing between them. A cancelled attempt stays `sending`, to be rescued."""

    ledger: Ledger
    sender: Sender
    clock: Clock
    events: Events
    ledger_pause: timedelta = timedelta(seconds=1)
    watch: DeliveryWatch = unwatched

    async def make(
        self, work: Work, to: DeliveryTarget, slot: AbstractAsyncContextManager[None], hold: Hold
    ) -> AttemptResult:
        """Try to deliver a lane head once; `slot` is held while the platform is being called."""
        adapter = self._adapter(work, to)
        sending = outbound(work, to.platform)
        try:
            request = work.request or keyed(adapter.translate_out(sending), work.delivery.id, work.message.trace_id)
        except Rejected as rejected:
            return await self._kill(work, rejected.code, worded(rejected))
        except Exception as error:
            self._report_fault(work, error)
            return await self._kill(work, "translation.failed", type(error).__name__)
        # The order makes a crash safe. `begin` commits before anything is sent, so what a dead process
        # was sending is known, and is rescued as in doubt; the request is fixed with it, so a resend
        # is the same bytes. Nothing is sent when `begin` says that the delivery is no longer a head
        # that may go: an operator or another attempt came in between reading it and now.
        name = work.delivery.adapter or f"{adapter.name}@{adapter.version}"
        if not await self.ledger.begin(work.delivery.id, name, request, self.clock()):
            return NOTHING
        if work.request is None:
            self.watch(to.platform, adapter, sending)
        async with slot:
            tried = await self._call_safely(work, adapter, to.platform, sending, request)
        # Hold the platform before the delivery is ready again: otherwise it would be sent at once
        # with the credentials that were just refused.
        if tried.verdict.kind is VerdictKind.CREDENTIALS:
            await hold(tried.verdict)
        return await self._settle(work, tried, settle(work, tried, to.platform, adapter.retry))

    def _adapter(self, work: Work, to: DeliveryTarget) -> Adapter:
        return to.adapters(work.delivery.adapter) if work.delivery.adapter else to.adapter

    async def _kill(self, work: Work, code: str, reason: str) -> AttemptResult:
        now = self.clock()
        await self.ledger.kill(work.delivery.id, code, reason, now)
        self._tell_settled(work, State.DEAD, code, work.delivery.attempts, now)
        return NOTHING

    async def _call_safely(
        self, work: Work, adapter: Adapter, platform: Platform, sending: Sending, request: OutboundRequest
    ) -> Try:
        """Call; an exception of our own counts as an attempt without a readable answer."""
        began_at = self.clock()
        try:
            return await self._call(work, adapter, platform, sending, request)
        except Exception as error:
            self._report_fault(work, error)
            return interrupted(began_at, self.clock())

    def _report_fault(self, work: Work, error: Exception) -> None:
        _log.error("delivery %s met a fault", work.delivery.id, exc_info=error)
        self.events(DeliveryStumbled(work.delivery.platform or "", type(error).__name__))

    async def _call(
        self, work: Work, adapter: Adapter, platform: Platform, sending: Sending, request: OutboundRequest
    ) -> Try:
        started_at = self.clock()
        doubted = work.delivery.in_doubt
        if doubted and (question := adapter.ask(sending)):
            asked = await self._ask(work, adapter, platform, question, started_at)
            if asked is not None:
                return asked
        try:
            reply = await self._send(adapter, platform, request)
        except NoAnswer as none:
            return Try(started_at, self.clock(), unanswered(none), in_doubt=doubted or none.may_have_left)
        except (Unsendable, Rejected) as fault:
            return Try(started_at, self.clock(), _unwritable(fault), in_doubt=doubted)
        verdict = adapter.judge(work.message.type, reply)
        return Try(started_at, self.clock(), verdict, reply, in_doubt=doubted)

    async def _ask(
        self, work: Work, adapter: Adapter, platform: Platform, question: OutboundRequest, started_at: datetime
    ) -> Try | None:
        """Ask whether the earlier request arrived. None: it did not, or it is not known; send it again."""
        own_key = new_id(started_at)
        try:
            reply = await self._send(adapter, platform, keyed(question, own_key, work.message.trace_id))
        except NoAnswer as none:
            return Try(started_at, self.clock(), unanswered(none), in_doubt=True)
        except (Unsendable, Rejected):
            return None
        verdict = adapter.judge_answer(work.message.type, reply)
        if verdict.kind in _FINAL_ANSWERS or _is_unwell(verdict, reply):
            return Try(started_at, self.clock(), verdict, reply, in_doubt=True)
        return None

    async def _send(self, adapter: Adapter, platform: Platform, request: OutboundRequest) -> Reply:
        stamped_now = stamped(request, self.clock())
        authorised = adapter.authorise(stamped_now, platform.settings)
        return await self.sender.send(platform, authorised, adapter.limits.timeout)

    async def _settle(self, work: Work, tried: Try, settlement: Settlement) -> AttemptResult:
        lane_moved = await self._record(work, settlement)
        attempt = settlement.attempt
        self.events(
            AttemptEnded(
                delivery_id=work.delivery.id,
                message_id=work.message.id,
                platform=work.delivery.platform or "",
                type=work.message.type,
                number=attempt.number,
                verdict=attempt.verdict,
                status=attempt.status,
                seconds=(attempt.ended_at - attempt.started_at).total_seconds(),
                code=attempt.code,
                trace_id=work.message.trace_id,
            )
        )
        if settlement.state in _SETTLED:
            self._tell_settled(work, settlement.state, attempt.code, attempt.number, attempt.ended_at)
        took = tried.ended_at - tried.started_at
        return AttemptResult(tried.failed, took, lane_moved, settlement.due_at, _rest(tried))

    async def _record(self, work: Work, settlement: Settlement) -> bool:
        """Settle, and try again while the ledger is not available: what a platform answered must not be lost."""
        while True:
            try:
                return await self.ledger.settle(settlement)
            except Unavailable as error:
                self._report_fault(work, error)
                await asyncio.sleep(self.ledger_pause.total_seconds())

    def _tell_settled(self, work: Work, state: State, code: str | None, attempts: int, at: datetime) -> None:
        self.events(
            DeliverySettled(
                delivery_id=work.delivery.id,
                message_id=work.message.id,
                platform=work.delivery.platform or "",
                type=work.message.type,
                state=state.value,
                attempts=attempts,
                seconds=(at - work.message.received_at).total_seconds(),
                code=code,
                trace_id=work.message.trace_id,
            )
        )


def worded(rejected: Rejected) -> str:
    """Put a refusal to translate into one text: what is wrong with which field, in Chinese."""
    findings = [f"{each.title or each.field or each.path}：{each.message.zh}" for each in rejected.findings]
    return "；".join([rejected.detail.zh, *findings])[:2000]


def _unwritable(fault: Exception) -> Verdict:
    if isinstance(fault, Rejected):
        return Verdict(VerdictKind.CREDENTIALS, code=fault.code, reason=worded(fault))
    return Verdict(VerdictKind.DEAD, code="request.unwritable", reason=str(fault))


def _is_unwell(verdict: Verdict, reply: Reply) -> bool:
    return verdict.kind is VerdictKind.RETRY and (reply.status >= _SERVER_ERROR or reply.status in _BUSY)


def _rest(tried: Try) -> timedelta | None:
    busy = tried.reply is not None and tried.reply.status in _BUSY
    return tried.verdict.after if busy and tried.verdict.kind is VerdictKind.RETRY else None

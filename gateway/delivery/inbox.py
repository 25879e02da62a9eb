"""The inbox of one platform that fetches for itself: polls wait here, and lane heads are leased to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from msgspec import Struct

from adapters.base import OutboundRequest, Sending
from gateway.delivery import told
from gateway.delivery.attempt import Attempts, DeliveryTarget, Untranslatable
from gateway.delivery.outgoing import outbound
from gateway.delivery.retry import longest_wait
from gateway.delivery.supply import SWEEP
from gateway.delivery.wakeup import Wakeup
from gateway.errors import Busy, Conflict, HutongError
from gateway.ledger.records import Inbox, Work
from gateway.message import State
from gateway.telemetry.events import DeliveryLeased, InboxAsked
from schemas.findings import Text

MOST_POLLS = 8
"""Polls of one platform that wait or are being answered at once."""

_MOST_BYTES = 4 * 1024 * 1024
"""Bytes of bodies in one answer; a single larger one is given alone."""
_ROUNDS = 20
"""Looks at the ledger in which nothing was leased although there were heads, before a poll waits."""
_CLOSED = "inbox.closed"


class Leased(Struct, frozen=True):
    """A delivery that its platform has until a moment: the request as push would send it, and the attempt's number."""

    work: Work
    request: OutboundRequest
    attempt: int
    until: datetime


class PlatformInbox:
    """Leases deliveries to one platform.

    Nothing here decides what is leased: each lease is one transaction of the ledger. So it does not matter how
    many polls there are, and in how many processes. `lease`: for how long; `expect` is told until when each is.
    """

    def __init__(
        self, to: DeliveryTarget, attempts: Attempts, lease: timedelta, expect: Callable[[datetime], None]
    ) -> None:
        self._to = to
        self._attempts = attempts
        self._lease = lease
        self._expect = expect
        self._waiting: set[Wakeup] = set()
        self._turn = asyncio.Lock()  # so that polls of one process do not race for the same heads
        self._ended = False
        self._refused: HutongError | None = None

    # ── from outside ──────────────────────────────────────────────────────────────────────────
    @property
    def polls(self) -> int:
        """Give how many polls wait or are being answered."""
        return len(self._waiting)

    def wake(self) -> None:
        """Say that there may be something to fetch."""
        for wakeup in self._waiting:
            wakeup.set()

    def change(self, to: DeliveryTarget) -> None:
        """Take over a changed platform (its settings, adapter or holds)."""
        self._to = to
        self.wake()

    def end(self) -> None:
        """Answer every poll that waits with nothing, and lease nothing more: the gateway stops."""
        self._ended = True
        self.wake()

    def refuse(self, why: HutongError) -> None:
        """Answer every poll that waits with an error, and lease nothing more: the platform fetches no more."""
        self._refused = why
        self.wake()

    async def fetch(self, most: int, wait: float, gone: asyncio.Future[None] | None = None) -> Sequence[Leased]:
        """Lease up to `most` heads, in order; when there are none, wait so many seconds for some.

        `gone` is done when the caller is there no more: then nothing is leased. Busy `inbox.busy` beyond
        `MOST_POLLS`; what `refuse` was told when the platform fetches no more.
        """
        with self._seat(gone) as wakeup:
            until = self._attempts.ticks() + wait
            while True:
                # Cleared before looking: what comes during the look ends the wait after it.
                wakeup.clear()
                leased = await self._leased(most, gone)
                left = until - self._attempts.ticks()
                if leased or left <= 0 or self._over(gone):
                    break
                await wakeup.wait(min(left, await self._until_due()))
        self._attempts.events(InboxAsked(self._to.platform.id, len(leased)))
        return leased

    @contextmanager
    def _seat(self, gone: asyncio.Future[None] | None) -> Iterator[Wakeup]:
        if len(self._waiting) >= MOST_POLLS:
            raise _busy()
        wakeup = Wakeup()
        self._waiting.add(wakeup)
        if gone is not None:
            gone.add_done_callback(lambda _: wakeup.set())
        try:
            yield wakeup
        finally:
            self._waiting.discard(wakeup)

    def _over(self, gone: asyncio.Future[None] | None) -> bool:
        if self._refused is not None:
            raise self._refused
        return self._ended or (gone is not None and gone.done())

    # ── leasing ───────────────────────────────────────────────────────────────────────────────
    async def _leased(self, most: int, gone: asyncio.Future[None] | None) -> Sequence[Leased]:
        async with self._turn:
            for _ in range(_ROUNDS):
                if self._over(gone):
                    return ()
                try:
                    works = await self._heads(most)
                    leased = await self._lease_all(works, gone)
                except Conflict as error:
                    if error.code != _CLOSED:
                        raise
                    # It is registered otherwise than is known here; whoever registered it is about to tell.
                    return ()
                if leased or not works:
                    return leased
        return ()

    async def _heads(self, most: int) -> Sequence[Work]:
        return await self._attempts.ledger.heads(self._inbox(), *self._due_between(), most)

    async def _lease_all(self, works: Sequence[Work], gone: asyncio.Future[None] | None) -> Sequence[Leased]:
        to, inbox = self._to, self._inbox()
        written: list[tuple[Work, Sending, OutboundRequest]] = []
        size = 0
        for work in works:
            sending = outbound(work, to.platform)
            request = await self._written(work, to, sending, inbox)
            size += len(request.body) if request is not None else 0
            if request is None:
                continue
            if written and size > _MOST_BYTES:
                break
            written.append((work, sending, request))
            await asyncio.sleep(0)  # writing takes time, and others have things to do
        # Check, wait, check: writing took time, and who is gone is leased nothing.
        if self._over(gone):
            return ()
        leasing = [self._lease_one(work, to, sending, request, inbox) for work, sending, request in written]
        results = await asyncio.gather(*leasing, return_exceptions=True)
        leased = [one for one in results if isinstance(one, Leased)]
        failed = [one for one in results if isinstance(one, BaseException)]
        # What was leased is given out though others failed; what may be leased although the answer was lost lapses.
        if failed and not leased:
            raise failed[0]
        return leased

    async def _written(self, work: Work, to: DeliveryTarget, sending: Sending, inbox: Inbox) -> OutboundRequest | None:
        """Give what push would send, byte for byte; None when it cannot be written, and the delivery is dead for it."""
        adapter = to.adapters(work.delivery.adapter) if work.delivery.adapter else to.adapter
        try:
            return work.request or await self._attempts.write(work, adapter, sending)
        except Untranslatable as fault:
            now = self._attempts.clock()
            if await self._attempts.ledger.kill(inbox, work.delivery.id, fault.code, fault.reason, now):
                self._attempts.events(told.settled(work, State.DEAD, fault.code, work.delivery.attempts, now))
            return None

    async def _lease_one(
        self, work: Work, to: DeliveryTarget, sending: Sending, request: OutboundRequest, inbox: Inbox
    ) -> Leased | None:
        attempts, adapter = self._attempts, to.adapter
        name = work.delivery.adapter or f"{adapter.name}@{adapter.version}"
        until = attempts.steady() + self._lease
        try:
            number = await attempts.ledger.lease(
                inbox, work.delivery.id, name, request, attempts.clock(), until, message=work.message
            )
        finally:
            # Also after an error: it may be committed although its answer is lost, and then it lapses.
            self._expect(until)
        if number is None:
            return None
        if work.request is None:
            attempts.watch(to.platform, adapter, sending)
        delivery, message = work.delivery, work.message
        attempts.events(DeliveryLeased(delivery.id, message.id, to.platform.id, message.type, number, message.trace_id))
        return Leased(work, request, number, until)

    # ── waiting ───────────────────────────────────────────────────────────────────────────────
    async def _until_due(self) -> float:
        now, latest = self._due_between()
        try:
            due = await self._attempts.ledger.next_due(self._inbox(), now, latest)
        except Conflict:
            return SWEEP  # registered otherwise: whoever tells it wakes
        return SWEEP if due is None else max((due - self._attempts.steady()).total_seconds(), 0.0)

    def _due_between(self) -> tuple[datetime, datetime]:
        now = self._attempts.steady()
        return now, now + longest_wait(self._to.adapter.retry, self._attempts.longest_asked)

    def _inbox(self) -> Inbox:
        return Inbox(self._to.platform.id, self._to.platform.revision)


def _busy() -> Busy:
    return Busy(
        Text(
            f"本平台同时取件的请求超过 {MOST_POLLS} 个；请减少并发，等待前面的请求返回",
            f"More than {MOST_POLLS} polls of this platform are under way; ask less at once",
        ),
        code="inbox.busy",
    )

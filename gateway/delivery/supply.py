"""The heads that wait for their turn here, and when the ledger is asked for more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from gateway.clock import Clock, Ticks
from gateway.delivery.health import WHOLE, Health, Scope
from gateway.delivery.wakeup import Wakeup
from gateway.ledger.base import Ledger
from gateway.ledger.records import Claim, Work

SWEEP = 60.0
"""Seconds between two looks at the ledger that nothing asked for: a wake-up, or a write, may have been lost."""

_QUEUE = 64
_QUIET = 0.05
"""Seconds to wait for a wake-up before the ledger is asked what falls due."""
_SPREAD = 16
"""From how many heads that did not fail a probe is chosen."""
_MOST_FAILED = 200
"""Beyond how many heads that failed it is looked for them."""


class Supply:
    """What of one platform's heads is known here; at most a queue of them.

    `busy` are the deliveries that are being attempted, as they are at any time: they are not given
    out again. `longest` is the longest wait of the platform's present schedule.
    """

    def __init__(
        self,
        ledger: Ledger,
        steady: Clock,
        ticks: Ticks,
        wakeup: Wakeup,
        busy: Collection[str],
        longest: Callable[[], timedelta],
    ) -> None:
        self._ledger = ledger
        self._steady = steady
        self._ticks = ticks
        self._wakeup = wakeup
        self._busy = busy
        self._longest = longest
        self._queue: dict[str, Work] = {}  # by delivery, in order
        self._last_next = False  # whether the last of the queue is next, not the first
        self._resting: dict[str, float] = {}  # deliveries that failed by an error of ours, and until when (ticks)
        self._due: datetime | None = None  # when the next head falls due that was not fetched
        self._due_known = False  # whether `_due` is what the ledger says
        self._fetched = self._due_between()  # up to when heads were due that the last fetch gave
        self.stale = True
        """Whether the ledger may have heads that are not known here; set by whoever learns of any."""

    def forget(self) -> None:
        """Forget what was queued: it may not be what may be sent now."""
        self._queue.clear()
        self.stale = True

    def rest(self, delivery_id: str, seconds: float) -> None:
        """Leave a delivery alone for so long: without it, it would be the head at once, and fail in the same way."""
        self._resting[delivery_id] = self._ticks() + seconds

    def wake_rested(self) -> float:
        """Let deliveries that failed by an error of ours be tried again after a pause; gives the wait for the next."""
        now = self._ticks()
        for delivery_id in [one for one, until in self._resting.items() if until <= now]:
            del self._resting[delivery_id]
            self.stale = True
        return min(self._resting.values(), default=now + SWEEP) - now

    # ── the queue ─────────────────────────────────────────────────────────────────────────────
    def next(self, health: Health, *, room: bool) -> Work | None:
        """Choose the next of the queue: the first; while something fails, the first and the last alternately.

        Poison documents are often next to each other in the queue. Alternating lets others be answered in
        between, which shows that the platform is healthy. Without `room`, none whose lane failed before.
        """
        self._last_next = bool(health.breakers) and not self._last_next
        queue = reversed(self._queue.values()) if self._last_next else self._queue.values()
        return next((work for work in queue if room or not health.has_failed(work)), None)

    def take(self, work: Work) -> None:
        """Take a head off the queue."""
        del self._queue[work.delivery.id]

    def offer(self, work: Work) -> bool:
        """Queue a head that was just accepted, so that it need not be read back; False when the ledger must be asked.

        While there are heads that are not known here, a new one waits for its turn behind them.
        """
        if self.stale or len(self._queue) >= _QUEUE:
            return False
        id = work.delivery.id
        if id not in self._queue and id not in self._busy and id not in self._resting:
            self._queue[id] = work
        return True

    def _known(self) -> set[str]:
        return {*self._queue, *self._busy, *self._resting}

    # ── the ledger ────────────────────────────────────────────────────────────────────────────
    async def fetch(self, claim: Claim, held: Callable[[], frozenset[Scope] | None]) -> None:
        """Read heads into the queue. `held` tells what may not be among them; None: nothing may be begun at all."""
        # Before the read: who sets `stale` while it runs has them read once more.
        self.stale = False
        before, known = held(), self._known()
        now, latest = self._due_between()
        works = await self._ledger.heads(claim, now, latest, _QUEUE, besides=before or (), known=known)
        self._fetched, self._due_known = (now, latest), False
        # Check, wait, check: what was held while the ledger was read must not be queued by what it
        # said before, and what was begun meanwhile not a second time.
        if before is None or held() != before:
            self.stale = True
            return
        known = self._known()
        self._queue |= {work.delivery.id: work for work in works if work.delivery.id not in known}
        # A full answer may not have been all. Who ends an attempt after which a delivery may go again sets `stale`.
        self.stale = self.stale or len(works) == _QUEUE

    async def until_due(self, claim: Claim, held: Collection[Scope]) -> float:
        """Give the seconds until a head falls due that was not fetched; 0.0 when there may be one now."""
        if not self._due_known:
            if await self._wakeup.wait(_QUIET):
                return 0.0
            # Asked about what the last fetch did not give. What was due by then is in the queue or held
            # by an endpoint, and must not hide what falls due later. Whoever sets `stale` while the
            # ledger is asked makes the heads be fetched and this be asked again.
            self._due_known = True
            self._due = await self._ledger.next_due(claim, *self._fetched, besides=held)
        if self._due is None:
            return SWEEP
        wait = (self._due - self._steady()).total_seconds()
        self.stale = self.stale or wait <= 0
        return max(wait, 0.0)

    async def probes(self, claim: Claim, scope: Scope, failed: int) -> tuple[Sequence[Work], float]:
        """Read heads that may be let out though the platform or their endpoint is held, as so many lanes failed.

        Also the seconds until the next falls due, when there is none.
        """
        limit = _SPREAD + min(failed, _MOST_FAILED)
        only, due = None if scope == WHOLE else [scope], self._due_between()
        works = await self._ledger.heads(claim, *due, limit, only=only, known=self._known(), probe=True)
        known = self._known()  # as in `fetch`
        if found := [work for work in works if work.delivery.id not in known]:
            return found, 0.0
        later = await self._ledger.next_due(claim, *due, only=only)
        return (), SWEEP if later is None else (later - due[0]).total_seconds()

    def _due_between(self) -> tuple[datetime, datetime]:
        """Give what is due now and the latest that a wait can end; later is due, too: a clock was moved."""
        now = self._steady()
        return now, now + self._longest()

"""The circuit breaker of one platform: a pure value (closed, open, half-open)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Phase(StrEnum):
    """Closed lets everything through, open nothing, half-open one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Policy:
    """When to open and for how long.

    Open when at least `least` of the last `window` attempts are known and the share of failures
    reaches `rate`. Stay open for `cool_down`, twice as long after each probe that failed, at most `longest`.
    """

    window: int = 20
    least: int = 5
    rate: float = 0.5
    cool_down: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of a platform's health. `outcomes` holds the last ones as bits, 1 a failure, newest lowest."""

    policy: Policy = Policy()
    phase: Phase = Phase.CLOSED
    outcomes: int = 0
    known: int = 0
    openings: int = 0
    until: datetime | None = None

    def record(self, now: datetime, *, failed: bool) -> Breaker:
        """Take note of an ordinary attempt; those still under way when it opened change nothing."""
        if self.phase is not Phase.CLOSED:
            return self
        known = min(self.known + 1, self.policy.window)
        outcomes = (self.outcomes << 1 | failed) & ((1 << self.policy.window) - 1)
        if known == self.known and outcomes == self.outcomes:
            return self
        after = replace(self, outcomes=outcomes, known=known)
        return after._opened(now) if after._is_bad() else after

    def _is_bad(self) -> bool:
        enough = self.known >= self.policy.least
        return enough and self.outcomes.bit_count() >= self.policy.rate * self.known

    def _opened(self, now: datetime) -> Breaker:
        longest = self.policy.longest
        factor = 2 ** min(self.openings, 16)
        cool_down = min(self.policy.cool_down * factor, longest)
        return Breaker(self.policy, Phase.OPEN, openings=self.openings + 1, until=now + cool_down)

    def cooled(self) -> Breaker:
        """Let the next probe go at once: something changed that may have cured it."""
        return replace(self, until=None)

    def may_probe(self, now: datetime) -> bool:
        """Tell whether it is open and has cooled down."""
        return self.phase is Phase.OPEN and (self.until is None or now >= self.until)

    def probing(self) -> Breaker:
        """Let one probe out."""
        return replace(self, phase=Phase.HALF_OPEN)

    def probed(self, now: datetime, *, failed: bool | None) -> Breaker:
        """Take note of the probe: closed when it was answered, open for longer when not.

        `failed` None: it never left (discarded meanwhile, say); the next may go at once.
        """
        if failed is None:
            return replace(self, phase=Phase.OPEN)
        return self._opened(now) if failed else Breaker(self.policy)

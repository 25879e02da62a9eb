"""The circuit breaker: a pure value (closed, open, half-open) that counts lanes, not attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

_MOST_REMEMBERED = 1000
"""Lanes; of more, the ones that failed longest ago are forgotten."""

_AT_ONCE = float("-inf")


class BreakerPhase(StrEnum):
    """Closed lets everything through, open nothing, half-open one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class BreakerPolicy(Struct, frozen=True):
    """When to open and for how long.

    Open when `lanes` distinct lanes failed since the last success. Stay open for `cool_down`, twice
    as long after each probe that failed, at most `longest`.
    """

    lanes: int = 5
    cool_down: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(seconds=60)


class Breaker(Struct, frozen=True):
    """What is known of the health of a platform, or of one endpoint of it; times are ticks.

    `failures`: lanes whose last attempt failed, each with the number of that failure, so that the
    highest failed last. `fresh`: those of them that count towards opening. The others are suspects:
    they failed, then another lane succeeded, so the fault may be theirs and not the platform's; a
    suspect counts again only once it has succeeded.
    """

    policy: BreakerPolicy = BreakerPolicy()
    phase: BreakerPhase = BreakerPhase.CLOSED
    failures: Mapping[str, int] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    counted: int = 0
    openings: int = 0
    until: float = _AT_ONCE

    def is_suspect(self, lane: str) -> bool:
        """Tell whether a lane failed, and another succeeded after that."""
        return lane in self.failures and lane not in self.fresh

    def succeeded(self, lane: str) -> Breaker:
        """Take note of an answered attempt: whoever failed before it is a suspect now.

        One that was still under way when it opened does not close it; only a probe does.
        """
        if not self.failures:
            return self
        rest = {other: number for other, number in self.failures.items() if other != lane}
        return replace(
            self, failures=rest, fresh=frozenset() if self.phase is BreakerPhase.CLOSED else self.fresh - {lane}
        )

    def failed(self, lane: str, now: float) -> Breaker:
        """Take note of an attempt that failed; opens when enough lanes did."""
        closed = self.phase is BreakerPhase.CLOSED
        counts = closed and not self.is_suspect(lane)
        after = replace(
            self,
            failures=_remembered({**self.failures, lane: self.counted}),
            fresh=self.fresh | {lane} if counts else self.fresh,
            counted=self.counted + 1,
        )
        return after._opened(now) if closed and len(after.fresh) >= self.policy.lanes else after

    def forgotten(self, lane: str) -> Breaker:
        """Forget a lane that fails no more, because its delivery was given up."""
        if lane not in self.failures:
            return self
        rest = {other: number for other, number in self.failures.items() if other != lane}
        return replace(self, failures=rest, fresh=self.fresh - {lane})

    def unexplained(self) -> Breaker:
        """Count from nothing again: what failed so far is explained by something else."""
        return replace(self, fresh=frozenset()) if self.fresh and self.phase is BreakerPhase.CLOSED else self

    def _opened(self, now: float) -> Breaker:
        cool_down = min(self.policy.cool_down * 2 ** min(self.openings, 16), self.policy.longest)
        until = now + cool_down.total_seconds()
        return replace(self, phase=BreakerPhase.OPEN, openings=self.openings + 1, until=until)

    def cooled(self) -> Breaker:
        """Let the next probe go at once: something changed that may have cured it."""
        return replace(self, until=_AT_ONCE) if self.phase is BreakerPhase.OPEN else self

    def postponed(self, until: float) -> Breaker:
        """Let no probe go before then."""
        return replace(self, until=until)

    def may_probe(self, now: float) -> bool:
        """Tell whether it is open and has cooled down."""
        return self.phase is BreakerPhase.OPEN and now >= self.until

    def choose(self, lanes: Sequence[str]) -> int | None:
        """Choose the lane to probe with, by its place among lanes in order of position.

        One that did not fail, if there is one; not always the first of them: those that fail often
        stand together, so each choice starts elsewhere. Otherwise the one that failed longest ago.
        """
        untried = [place for place, lane in enumerate(lanes) if lane not in self.failures]
        if untried:
            return untried[self.counted % len(untried)]
        return min(range(len(lanes)), key=lambda place: self.failures[lanes[place]], default=None)

    def probing(self) -> Breaker:
        """Let one probe out."""
        return replace(self, phase=BreakerPhase.HALF_OPEN)

    def probed(self, lane: str, now: float, *, well: bool | None) -> Breaker:
        """Take note of the probe: closed when it was answered, open for longer when not.

        `well` None: it tells nothing (it never left, say); the next may go at once.
        """
        if well is None:
            return replace(self, phase=BreakerPhase.OPEN)
        if not well:
            return self.failed(lane, now)._opened(now)
        return Breaker(self.policy, failures=self.succeeded(lane).failures, counted=self.counted)


def _remembered(failures: dict[str, int]) -> dict[str, int]:
    if len(failures) > _MOST_REMEMBERED:
        del failures[min(failures, key=lambda lane: failures[lane])]
    return failures

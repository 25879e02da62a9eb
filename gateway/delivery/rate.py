"""A token bucket: a pure value that says how long to wait before the next request."""

from __future__ import annotations

from dataclasses import dataclass, replace

_BURST_SECONDS = 0.1
_WHOLE = 1.0 - 1e-9
"""A token, but for what adding up seconds loses: otherwise the wait for the rest of it would be too short to pass."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """At most `rate` requests a second (None: no limit), a tenth of a second's worth at once; times are ticks.

    `rests_until`: the platform asked for no requests before then.
    """

    rate: float | None
    tokens: float = 1.0
    at: float | None = None
    rests_until: float | None = None

    def take(self, now: float) -> tuple[Bucket, float]:
        """Take one token: the bucket after it and no wait, or the same bucket and the seconds to wait for one."""
        if self.rests_until is not None and now < self.rests_until:
            return self, self.rests_until - now
        if self.rate is None:
            return self, 0.0
        filled = self._filled(self.rate, now)
        if filled.tokens < _WHOLE:
            return self, (1.0 - filled.tokens) / self.rate
        return replace(filled, tokens=filled.tokens - 1.0), 0.0

    def _filled(self, rate: float, now: float) -> Bucket:
        most = max(1.0, rate * _BURST_SECONDS)
        since = 0.0 if self.at is None else max(0.0, now - self.at)
        return replace(self, tokens=min(most, self.tokens + since * rate), at=now)

    def rest(self, until: float) -> Bucket:
        """Give nothing before `until`."""
        later = until if self.rests_until is None else max(until, self.rests_until)
        return replace(self, rests_until=later)

    def rests(self, now: float) -> bool:
        """Tell whether the platform asked for a rest that is not over."""
        return self.rests_until is not None and now < self.rests_until

    def rested(self) -> Bucket:
        """End a rest: something changed, and what asked for it may be gone."""
        return replace(self, rests_until=None)

"""A token bucket: a pure value that says how long to wait before the next request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

_BURST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Bucket:
    """At most `rate` requests a second (None: no limit), a tenth of a second's worth at once.

    `rests_until`: the platform asked for no requests before then.
    """

    rate: float | None
    tokens: float = 1.0
    at: datetime | None = None
    rests_until: datetime | None = None

    def take(self, now: datetime) -> tuple[Bucket, timedelta]:
        """Take one token: the bucket after it and no wait, or the same bucket and the wait for one."""
        if self.rests_until is not None and now < self.rests_until:
            return self, self.rests_until - now
        if self.rate is None:
            return self, timedelta(0)
        filled = self._filled(self.rate, now)
        if filled.tokens < 1.0:
            return self, timedelta(seconds=(1.0 - filled.tokens) / self.rate)
        return replace(filled, tokens=filled.tokens - 1.0), timedelta(0)

    def _filled(self, rate: float, now: datetime) -> Bucket:
        most = max(1.0, rate * _BURST_SECONDS)
        since = max(0.0, (now - self.at).total_seconds()) if self.at else 0.0
        return replace(self, tokens=min(most, self.tokens + since * rate), at=now)

    def rest(self, until: datetime) -> Bucket:
        """Give nothing before `until`."""
        later = until if self.rests_until is None else max(until, self.rests_until)
        return replace(self, rests_until=later)

    def rested(self) -> Bucket:
        """End a rest: something changed, and what asked for it may be gone."""
        return replace(self, rests_until=None)

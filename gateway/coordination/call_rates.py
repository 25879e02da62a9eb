"""How often each caller may call: counted by every process for itself, and by all together where they share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress

from gateway.coordination.rates import Rate
from gateway.coordination.shared import MemoryStore, SharedStore, Unshared
from gateway.errors import TooFast
from schemas.budget import Bound
from schemas.findings import Text

CALL_RATE, CALL_BURST = "call_rate", "call_burst"

CALL_BOUNDS: Mapping[str, Bound] = {
    CALL_RATE: Bound("每秒调用次数", "calls a second", 100_000),
    CALL_BURST: Bound("同时到达的调用次数", "calls that come at once", 100_000),
}
"""What an operator may say of one platform among its `limits`, beside the bounds of work."""


class CallRates:
    """Lets callers call as often as they may, each for itself. `standard`: the rate of who has none of its own.

    A process alone never lets more through than the whole rate. With `shared`, all processes together do not either;
    while that cannot be reached, each counts for itself again, so that nobody is turned away who may come.
    """

    def __init__(self, own: MemoryStore, standard: Rate | None = None, shared: SharedStore | None = None) -> None:
        self._own = own
        self._standard = standard
        self._shared = shared

    async def admit(self, platform: str, limits: Mapping[str, int]) -> None:
        """Count a call of a platform; TooFast, with the seconds to wait, when it calls more often than it may."""
        rate = self._standard if not limits else self._of(limits)
        if rate is None:
            return
        wait = await self._own.draw(platform, rate)
        if wait == 0 and self._shared is not None:
            with suppress(Unshared):
                wait = await self._shared.draw(platform, rate)
        if wait > 0:
            raise _too_fast(rate, math.ceil(wait))

    def _of(self, limits: Mapping[str, int]) -> Rate | None:
        calls = limits.get(CALL_RATE)
        if calls is not None:
            return Rate(calls, limits.get(CALL_BURST, calls))
        if self._standard is None:
            return None
        return Rate(self._standard.calls, limits.get(CALL_BURST, self._standard.burst))


def _too_fast(rate: Rate, seconds: int) -> TooFast:
    return TooFast(
        Text(
            f"本平台每秒最多调用 {rate.calls} 次；请按 Retry-After 等待 {seconds} 秒后原样重发",
            f"This platform may call {rate.calls} times a second; send the same again after {seconds} s (Retry-After)",
        ),
        seconds,
    )

"""What an operator may do to one delivery: replay it, give it up, hold it, let it go."""

from __future__ import annotations

from collections.abc import Callable

from gateway.clock import Clock
from gateway.ledger.base import Ledger
from gateway.message import Delivery


class OperatorSteps:
    """Writes each step to the ledger, then wakes the platform whose lane it may have freed."""

    def __init__(self, ledger: Ledger, clock: Clock, wake: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._wake = wake

    async def replay(self, delivery_id: str, *, actor: str, reason: str, stale_ok: bool = False) -> Delivery:
        """Replay a delivery; Conflict `state.wrong` or `lane.moved_on`."""
        at = self._clock()
        return self._woken(await self._ledger.replay(delivery_id, actor=actor, reason=reason, at=at, stale_ok=stale_ok))

    async def discard(self, delivery_id: str, *, actor: str, reason: str) -> Delivery:
        """Give a delivery up; its lane moves on."""
        return self._woken(await self._ledger.discard(delivery_id, actor=actor, reason=reason, at=self._clock()))

    async def hold(self, delivery_id: str, *, actor: str, reason: str) -> Delivery:
        """Hold a delivery, and the lane behind it."""
        return await self._ledger.hold(delivery_id, actor=actor, reason=reason, at=self._clock())

    async def release(self, delivery_id: str, *, actor: str, reason: str) -> Delivery:
        """Lift an operator's hold."""
        return self._woken(await self._ledger.release(delivery_id, actor=actor, reason=reason, at=self._clock()))

    def _woken(self, delivery: Delivery) -> Delivery:
        if delivery.platform is not None:
            self._wake(delivery.platform)
        return delivery

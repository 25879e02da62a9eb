"""What an operator may do to one delivery: replay it, give it up, hold it, let it go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.errors import Unavailable
from gateway.ledger.base import Ledger
from gateway.ledger.records import Intent
from gateway.message import Delivery


class OperatorSteps:
    """Writes each step to the ledger, then wakes the platform whose lane it may have freed.

    `doubt` is called when nobody knows whether a step was committed: then everybody is woken.
    """

    def __init__(self, ledger: Ledger, wake: Callable[[str], None], doubt: Callable[[], None]) -> None:
        self._ledger = ledger
        self._wake = wake
        self._doubt = doubt

    async def replay(self, delivery_id: str, intent: Intent, *, stale_ok: bool = False) -> Delivery:
        """Replay a delivery; Conflict `state.wrong`, `lane.moved_on`, `replay.open` or `platform.unknown`."""
        return await self._woken(self._ledger.replay(delivery_id, intent, stale_ok=stale_ok))

    async def discard(self, delivery_id: str, intent: Intent) -> Delivery:
        """Give a delivery up; its lane moves on."""
        return await self._woken(self._ledger.discard(delivery_id, intent))

    async def hold(self, delivery_id: str, intent: Intent) -> Delivery:
        """Hold a delivery, and the lane behind it."""
        return await self._ledger.hold(delivery_id, intent)

    async def release(self, delivery_id: str, intent: Intent) -> Delivery:
        """Lift an operator's hold."""
        return await self._woken(self._ledger.release(delivery_id, intent))

    async def _woken(self, step: Awaitable[Delivery]) -> Delivery:
        try:
            delivery = await step
        except Unavailable:
            self._doubt()
            raise
        if delivery.platform is not None:
            self._wake(delivery.platform)
        return delivery

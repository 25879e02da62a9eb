"""The inboxes of all platforms that fetch for themselves, their receipts, and what lapses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from adapters.base import Adapter, RetrySchedule
from gateway.delivery.attempt import Attempts, DeliveryTarget
from gateway.delivery.inbox import Leased, PlatformInbox
from gateway.delivery.lapses import Lapses
from gateway.delivery.lease_receipt import LeaseReceipt, ReceiptOutcome, not_pull, settle_receipt
from gateway.errors import HutongError, Unavailable
from gateway.ledger.records import Platform
from schemas.findings import Text


class SpokenNow(Protocol):
    """What each platform speaks now; see `AdapterVersions`."""

    def of(self, platform: Platform) -> Adapter:
        """Give the adapter that a platform speaks; NotFound `adapter.unknown`."""


class Inboxes:
    """Deliveries leased to the platforms that ask for them.

    `lease`: for how long. `wake` tells whoever delivers to a platform, by push or by pull, that something may be
    ready, `wake_all` all of them; `failed` is told errors that nobody else hears of.
    """

    def __init__(
        self,
        attempts: Attempts,
        adapters: SpokenNow,
        lease: timedelta,
        wake: Callable[[str], None],
        wake_all: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._attempts = attempts
        self._adapters = adapters
        self._lease = lease
        self._wake = wake
        self._inboxes: dict[str, PlatformInbox] = {}
        self._lapses = Lapses(attempts, lease, wake, wake_all, failed)
        self._running = False

    def start(self) -> None:
        """Begin to let leases lapse. What was leased before goes on until its moment."""
        self._running = True
        self._lapses.start()

    def end(self) -> None:
        """Answer every poll that waits, and lease and lapse no more: the process stops, or another has the ledger."""
        self._running = False
        self._lapses.end()
        for inbox in self._inboxes.values():
            inbox.end()

    async def stop(self) -> None:
        """End, and wait for it."""
        self.end()
        await self._lapses.stop()

    # ── which platforms fetch ─────────────────────────────────────────────────────────────────
    def open(self, to: DeliveryTarget) -> None:
        """Let a platform fetch, or take over how it is registered now."""
        inbox = self._inboxes.get(to.platform.id)
        if inbox is None:
            self._inboxes[to.platform.id] = PlatformInbox(to, self._attempts, self._lease, self._lapses.expect)
        else:
            inbox.change(to)

    def close(self, platform_id: str) -> None:
        """Let a platform fetch no more: who waits is told so. What it has stays leased."""
        inbox = self._inboxes.pop(platform_id, None)
        if inbox is not None:
            inbox.refuse(not_pull(platform_id))

    def wake(self, platform_id: str) -> None:
        """Say that there may be something to fetch."""
        inbox = self._inboxes.get(platform_id)
        if inbox is not None:
            inbox.wake()

    def look(self) -> None:
        """Look now for leases whose time is over."""
        self._lapses.wake()

    def polls(self) -> int:
        """Give how many polls wait or are being answered."""
        return sum(inbox.polls for inbox in self._inboxes.values())

    # ── what platforms ask and say ────────────────────────────────────────────────────────────
    async def fetch(
        self, platform: Platform, most: int, wait: float, gone: asyncio.Future[None] | None = None
    ) -> Sequence[Leased]:
        """Lease deliveries to a platform; see `PlatformInbox.fetch`.

        Conflict `platform.not-pull` for one that is called; Unavailable while its adapter is not installed,
        and while the gateway starts or stops.
        """
        inbox = self._inboxes.get(platform.id)
        if not self._running:
            raise _not_running()
        if inbox is None:
            raise _no_adapter(platform) if platform.fetches else not_pull(platform.id)
        return await inbox.fetch(most, wait, gone)

    async def receipt(self, platform: Platform, delivery_id: str, receipt: LeaseReceipt) -> ReceiptOutcome:
        """Take a platform's receipt for what it fetched; see `settle_receipt`. It may be called by now."""
        try:
            return await settle_receipt(
                self._attempts, platform, self._schedule(platform), self._lease, delivery_id, receipt
            )
        finally:
            # Also after an error: it may have been committed all the same, and another is the head then.
            self._wake(platform.id)

    def _schedule(self, platform: Platform) -> RetrySchedule:
        try:
            return self._adapters.of(platform).retry
        except HutongError:
            return RetrySchedule()


def _not_running() -> Unavailable:
    return Unavailable(
        Text("网关正在启动或停止；请稍后再取", "The gateway is starting or stopping; ask again soon"),
        code="gateway.not-running",
    )


def _no_adapter(platform: Platform) -> Unavailable:
    return Unavailable(
        Text(
            f"平台 {platform.id} 的适配器 {platform.adapter} 未安装，暂时无法取件；请联系网关运维人员",
            f"{platform.adapter}, the adapter of {platform.id}, is not installed, so nothing can be fetched for now; "
            "tell the gateway's operators",
        ),
        code="adapter.unknown",
    )

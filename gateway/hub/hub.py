"""The facade over a running gateway: it starts and stops the parts, and takes documents in."""

from __future__ import annotations

import asyncio

from gateway.access.administrator import Administrator
from gateway.clock import Clock
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.sender import Sender
from gateway.errors import Unavailable
from gateway.hub.bulk_replays import BulkReplays
from gateway.hub.deliveries import OperatorSteps
from gateway.hub.dossier import Dossiers
from gateway.intake.accept import Reception
from gateway.intake.steps import IntakeCall, IntakePreview, IntakeResult
from gateway.ledger.base import Ledger
from gateway.ledger.records import Accepted, Receipt
from gateway.message import Delivery
from gateway.observe import Observers
from gateway.platforms import Register
from gateway.releases import Releases
from gateway.releases.installed import InstalledAdapters
from gateway.telemetry.metrics import Metrics
from schemas.findings import Text


class Hub:
    """A gateway, whole. `start` before anything else; after `stop` it takes nothing more.

    Plain reads go to `ledger`; whatever changes something goes through a part (`platforms`,
    `releases`, `deliveries`, `replays`) or a method here, so that what depends on it (routing, the
    dispatcher, the callers we know) learns of it. `new_admin_token` is the administrator's token
    when this start made one: to be shown once, then forgotten.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        adapters: InstalledAdapters,
        reception: Reception,
        platforms: Register,
        releases: Releases,
        observers: Observers,
        deliveries: OperatorSteps,
        replays: BulkReplays,
        dossiers: Dossiers,
        administrator: Administrator,
        dispatcher: Dispatcher,
        sender: Sender,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self.ledger = ledger
        self.adapters = adapters
        self.platforms = platforms
        self.principals = platforms.principals
        self.releases = releases
        self.observers = observers
        self.deliveries = deliveries
        self.replays = replays
        self.dossiers = dossiers
        self.clock = clock
        self.metrics = metrics
        self._reception = reception
        self._administrator = administrator
        self._dispatcher = dispatcher
        self._sender = sender
        self._running = False
        self.new_admin_token: str | None = None

    # ── life ──────────────────────────────────────────────────────────────────────────────────
    async def start(self) -> None:
        """Open the ledger, know the platforms and the callers, deliver, and take up what was left unfinished."""
        await self.ledger.start()
        # Versions before platforms: who is routed to depends on what the active adapters can send.
        await self.releases.start()
        await self.platforms.load()
        digest, self.new_admin_token = self._administrator.appoint()
        self.principals.know_admin(digest)
        self.observers.tap.start()
        await self._dispatcher.start()
        # A stop between registering a platform and assigning what waited for it leaves this to be done.
        for kind in {platform.kind for platform in self.platforms.directory.values()}:
            await self.platforms.assign(kind)
        await self.replays.resume()
        self._running = True

    async def stop(self) -> None:
        """Take nothing more, let what is under way end, and close the ledger.

        The ledger is closed last: everything stopped before it still writes how far it came.
        """
        self._running = False
        await self.replays.stop()
        await self._dispatcher.stop()
        await self._sender.close()
        await asyncio.to_thread(self.observers.tap.stop)
        await self.ledger.stop()

    async def check(self) -> None:
        """Return when documents can be taken now; Unavailable when they cannot."""
        if not self._running:
            raise Unavailable(
                Text("网关正在启动或停止；请稍后再试", "The gateway is starting or stopping; try again soon"),
                code="gateway.not-running",
            )
        await self.ledger.credentials()

    # ── documents ─────────────────────────────────────────────────────────────────────────────
    async def receive(self, call: IntakeCall) -> IntakeResult:
        """Take a body in the caller's own format; see `Reception.receive`."""
        edition = self.platforms.directory.edition
        return await self._delivering(await self._reception.receive(call), edition)

    async def submit(self, call: IntakeCall) -> IntakeResult:
        """Take a canonical document; see `Reception.submit`."""
        edition = self.platforms.directory.edition
        return await self._delivering(await self._reception.submit(call), edition)

    async def preview(self, call: IntakeCall) -> IntakePreview:
        """Tell what `receive` would make of a body; nothing is kept."""
        return await self._reception.preview(call)

    async def preview_submission(self, call: IntakeCall) -> IntakePreview:
        """Tell what `submit` would make of a body; nothing is kept."""
        return await self._reception.preview_submission(call)

    async def _delivering(self, outcome: IntakeResult, edition: int) -> IntakeResult:
        """Wake the platforms that have something to get.

        `edition` is the directory's from before routing. When it has changed since, a platform may
        have been registered after routing and before the commit: its own assignment of unrouted
        deliveries ran too early to see these, so it is done again.
        """
        deliveries = _new_deliveries(outcome.receipt)
        for platform in {one.platform for one in deliveries if one.platform}:
            self._dispatcher.wake(platform)
        if edition != self.platforms.directory.edition:
            for kind in {one.kind for one in deliveries if one.platform is None}:
                await self.platforms.assign(kind)
        return outcome


def _new_deliveries(receipt: Receipt) -> list[Delivery]:
    if receipt.repeated:
        return []
    new = (entry for entry in receipt.entries if isinstance(entry, Accepted) and not entry.duplicate)
    return [delivery for entry in new for delivery in entry.deliveries]

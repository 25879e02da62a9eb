"""The facade over a running gateway: it starts and stops the parts, and takes documents in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Protocol

from gateway.access import Administrator, Proofs
from gateway.attachments import Attachments
from gateway.clock import Clock
from gateway.coordination import SharedStore, WakeUps
from gateway.coordination.call_rates import CallRates
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.inboxes import Inboxes
from gateway.delivery.sender import Sender
from gateway.errors import HutongError, Unavailable
from gateway.hub.approvals import Approvals
from gateway.hub.deliveries import BulkReplays, OperatorSteps
from gateway.hub.dossier import Dossiers
from gateway.hub.evidence import Evidence
from gateway.hub.pruning import Pruner
from gateway.hub.reconciliation import Reconciliation
from gateway.hub.sequencer import Sequencer
from gateway.hub.trail import Trail
from gateway.intake.admission import Admission
from gateway.intake.batches import Batches
from gateway.intake.reception import Reception
from gateway.intake.steps import IntakeCall, IntakePreview, IntakeResult, Reading
from gateway.ledger.base import Ledger
from gateway.ledger.records import Accepted
from gateway.observe import Observers
from gateway.observe.contacts import Contacts
from gateway.observe.waits import LongestWaits
from gateway.oversight.assessments import Assessments
from gateway.oversight.cases import CaseFinder
from gateway.oversight.clock_list import ClockList
from gateway.oversight.follower import Follower
from gateway.oversight.reports import Reports
from gateway.oversight.years import CalendarYears
from gateway.platforms import People, Reconciler, Register
from gateway.readers import Readers
from gateway.releases import Releases
from gateway.releases.installed import InstalledAdapters
from gateway.telemetry.events import Events
from gateway.telemetry.loop import LoopWatch
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.siblings import Siblings
from gateway.telemetry.standing import Snapshot, StandingHold
from schemas.findings import Rejected, Text
from schemas.scalars import CHINA_TIME


class Spans(Protocol):
    """What sends traces."""

    def stop(self) -> None:
        """Send what is left and end; it takes as long as the receiver does."""
        ...


class Background(Protocol):
    """What works beside the traffic for as long as the gateway runs."""

    def start(self) -> None:
        """Begin."""
        ...

    async def stop(self) -> None:
        """End."""
        ...


class Hub:
    """A gateway, whole. `start` before anything else; after `stop` it takes nothing more.

    Plain reads go to `ledger`; whatever changes something goes through a part (`platforms`,
    `releases`, `deliveries`, `inboxes`, `replays`, `pruner`) or a method here, so that what depends on it (routing, the
    dispatcher, the callers we know) learns of it. `admin_token_file` is where the administrator's token
    can be read, when no setting gives it. `siblings` are the other processes of the
    same port, if there are any, whose counts are shown with ours.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        adapters: InstalledAdapters,
        proofs: Proofs,
        store: SharedStore,
        call_rates: CallRates,
        admission: Admission,
        batches: Batches,
        reception: Reception,
        platforms: Register,
        people: People,
        reconciler: Reconciler,
        releases: Releases,
        observers: Observers,
        contacts: Contacts,
        trail: Trail,
        waits: LongestWaits,
        spans: Spans | None,
        inboxes: Inboxes,
        deliveries: OperatorSteps,
        replays: BulkReplays,
        approvals: Approvals,
        pruner: Pruner,
        sequencer: Sequencer,
        beside: Sequence[Background],
        evidence: Evidence,
        attachments: Attachments,
        dossiers: Dossiers,
        cases: CaseFinder,
        assessments: Assessments,
        clocks: ClockList,
        calendar: CalendarYears,
        reports: Reports,
        reconciliation: Reconciliation,
        follower: Follower,
        administrator: Administrator,
        emergency: str | None,
        dispatcher: Dispatcher,
        wake_ups: WakeUps,
        sender: Sender,
        readers: Readers,
        loop_watch: LoopWatch,
        clock: Clock,
        events: Events,
        metrics: Metrics,
        zone: tzinfo = CHINA_TIME,
    ) -> None:
        self.ledger = ledger
        self.adapters = adapters
        self.proofs = proofs
        self._store = store
        self.call_rates = call_rates
        self.admission = admission
        self.batches = batches
        self.platforms = platforms
        self.people = people
        self.principals = platforms.principals
        self.releases = releases
        self.observers = observers
        self.contacts = contacts
        self.trail = trail
        self._waits = waits
        self._spans = spans
        self.inboxes = inboxes
        self.deliveries = deliveries
        self.replays = replays
        self.approvals = approvals
        self.pruner = pruner
        self.sequencer = sequencer
        self._beside = beside
        self.evidence = evidence
        self.attachments = attachments
        self.dossiers = dossiers
        self.cases = cases
        self.assessments = assessments
        self.clocks = clocks
        self.calendar = calendar
        self.reports = reports
        self.reconciliation = reconciliation
        self.follower = follower
        self.clock = clock
        self.events = events
        self.metrics = metrics
        self.zone = zone
        self._reception = reception
        self._reconciler = reconciler
        self._administrator = administrator
        self._emergency = emergency
        self._dispatcher = dispatcher
        self._wake_ups = wake_ups
        self._sender = sender
        self.readers = readers
        self.loop_watch = loop_watch
        self._running = False
        self.admin_token_file: Path | None = None
        self.siblings: Siblings | None = None

    # ── life ──────────────────────────────────────────────────────────────────────────────────
    async def start(self) -> None:
        """Open the ledger, know the platforms and the callers, deliver, and take up what was left unfinished."""
        await self.ledger.start()
        await self.platforms.load()
        await self.releases.start()
        appointed = self._administrator.appoint()
        self.admin_token_file = appointed.file
        self.principals.know_admin(appointed.digest)
        self.principals.know_emergency(self._emergency)
        self.observers.tap.start()
        self.contacts.start()
        self.trail.start()
        # Before anything is delivered, and so in order: what an earlier gateway left unrouted although
        # somebody can take it stands before what comes from now on.
        await self.platforms.reconcile()
        self._wake_ups.start(self._dispatcher.told)
        await self._dispatcher.start()
        await self.replays.resume()
        await self.approvals.resume()
        await self.assessments.resume()
        self._reconciler.start(
            (
                self.platforms.reconcile,
                self.replays.resume,
                self._dispatcher.reconcile,
                self._waits.look,
                self.clocks.look,
                self.attachments.tidy,
                self.assessments.reconcile,
                self.approvals.resume,
            )
        )
        self.pruner.start()
        self.follower.start()
        self.sequencer.start()
        for each in self._beside:
            each.start()
        self._running = True

    def part(self) -> None:
        """Answer polls of inboxes that wait, and end batches where they are: the process ends soon."""
        self.inboxes.end()
        self.batches.end()

    async def stop(self) -> None:
        """Take nothing more, let what is under way end, and close the ledger.

        The ledger is closed last: everything stopped before it still writes how far it came.
        """
        self._running = False
        for each in self._beside:
            await each.stop()
        await self.follower.stop()
        await self.assessments.stop()
        await self.pruner.stop()
        await self._reconciler.stop()
        await self.replays.stop()
        await self._dispatcher.stop()
        await self._wake_ups.stop()
        await self._store.close()
        await self._sender.close()
        await self.readers.stop()
        await asyncio.to_thread(self.observers.tap.stop)
        await self.contacts.stop()
        await self.trail.stop()
        await self.sequencer.stop()
        await self.ledger.stop()
        if self._spans is not None:
            await asyncio.to_thread(self._spans.stop)

    async def exposition(self) -> bytes:
        """Give the metrics: what was counted, and how everything stands now."""
        backlog, registry = await self.ledger.backlog(), await self.ledger.registry()
        holds = [StandingHold(one.id, hold.by, hold.type) for one in registry.platforms.values() for hold in one.holds]
        contacts, workers = await self.contacts.all(), self._dispatcher.standing()
        followers, clocks = await self.follower.standing(), self.clocks.standing()
        snapshot = Snapshot(self.clock(), backlog, holds, contacts, workers, followers, clocks)
        text = await asyncio.to_thread(self.metrics.exposition, snapshot)
        return text if self.siblings is None else await self.siblings.merged(text)

    async def counted(self) -> bytes:
        """Give of the metrics what is this process's own: nothing of what the ledger says."""
        snapshot = Snapshot(self.clock(), (), (), (), self._dispatcher.standing())
        return await asyncio.to_thread(self.metrics.exposition, snapshot)

    async def check(self) -> None:
        """Return when documents can be taken now, for which the ledger really writes; Unavailable when they cannot."""
        if not self._running:
            raise Unavailable(
                Text("网关正在启动或停止；请稍后再试", "The gateway is starting or stopping; try again soon"),
                code="gateway.not-running",
            )
        await self.ledger.check()

    # ── documents ─────────────────────────────────────────────────────────────────────────────
    async def receive(self, call: IntakeCall) -> IntakeResult:
        """Take a body in the caller's own format; see `Reception.receive`."""
        return await self._delivering(self._reception.receive(call))

    async def submit(self, call: IntakeCall) -> IntakeResult:
        """Take a canonical document; see `Reception.submit`."""
        return await self._delivering(self._reception.submit(call))

    async def read_all(self, calls: Sequence[IntakeCall]) -> Sequence[Reading | Rejected]:
        """Read bodies of one platform's operation; see `Reception.read_all`."""
        return await self._reception.read_all(calls)

    async def keep_all(
        self, read: Sequence[tuple[IntakeCall, Reading]]
    ) -> AsyncGenerator[IntakeResult | HutongError, None]:
        """Keep bodies that were read, in their order; see `Reception.keep_all`."""
        try:
            async for outcome in self._reception.keep_all(read):
                if isinstance(outcome, IntakeResult):
                    self._told(outcome)
                yield outcome
        except Unavailable:
            self.platforms.doubt()
            raise

    async def look(self, call: IntakeCall, reading: Reading) -> IntakePreview:
        """Tell what would become of a body that was read; nothing is kept."""
        return await self._reception.look(call, reading)

    async def preview(self, call: IntakeCall) -> IntakePreview:
        """Tell what `receive` would make of a body; nothing is kept."""
        return await self._reception.preview(call)

    async def preview_submission(self, call: IntakeCall) -> IntakePreview:
        """Tell what `submit` would make of a body; nothing is kept."""
        return await self._reception.preview_submission(call)

    async def _delivering(self, taking: Awaitable[IntakeResult]) -> IntakeResult:
        """Wake the platforms that have something to get."""
        try:
            outcome = await taking
        except Unavailable:
            # All of it may have been committed, or the first records of a package: everybody is woken then.
            self.platforms.doubt()
            raise
        self._told(outcome)
        return outcome

    def _told(self, outcome: IntakeResult) -> None:
        """Have delivered what is new."""
        for entry in () if outcome.receipt.repeated else outcome.receipt.entries:
            if isinstance(entry, Accepted) and not entry.duplicate:
                self._deliver(entry)

    def _deliver(self, accepted: Accepted) -> None:
        """Hand over what may be sent at once, and wake the platforms that have to look for the rest."""
        for work in accepted.heads:
            self._dispatcher.offer(work)
        offered = {work.delivery.id for work in accepted.heads}
        for delivery in accepted.deliveries:
            if delivery.platform and delivery.id not in offered:
                self._dispatcher.wake(delivery.platform)

"""Intake in its order: read, translate, decide, keep. The steps stand here from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.clock import Clock
from gateway.intake import drafts, receiver
from gateway.intake.decider import Decider
from gateway.intake.directory import Directory, SpokenAdapters
from gateway.intake.routes import Routes
from gateway.intake.steps import Decided, IntakeCall, IntakePreview, IntakeResult, Previewed, Reading, RejectedRecord
from gateway.intake.translator import Translator
from gateway.ledger.base import Ledger
from gateway.ledger.records import Accepted, Intake, Receipt, Rejection
from gateway.message import State
from gateway.telemetry.events import DeliveryUnrouted, DocumentRejected, Events, MessageAccepted

IntakeWatch = Callable[[IntakeCall, Reading], None]
"""Told of every body once it is kept (Wire Tap); it returns at once and never raises."""


def unwatched(call: IntakeCall, reading: Reading) -> None:
    """Watch nothing."""


class Reception:
    """Takes documents in: read, translate, decide, keep — one writing call to the ledger a request."""

    def __init__(
        self,
        ledger: Ledger,
        adapters: SpokenAdapters,
        routes: Routes,
        directory: Directory,
        clock: Clock,
        events: Events,
        watch: IntakeWatch = unwatched,
    ) -> None:
        self._ledger = ledger
        self._translator = Translator(adapters)
        self._decider = Decider(ledger, adapters, routes, directory)
        self._clock = clock
        self._events = events
        self._watch = watch

    async def receive(self, call: IntakeCall) -> IntakeResult:
        """Take a body in the caller's own format: durable when this returns.

        Raises NotFound `operation.unknown`, Conflict `idempotency.key-reused`, and Rejected for what
        is rejected without being kept (a malformed key, a body beyond its limit).
        """
        receiver.check_key(call.key)
        started = self._clock()
        return await self._take(call, await self._translator.native(call), started)

    async def submit(self, call: IntakeCall) -> IntakeResult:
        """Take a canonical document: durable when this returns. Raises as `receive` does."""
        receiver.check_key(call.key)
        started = self._clock()
        return await self._take(call, await self._translator.canonical(call), started)

    async def preview(self, call: IntakeCall) -> IntakePreview:
        """Tell what `receive` would make of a body; nothing is kept."""
        return await self._look(call, await self._translator.native(call))

    async def preview_submission(self, call: IntakeCall) -> IntakePreview:
        """Tell what `submit` would make of a body; nothing is kept."""
        return await self._look(call, await self._translator.canonical(call))

    async def _take(self, call: IntakeCall, reading: Reading, at: datetime) -> IntakeResult:
        decided = await self._decider.decide(call, reading, at)
        entries = tuple(
            one.draft if isinstance(one, Decided) else drafts.rejection(call, one.index, one.error, at)
            for one in decided
        )
        receipt = await self._ledger.accept(
            Intake(call.platform.id, call.operation, at, call.body, call.content_type or "", entries, call.key)
        )
        # Only after the commit: nobody is told, and nothing is watched, of what may not have been kept.
        self._tell(call, receipt, at)
        self._watch(call, reading)
        return IntakeResult(receipt, reading.split)

    async def _look(self, call: IntakeCall, reading: Reading) -> IntakePreview:
        at = self._clock()
        decided = await self._decider.decide(call, reading, at)
        return IntakePreview(tuple(_previewed(call, one, at) for one in decided), reading.split)

    def _tell(self, call: IntakeCall, receipt: Receipt, started: datetime) -> None:
        seconds = (self._clock() - started).total_seconds()
        for entry in receipt.entries:
            if isinstance(entry, Rejection):
                self._events(DocumentRejected(call.platform.id, call.operation, entry.code))
            else:
                self._tell_accepted(call, entry, seconds, again=entry.duplicate or receipt.repeated)

    def _tell_accepted(self, call: IntakeCall, entry: Accepted, seconds: float, *, again: bool) -> None:
        message = entry.message
        self._events(
            MessageAccepted(message.id, message.type, call.platform.id, call.operation, seconds, duplicate=again)
        )
        for delivery in () if again else entry.deliveries:
            if delivery.state is State.UNROUTED:
                self._events(DeliveryUnrouted(message.id, delivery.kind, message.type))


def _previewed(call: IntakeCall, one: Decided | RejectedRecord, at: datetime) -> Previewed | Rejection:
    if isinstance(one, RejectedRecord):
        return drafts.rejection(call, one.index, one.error, at, kept=False)
    message = one.draft.message
    return Previewed(one.draft.index, message.type, one.document, message.warnings, one.planned)

"""Intake in its order: read, translate, decide, keep. The steps stand here from top to bottom."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from itertools import takewhile

from gateway.clock import Clock, Ticks, monotonic
from gateway.errors import Conflict, HutongError, Unavailable
from gateway.intake import drafts, receiver
from gateway.intake.decider import Decider
from gateway.intake.directory import Directory, SpokenAdapters
from gateway.intake.loop_yield import LoopYield
from gateway.intake.routes import Routes
from gateway.intake.steps import (
    Decided,
    Decisions,
    IntakeCall,
    IntakePreview,
    IntakeResult,
    Previewed,
    Reading,
    RejectedRecord,
)
from gateway.intake.translator import Translator
from gateway.ledger.base import Ledger
from gateway.ledger.records import Accepted, Intake, Moved, Receipt, Rejection
from gateway.message import State
from gateway.readers import OnThreads, TaskRunner
from gateway.telemetry.events import DeliveryUnrouted, DocumentRejected, Events, MessageAccepted
from schemas.findings import Rejected, Text

ROUNDS = 20
"""How often a body is decided before its sender is asked to come again."""

TOGETHER = 16
"""Records of a body that is kept in one commit with others; a larger package is kept by itself."""

IntakeWatch = Callable[[IntakeCall, Reading], None]
"""Told of every body once it is kept (Wire Tap); it returns at once and never raises."""

Refresh = Callable[[int], Awaitable[None]]
"""Returns once the directory and the adapters are those of a revision of the registry, or of a later one."""


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
        refresh: Refresh,
        clock: Clock,
        events: Events,
        watch: IntakeWatch = unwatched,
        ticks: Ticks = monotonic,
        readers: TaskRunner | None = None,
    ) -> None:
        self._ledger = ledger
        self._translator = Translator(adapters, readers or OnThreads())
        self._decider = Decider(ledger, adapters, routes, directory, ticks)
        self._refresh = refresh
        self._clock = clock
        self._events = events
        self._watch = watch
        self._ticks = ticks

    async def receive(self, call: IntakeCall) -> IntakeResult:
        """Take a body in the caller's own format: durable when this returns.

        Raises NotFound `operation.unknown`, Conflict `idempotency.key-reused`, Unavailable
        `intake.contended`, and Rejected for what is rejected without being kept (a malformed key, a
        body beyond its limit).
        """
        return await self._take(call, self._translator.native)

    async def submit(self, call: IntakeCall) -> IntakeResult:
        """Take a canonical document: durable when this returns. Raises as `receive` does."""
        return await self._take(call, self._translator.canonical)

    async def read_all(self, calls: Sequence[IntakeCall]) -> Sequence[Reading | Rejected]:
        """Read bodies of one platform's operation, to be kept by `keep_all`; Rejected: it is not even kept as such.

        Raises NotFound, Busy and Unavailable as `receive` does.
        """
        return await self._translator.several(calls)

    async def keep_all(self, read: Sequence[tuple[IntakeCall, Reading]]) -> AsyncIterator[IntakeResult | HutongError]:
        """Keep bodies that were read, in their order, as if each had been received when the one before was answered.

        Gives what became of each, durable then; a HutongError is about one body alone. What is raised
        (Unavailable) is about all that nothing was given for: nobody knows what became of them.
        """
        began, at = self._ticks(), self._clock()
        left = deque(read)
        rounds = 0
        while left:
            try:
                answers, keeping = await self._keep_next(list(left), at)
            except Moved as moved:
                rounds += 1
                if rounds >= ROUNDS:
                    raise _contended() from None
                await self._refresh(moved.revision)
                continue
            rounds = 0
            for answer in answers:
                call, reading = left.popleft()
                if isinstance(answer, HutongError):
                    yield answer
                    continue
                await self._tell(call, answer, self._ticks() - began, keeping)
                self._watch(call, reading)
                yield IntakeResult(answer, reading.split)

    async def _keep_next(
        self, left: Sequence[tuple[IntakeCall, Reading]], at: datetime
    ) -> tuple[Sequence[Receipt | HutongError], float]:
        """Decide and keep as many of the next bodies as can be; Moved when that is none.

        Gives the seconds that keeping took, too.
        """
        together = list(takewhile(_fits, left)) or left[:1]
        decided = await self._decider.decide_all(together, at)
        intakes = [_intake(call, one, at) for (call, _), one in zip(together, decided, strict=True)]
        began = self._ticks()
        answers = await (self._ledger.accept_all(intakes) if _fits(together[0]) else self._alone(*intakes))
        return answers, self._ticks() - began

    async def _alone(self, intake: Intake) -> Sequence[Receipt | HutongError]:
        try:
            return [await self._ledger.accept(intake)]
        except Conflict as conflict:  # its key was used with other bytes
            return [conflict]

    async def preview(self, call: IntakeCall) -> IntakePreview:
        """Tell what `receive` would make of a body; nothing is kept."""
        return await self.look(call, await self._translator.native(call))

    async def preview_submission(self, call: IntakeCall) -> IntakePreview:
        """Tell what `submit` would make of a body; nothing is kept."""
        return await self.look(call, await self._translator.canonical(call))

    async def _take(self, call: IntakeCall, read: Callable[[IntakeCall], Awaitable[Reading]]) -> IntakeResult:
        receiver.check_key(call.key)
        began, at = self._ticks(), self._clock()
        reading = await read(call)
        receipt, keeping = await self._keep(call, reading, at)
        # Only after the commit: nobody is told, and nothing is watched, of what may not have been kept.
        await self._tell(call, receipt, self._ticks() - began, keeping)
        self._watch(call, reading)
        return IntakeResult(receipt, reading.split)

    async def _keep(self, call: IntakeCall, reading: Reading, at: datetime) -> tuple[Receipt, float]:
        """Decide and keep, again and again until what was decided on is still so when it is kept.

        Gives the seconds that keeping took, too.

        Between deciding and the commit others write too: a document of the same case brings a number
        or a fact, a platform comes or goes. The ledger compares in the transaction, and says `Moved`
        instead of keeping what would be wrong. Each round sees all that the last one missed, so that
        two rounds are the rule; only a case or a registry that changes without end takes many.
        """
        for _ in range(ROUNDS):
            decisions = await self._decider.decide(call, reading, at)
            began = self._ticks()
            try:
                receipt = await self._ledger.accept(_intake(call, decisions, at))
                return receipt, self._ticks() - began
            except Moved as moved:
                # A change of a platform is committed first and applied in memory after that. Without waiting for
                # it, this would route by the old platforms again and use up its rounds.
                await self._refresh(moved.revision)
        raise _contended()

    async def look(self, call: IntakeCall, reading: Reading) -> IntakePreview:
        """Tell what would become of a body that was read; nothing is kept."""
        at = self._clock()
        decisions = await self._decider.decide(call, reading, at)
        return IntakePreview(tuple(_previewed(call, one, at) for one in decisions.entries), reading.split)

    async def _tell(self, call: IntakeCall, receipt: Receipt, seconds: float, keeping: float) -> None:
        yielding = LoopYield(self._ticks)
        for entry in receipt.entries:
            if isinstance(entry, Rejection):
                self._events(DocumentRejected(call.platform.id, call.operation, entry.code))
            else:
                self._tell_accepted(call, entry, seconds, keeping, again=entry.duplicate or receipt.repeated)
            await yielding()

    def _tell_accepted(self, call: IntakeCall, entry: Accepted, seconds: float, keeping: float, *, again: bool) -> None:
        message = entry.message
        self._events(
            MessageAccepted(
                message.id,
                message.type,
                call.platform.id,
                call.operation,
                seconds,
                duplicate=again,
                keeping=keeping,
                trace_id=call.trace_id,
                caller_span=call.caller_span,
            )
        )
        for delivery in () if again else entry.deliveries:
            if delivery.shown == State.UNROUTED:
                self._events(DeliveryUnrouted(message.id, delivery.kind, message.type))


def _fits(one: tuple[IntakeCall, Reading]) -> bool:
    """Tell whether a body fits into a commit with others."""
    return len(one[1].entries) <= TOGETHER


def _intake(call: IntakeCall, decisions: Decisions, at: datetime) -> Intake:
    return Intake(
        platform=call.platform.id,
        operation=call.operation,
        received_at=at,
        body=call.body,
        content_type=call.content_type or "",
        entries=tuple(
            one.draft if isinstance(one, Decided) else drafts.rejection(call, one.index, one.error, at)
            for one in decisions.entries
        ),
        revision=decisions.revision,
        key=call.key,
    )


def _contended() -> Unavailable:
    return Unavailable(
        Text(
            "同一案件或平台登记正被频繁更改，本次未能全部受理；请稍后原样重发",
            "The same case, or the registered platforms, keep changing; not all could be taken: send it again later",
        ),
        code="intake.contended",
    )


def _previewed(call: IntakeCall, one: Decided | RejectedRecord, at: datetime) -> Previewed | Rejection:
    if isinstance(one, RejectedRecord):
        return drafts.rejection(call, one.index, one.error, at, kept=False)
    message = one.draft.message
    return Previewed(one.draft.index, message.type, one.document, message.warnings, one.planned)

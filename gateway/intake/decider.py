"""Decide what a document becomes: whose numbers, which case, what region, where to. Nothing is kept here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from adapters.base import Adapter
from gateway.clock import Ticks
from gateway.intake import corrections, drafts, enricher, numbers, router, sender_rights
from gateway.intake.attached import check_attached
from gateway.intake.coverage import Coverage
from gateway.intake.directory import Directory, SpokenAdapters
from gateway.intake.lookups import Lookups
from gateway.intake.loop_yield import LoopYield
from gateway.intake.routes import Route, Routes
from gateway.intake.steps import CaseContext, Decided, Decisions, IntakeCall, Reading, RejectedRecord, Translated
from gateway.ledger.base import Ledger
from gateway.ledger.records import IntakeDraft, Platform
from gateway.message import Message, overlaid
from schemas import documents
from schemas.catalog import TYPES, MessageType
from schemas.findings import Rejected
from schemas.scalars import CHINA_TIME


class _Package(Struct, frozen=True):
    """What is the same for all records of a package while they are decided."""

    call: IntakeCall
    adapter: Adapter
    at: datetime
    lookups: Lookups
    choose: router.Choose
    coverage: Coverage

    @property
    def caller(self) -> Platform:
        """Give the caller as it is registered now: what it may speak of may have changed since it called."""
        called = self.call.platform
        return self.coverage.platforms.get(called.id, called)


class Decider:
    """Decides record by record. The ledger is asked only about numbers that a document names."""

    def __init__(
        self, ledger: Ledger, adapters: SpokenAdapters, routes: Routes, directory: Directory, ticks: Ticks
    ) -> None:
        self._ledger = ledger
        self._adapters = adapters
        self._routes = routes
        self._directory = directory
        self._ticks = ticks

    async def decide(self, call: IntakeCall, reading: Reading, at: datetime) -> Decisions:
        """Decide every record of a body, in order; what is wrong with one does not stop the others.

        What was looked up, and the registry's revision, go with the drafts: the ledger compares them
        with what is so when it keeps them.
        """
        [decisions] = await self.decide_all([(call, reading)], at)
        return decisions

    async def decide_all(self, read: Sequence[tuple[IntakeCall, Reading]], at: datetime) -> Sequence[Decisions]:
        """Decide several bodies of one caller in their order, each knowing what those before it bring."""
        # One moment's platforms for the whole package, taken before anything is decided: a change that comes
        # while the ledger is asked makes the revision too old, and accepting says so.
        registry, coverage = self._directory.registry, self._directory.coverage
        choose = router.chooser(coverage, self._adapters.can_send)
        first = read[0][0]
        lookups = Lookups(self._ledger, first.words or first.platform.id)
        yielding = LoopYield(self._ticks)
        found: list[Decisions] = []
        for call, reading in read:
            package = _Package(call, reading.adapter, at, lookups, choose, coverage)
            decided: list[Decided | RejectedRecord] = []
            for record in reading.entries:
                decided.append(await self._record(package, record))
                await yielding()
            found.append(Decisions(registry.revision, tuple(decided)))
        return found

    async def _record(self, package: _Package, record: Translated | RejectedRecord) -> Decided | RejectedRecord:
        if isinstance(record, RejectedRecord):
            return record
        package.lookups.begin()
        try:
            decided = await self._document(package, record)
        except Rejected as error:
            return RejectedRecord(record.index, error)
        package.lookups.bring(decided.draft)
        return decided

    async def _document(self, package: _Package, record: Translated) -> Decided:
        caller, kind, route = package.caller, TYPES[record.type], self._routes.of(record.type)
        sender_rights.check_sender(route, caller)
        await check_attached(package.lookups, record.document)
        context = await self._context(package, record, kind, route)
        answered = context.recognised.answered
        region = context.jurisdiction.region
        routable = router.Routable(record.type, context.effective, region, caller.id, answered)
        planned = router.plan(route, routable, package.choose, package.coverage)
        if context.corrects is not None:
            got = await package.lookups.got(context.corrects)
            planned = corrections.reaching(planned, got, package.coverage.platforms, caller.id)
        noticed = [
            *package.coverage.doubts(record.warnings, package.at.astimezone(CHINA_TIME).date()),
            *enricher.notices(kind, context.enriched),
            *drafts.unrouted_notices(self._routes, planned),
        ]
        message = drafts.message(package.call, record, package.adapter, context, noticed, package.at)
        draft = IntakeDraft(
            index=record.index,
            message=message,
            deliveries=drafts.deliveries(message, planned),
            numbers=context.recognised.numbers,
            reads=package.lookups.reads(),
            audited=sender_rights.used(context.jurisdiction, message.id, caller.id, package.at),
        )
        return Decided(draft, context.effective, planned)

    async def _context(self, package: _Package, record: Translated, kind: MessageType, route: Route) -> CaseContext:
        caller, lookups = package.caller, package.lookups
        known = await lookups.recall(numbers.named(kind, record.document))
        recognised = numbers.recognise(kind, route, record.document, caller.id, known)
        named = await sender_rights.tied(lookups, caller.id, record.headers)
        tied = recognised.correlation_id or named
        enriched = await enricher.filled(lookups, kind, recognised.document, tied)
        document = drafts.signed(route, caller.id, recognised.document)
        effective = overlaid(document, enriched) if enriched else document
        said = kind.region(document) or record.headers.region
        settled = await self._settled(package, kind, said, tied)
        jurisdiction = sender_rights.jurisdiction(
            said, kind.region(effective), document.get("mandate"), caller, package.coverage, settled
        )
        corrects = await self._corrected(lookups, kind, record)
        return CaseContext(recognised, document, effective, enriched, jurisdiction, tied, corrects)

    async def _settled(self, package: _Package, kind: MessageType, said: str | None, tied: str | None) -> str | None:
        """Give the region of the case that a document of a type without a mandate belongs to; None: it settles nothing.

        It is asked for only where the caller does not cover what it names.
        """
        if said is None or tied is None or "mandate" in documents.objects(kind.document):
            return None
        if package.coverage.covers(package.caller, said):
            return None
        found = (await package.lookups.facts(tied, ["region"])).get("region")
        return None if found is None else found.value

    async def _corrected(self, lookups: Lookups, kind: MessageType, record: Translated) -> Message | None:
        """Give the message of the same type that a document corrects or withdraws, by its headers or its numbers."""
        named = record.headers.corrects
        if named is None:
            found = await lookups.recall(kind.amended(record.document))
            named = next((one.message_id for one in found.values()), None)
        original = await lookups.message(named) if named is not None else None
        return original if original is not None and original.type == record.type else None

"""Decide what a document becomes: whose numbers, which case, what region, where to. Nothing is kept here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.base import Adapter
from gateway.intake import drafts, enricher, numbers, router, sender_rights
from gateway.intake.directory import Directory, SpokenAdapters
from gateway.intake.routes import Route, Routes
from gateway.intake.steps import Context, Decided, IntakeCall, Reading, Recognised, RejectedRecord, Translated
from gateway.ledger.base import Ledger
from gateway.ledger.records import IntakeDraft, Known
from gateway.message import overlaid
from schemas.catalog import TYPES, MessageType
from schemas.findings import Rejected

YIELD_EVERY = 64
"""Records of a package after which the event loop runs other requests."""

Numbers = dict[tuple[str, str], Known]
"""Numbers that earlier records of the same package brought, and the ledger does not know yet."""


class Decider:
    """Decides record by record. The ledger is asked only about numbers that a document speaks of."""

    def __init__(self, ledger: Ledger, adapters: SpokenAdapters, routes: Routes, directory: Directory) -> None:
        self._ledger = ledger
        self._adapters = adapters
        self._routes = routes
        self._directory = directory

    async def decide(self, call: IntakeCall, reading: Reading, at: datetime) -> Sequence[Decided | RejectedRecord]:
        """Decide every record of a body, in order; what is wrong with one does not stop the others."""
        brought: Numbers = {}
        decided: list[Decided | RejectedRecord] = []
        for number, record in enumerate(reading.entries, 1):
            decided.append(await self._record(call, reading.adapter, record, at, brought))
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
        return decided

    async def _record(
        self, call: IntakeCall, adapter: Adapter, record: Translated | RejectedRecord, at: datetime, brought: Numbers
    ) -> Decided | RejectedRecord:
        if isinstance(record, RejectedRecord):
            return record
        try:
            decided = await self._document(call, adapter, record, at, brought)
        except Rejected as error:
            return RejectedRecord(record.index, error)
        _bring(brought, decided.draft)
        return decided

    async def _document(
        self, call: IntakeCall, adapter: Adapter, record: Translated, at: datetime, brought: Numbers
    ) -> Decided:
        kind, route = TYPES[record.type], self._routes.of(record.type)
        sender_rights.check_sender(route, call.platform)
        context = await self._context(call, record, kind, route, brought)
        routable = router.Routable(
            record.type, context.effective, context.region, call.platform.id, context.recognised.answered
        )
        planned = router.plan(route, routable, self._directory, self._adapters.can_send)
        noticed = [*enricher.notices(kind, context.enriched), *drafts.unrouted_notices(self._routes, planned)]
        message = drafts.message(call, record, adapter, context, noticed, at)
        draft = IntakeDraft(record.index, message, drafts.deliveries(message, planned), context.recognised.numbers)
        return Decided(draft, context.effective, planned)

    async def _context(
        self, call: IntakeCall, record: Translated, kind: MessageType, route: Route, brought: Numbers
    ) -> Context:
        caller = call.platform
        recognised = await self._recognise(caller.id, kind, route, record.document, brought)
        named = await sender_rights.tied(self._ledger, caller.id, record.headers)
        tied = recognised.correlation_id or named
        enriched = await enricher.filled(self._ledger, kind, recognised.document, tied)
        document = drafts.signed(route, caller.id, recognised.document)
        effective = overlaid(document, enriched) if enriched else document
        said = kind.region(document) or record.headers.region
        region = sender_rights.region_of(said, kind.region(effective), caller)
        return Context(recognised, document, effective, enriched, region, tied)

    async def _recognise(
        self, caller: str, kind: MessageType, route: Route, document: Mapping[str, Any], brought: Numbers
    ) -> Recognised:
        spoken = numbers.spoken(kind, document)
        known = await self._ledger.recall(caller, spoken) if spoken else {}
        new = {key: brought[key, number] for key, number in spoken.items() if (key, number) in brought}
        return numbers.recognise(kind, route, document, caller, {**new, **known})


def _bring(brought: Numbers, draft: IntakeDraft) -> None:
    """Let the following records of a package recognise the numbers of this one, in its sender's words."""
    message = draft.message
    for key, number in draft.numbers.items():
        known = Known(number, message.id, message.type, message.source, message.correlation_id, message.ordering_key)
        brought.setdefault((key, message.raw_numbers.get(key, number)), known)

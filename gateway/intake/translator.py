"""From bytes to canonical documents (Message Translator), without ever stopping the event loop for long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from adapters.base import Adapter, Package, Record, Translation
from adapters.records import translated
from gateway.errors import NotFound
from gateway.intake import submission
from gateway.intake.directory import SpokenAdapters
from gateway.intake.steps import IntakeCall, Reading, RejectedRecord, Translated
from schemas.findings import Rejected, Text

T = TypeVar("T")

LARGE = 32 * 1024
"""Bytes. A larger body is read on another thread; for a smaller one changing threads costs more than the work."""

FEW = 20
"""Records that are translated on the event loop; a package of more goes to another thread."""

ENTRY = 256
"""As many bytes of the answer as the shortest entry about a record takes."""

TOO_LARGE = 413


class Translator:
    """Reads what platforms send. A fault of one record is kept with that record; the others go on."""

    def __init__(self, adapters: SpokenAdapters) -> None:
        self._adapters = adapters

    async def native(self, call: IntakeCall) -> Reading:
        """Read a body in the caller's own format; NotFound `operation.unknown`.

        A body that is too large to be looked at raises Rejected (413): it is not kept.
        """
        adapter = self._speaking(call)
        if call.operation not in adapter.receives:
            raise _unknown(adapter, call.operation)
        return await _kept(adapter, _native(adapter, call))

    async def canonical(self, call: IntakeCall) -> Reading:
        """Read a body that holds one canonical document and what is said beside it."""
        adapter = self._speaking(call)
        return await _kept(adapter, _aside(partial(_canonical, adapter, call), aside=len(call.body) > LARGE))

    def _speaking(self, call: IntakeCall) -> Adapter:
        return call.adapter or self._adapters.of(call.platform)


async def _kept(adapter: Adapter, reading: Awaitable[Reading]) -> Reading:
    try:
        return await reading
    except Rejected as error:
        if error.status == TOO_LARGE:
            raise
        return Reading(adapter, (RejectedRecord(0, error),))


async def _aside(work: Callable[[], T], *, aside: bool) -> T:
    return await asyncio.to_thread(work) if aside else work()


async def _native(adapter: Adapter, call: IntakeCall) -> Reading:
    large = len(call.body) > LARGE
    package = await _aside(partial(_package, adapter, call), aside=large)
    translate = partial(_translated, adapter, call.operation, package)
    return await _aside(translate, aside=large or len(package.records) > FEW)


def _package(adapter: Adapter, call: IntakeCall) -> Package:
    budget = call.platform.bounded(adapter.budget)
    package = adapter.read(call.operation, call.body, call.content_type, budget=budget)
    if not package.records:
        raise Rejected(
            "package.empty",
            Text("数据包中没有记录；请放入至少一条记录后重发", "The package holds no record; put at least one in it"),
        )
    # Refused before anything is kept: whoever is not told what became of a record could not send it again.
    if len(package.records) * ENTRY > budget.answer:
        raise budget.exceeded("answer")
    return package


def _translated(adapter: Adapter, operation: str, package: Package) -> Reading:
    outcomes = translated(adapter, operation, package.records)
    return Reading(adapter, tuple(_entry(record, outcome) for record, outcome in outcomes), package.split)


def _entry(record: Record, outcome: Translation | Rejected) -> Translated | RejectedRecord:
    if isinstance(outcome, Rejected):
        return RejectedRecord(record.index, outcome)
    return Translated(
        record.index, outcome.type, outcome.document, outcome.warnings, record.identity, native=record.tree
    )


def _canonical(adapter: Adapter, call: IntakeCall) -> Reading:
    return Reading(adapter, (submission.read(call.body, call.content_type, call.platform.bounded(adapter.budget)),))


def _unknown(adapter: Adapter, operation: str) -> NotFound:
    known = "、".join(sorted(adapter.receives))
    listed = ", ".join(sorted(adapter.receives))
    return NotFound(
        Text(
            f"适配器 {adapter.name} 不接收操作 {operation}；可用操作：{known or '无'}",
            f"The adapter {adapter.name} receives no operation {operation}; it receives: {listed or 'none'}",
        ),
        code="operation.unknown",
    )

"""From bytes to canonical documents (Message Translator), without ever stopping the event loop for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from adapters.base import Adapter, Record
from gateway.errors import NotFound
from gateway.intake import submission
from gateway.intake.directory import SpokenAdapters
from gateway.intake.steps import IntakeCall, Reading, RejectedRecord, Translated
from schemas.findings import Rejected, Text

LARGE = 256 * 1024
"""Bytes. A larger body is translated on another thread; for a smaller one changing threads costs more than the work."""

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
        return await _read(adapter, lambda: _native(adapter, call), len(call.body))

    async def canonical(self, call: IntakeCall) -> Reading:
        """Read a body that holds one canonical document and what is said beside it."""
        adapter = self._speaking(call)
        return await _read(adapter, lambda: _canonical(adapter, call), len(call.body))

    def _speaking(self, call: IntakeCall) -> Adapter:
        return call.adapter or self._adapters.of(call.platform)


async def _read(adapter: Adapter, read: Callable[[], Reading], size: int) -> Reading:
    try:
        return await asyncio.to_thread(read) if size > LARGE else read()
    except Rejected as error:
        if error.status == TOO_LARGE:
            raise
        return Reading(adapter, (RejectedRecord(0, error),))


def _native(adapter: Adapter, call: IntakeCall) -> Reading:
    package = adapter.read(call.operation, call.body, call.content_type)
    if not package.records:
        raise Rejected(
            "package.empty",
            Text("数据包中没有记录；请放入至少一条记录后重发", "The package holds no record; put at least one in it"),
        )
    entries = tuple(_record(adapter, call.operation, one) for one in package.records)
    return Reading(adapter, entries, package.split)


def _record(adapter: Adapter, operation: str, record: Record) -> Translated | RejectedRecord:
    try:
        made = adapter.translate_in(operation, record)
    except Rejected as error:
        return RejectedRecord(record.index, error)
    return Translated(record.index, made.type, made.document, made.warnings, record.identity, native=record.tree)


def _canonical(adapter: Adapter, call: IntakeCall) -> Reading:
    return Reading(adapter, (submission.read(call.body, call.content_type),))


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

"""From bytes to canonical documents (Message Translator), without ever stopping the event loop for long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from adapters.base import Adapter, Record, Translation
from adapters.records import translated
from gateway.errors import NotFound
from gateway.intake.directory import SpokenAdapters
from gateway.intake.steps import IntakeCall, Reading, RejectedRecord, Translated
from gateway.intake.submission import ReadSubmission
from gateway.readers import Task, TaskRunner, TooCostly, is_heavy
from schemas.budget import Budget
from schemas.findings import Rejected, Text
from schemas.reprs import Discreet

ENTRY = 256
"""As many bytes of the answer as the shortest entry about a record takes."""

TOO_LARGE = 413

SHOWN = 5
"""Records of a body that was read apart which keep their native tree, to be looked through; see `observe`."""

SMALL = 64 * 1024
"""Bytes, on average, of the records that keep it."""

FEW = 4
"""Small bodies of one caller that are read one after the other on the event loop; more are read beside it."""


class ReadNative(Discreet, frozen=True):
    """Read a body in its sender's own format, within `budget`: whether it is a package, then each record."""

    operation: str
    body: bytes
    content_type: str | None
    budget: Budget

    def __call__(self, adapter: Adapter) -> Iterator[Any]:
        """Read and translate. A fault of one record is kept with that record; the others go on."""
        package = adapter.read(self.operation, self.body, self.content_type, budget=self.budget)
        if not package.records:
            raise Rejected(
                "package.empty",
                Text(
                    "数据包中没有记录；请放入至少一条记录后重发", "The package holds no record; put at least one in it"
                ),
            )
        # Refused before anything is kept: whoever is not told what became of a record could not send it again.
        if len(package.records) * ENTRY > self.budget.answer:
            raise self.budget.exceeded("answer")
        yield package.split
        for record, outcome in translated(adapter, self.operation, package.records):
            yield _entry(record, outcome)


class ReadNativeApart(Discreet, frozen=True):
    """Read as `ReadNative` does, for another process: only a few small records keep their native tree."""

    native: ReadNative

    def __call__(self, adapter: Adapter) -> Iterator[Any]:
        """Read and translate."""
        found = self.native(adapter)
        yield next(found)
        entries = list(found)
        left = SHOWN if len(self.native.body) <= SMALL * len(entries) else 0
        for entry in entries:
            if isinstance(entry, Translated):
                left -= 1
                yield entry if left >= 0 else _without_native(entry)
            else:
                yield entry


class ReadSeveral(Struct, frozen=True):
    """Read several bodies for another process: of each what it is, or the Rejected that says why it is nothing."""

    bodies: tuple[ReadNative, ...]

    def __call__(self, adapter: Adapter) -> Iterator[tuple[bool, list[Any]] | Rejected]:
        """Read and translate; the first few small ones keep their native tree, as those of a package do."""
        for number, body in enumerate(self.bodies):
            try:
                split, *entries = body(adapter)
            except Rejected as error:
                yield error
                continue
            keeps = number < SHOWN and len(body.body) <= SMALL
            yield split, entries if keeps else [_without_native(entry) for entry in entries]


class Translator:
    """Reads what platforms send: what is light at once, what is heavy in a process beside the gateway."""

    def __init__(self, adapters: SpokenAdapters, readers: TaskRunner) -> None:
        self._adapters = adapters
        self._readers = readers

    async def native(self, call: IntakeCall) -> Reading:
        """Read a body in the caller's own format; NotFound `operation.unknown`.

        A body that is too large to be looked at raises Rejected (413): it is not kept. One that takes
        more time or memory than it may is kept as rejected (`document.too-costly`).
        """
        adapter = self._speaking(call)
        if call.operation not in adapter.receives:
            raise unknown_operation(adapter, call.operation)
        budget = call.platform.bounded(adapter.budget)
        task = ReadNative(call.operation, call.body, call.content_type, budget)
        return await self._read(call, adapter, task, ReadNativeApart(task))

    async def canonical(self, call: IntakeCall) -> Reading:
        """Read a body that holds one canonical document and what is said beside it."""
        adapter = self._speaking(call)
        task = ReadSubmission(call.body, call.content_type, call.platform.bounded(adapter.budget))
        return await self._read(call, adapter, task, task)

    async def several(self, calls: Sequence[IntakeCall]) -> Sequence[Reading | Rejected]:
        """Read bodies of one platform's operation, each as `native` does; Rejected: it is not kept.

        A few small ones are read at once, many in one task beside the event loop.
        """
        if len(calls) > FEW or any(is_heavy(call.body) for call in calls):
            try:
                return await self._several_apart(calls)
            except TooCostly:
                pass  # one of them: each by itself tells which
        return [await self._native_or_why(call) for call in calls]

    async def _several_apart(self, calls: Sequence[IntakeCall]) -> Sequence[Reading | Rejected]:
        adapter = self._speaking(calls[0])
        budget = calls[0].platform.bounded(adapter.budget)
        task = ReadSeveral(tuple(ReadNative(one.operation, one.body, one.content_type, budget) for one in calls))
        found = await self._readers.run(calls[0].platform.id, adapter, task)
        return [one if isinstance(one, Rejected) and one.status == TOO_LARGE else _read(adapter, one) for one in found]

    async def _native_or_why(self, call: IntakeCall) -> Reading | Rejected:
        try:
            return await self.native(call)
        except Rejected as error:
            return error

    def _speaking(self, call: IntakeCall) -> Adapter:
        return call.adapter or self._adapters.of(call.platform)

    async def _read(self, call: IntakeCall, adapter: Adapter, task: Task, apart: Task) -> Reading:
        try:
            if is_heavy(call.body):
                split, *entries = await self._readers.run(call.platform.id, adapter, apart)
            else:
                split, *entries = task(adapter)
        except Rejected as error:
            if error.status == TOO_LARGE:
                raise
            return _refused(adapter, error)
        except TooCostly as error:
            return _refused(adapter, _too_costly(error))
        return Reading(adapter, tuple(entries), split)


def _read(adapter: Adapter, found: tuple[bool, Sequence[Any]] | Rejected) -> Reading:
    if isinstance(found, Rejected):
        return _refused(adapter, found)
    split, entries = found
    return Reading(adapter, tuple(entries), split)


def _refused(adapter: Adapter, error: Rejected) -> Reading:
    return Reading(adapter, (RejectedRecord(0, error),))


def _without_native(entry: Any) -> Any:
    return replace(entry, native=None) if isinstance(entry, Translated) else entry


def _entry(record: Record, outcome: Translation | Rejected) -> Translated | RejectedRecord:
    if isinstance(outcome, Rejected):
        return RejectedRecord(record.index, outcome)
    return Translated(
        record.index, outcome.type, outcome.document, outcome.warnings, record.identity, native=record.tree
    )


def _too_costly(error: TooCostly) -> Rejected:
    return Rejected(
        "document.too-costly",
        Text(
            f"读取此报文所需的时间或内存超过上限（{error.why}）；请检查是否有异常重复的元素、属性或列表项，或拆成多次发送",
            f"Reading this takes more time or memory than allowed ({error.why}); look for elements, attributes or "
            "list items repeated without sense, or send it in several parts",
        ),
    )


def unknown_operation(adapter: Adapter, operation: str) -> NotFound:
    """Say that an adapter receives no such operation, and which it does."""
    known = "、".join(sorted(adapter.receives))
    listed = ", ".join(sorted(adapter.receives))
    return NotFound(
        Text(
            f"适配器 {adapter.name} 不接收操作 {operation}；可用操作：{known or '无'}",
            f"The adapter {adapter.name} receives no operation {operation}; it receives: {listed or 'none'}",
        ),
        code="operation.unknown",
    )

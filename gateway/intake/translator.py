"""From bytes to canonical documents (Message Translator), without ever stopping the event loop for long."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from adapters.base import Adapter, Record, Translation
from adapters.formats import json
from adapters.formats.format import Format
from adapters.records import translated
from gateway.errors import NotFound
from gateway.intake.directory import SpokenAdapters
from gateway.intake.steps import IntakeCall, Reading, RejectedRecord, SubmissionHeaders, Translated
from gateway.readers import Task, TaskRunner, TooCostly, is_heavy
from schemas import catalog, documents
from schemas.budget import Budget
from schemas.findings import Finding, Rejected, Text
from schemas.identifiers import Misshapen, RegionCode

ENTRY = 256
"""As many bytes of the answer as the shortest entry about a record takes."""

TOO_LARGE = 413

SHOWN = 5
"""Records of a body that was read apart which keep their native tree, to be looked through; see `observe`."""

SMALL = 64 * 1024
"""Bytes, on average, of the records that keep it."""


class ReadNative(Struct, frozen=True):
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


class ReadNativeApart(Struct, frozen=True):
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
                yield entry if left >= 0 else replace(entry, native=None)
            else:
                yield entry


class ReadSubmission(Struct, frozen=True):
    """Read one canonical document, within `budget`, and what is said beside it."""

    body: bytes
    content_type: str | None
    budget: Budget

    def __call__(self, adapter: Adapter) -> Iterator[Any]:
        """Read and check."""
        yield False
        yield _submission(self.body, self.content_type, self.budget)


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
            raise _unknown(adapter, call.operation)
        budget = call.platform.bounded(adapter.budget)
        task = ReadNative(call.operation, call.body, call.content_type, budget)
        return await self._read(call, adapter, task, ReadNativeApart(task))

    async def canonical(self, call: IntakeCall) -> Reading:
        """Read a body that holds one canonical document and what is said beside it."""
        adapter = self._speaking(call)
        task = ReadSubmission(call.body, call.content_type, call.platform.bounded(adapter.budget))
        return await self._read(call, adapter, task, task)

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
            return Reading(adapter, (RejectedRecord(0, error),))
        except TooCostly as error:
            return Reading(adapter, (RejectedRecord(0, _too_costly(error)),))
        return Reading(adapter, tuple(entries), split)


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


# ── a canonical submission ───────────────────────────────────────────────────────────────────────
_KEYS = ("type", "document", "region", "correlation_id", "causation_id", "corrects")

_ID = re.compile(r"[\x21-\x7e]{1,128}")


def _submission(body: bytes, content_type: str | None, budget: Budget) -> Translated:
    """Read and check one submission; Rejected names every fault."""
    tree = json.read(Format("json"), body, content_type, budget).tree
    faults = list(_faults(tree))
    if faults:
        raise Rejected("submission.invalid", _MEND, faults)
    checked = _check(catalog.TYPES[tree["type"]].document, tree["document"], budget)
    return Translated(0, tree["type"], checked.document, checked.warnings, headers=_headers(tree))


def _check(name: str, tree: Any, budget: Budget) -> documents.Checked:
    """Check the document, telling its faults by where they stand in the submission."""
    try:
        return documents.check(name, tree, budget)
    except Rejected as error:
        placed = [one.at(path=f"document.{one.field}".rstrip(".")) for one in error.findings]
        raise Rejected(error.code, error.detail, placed, status=error.status) from None


def _headers(tree: Mapping[str, Any]) -> SubmissionHeaders:
    region = tree.get("region")
    return SubmissionHeaders(
        region=None if region is None else str(RegionCode.parse(region)),
        correlation_id=tree.get("correlation_id"),
        causation_id=tree.get("causation_id"),
        corrects=tree.get("corrects"),
    )


_MEND = Text(
    "提交的内容有误，请按 errors 逐项更正后重发",
    "The submission has faults: correct them as `errors` says and send it again",
)


def _faults(tree: Any) -> Iterator[Finding]:
    if not isinstance(tree, dict):
        yield _fault("type.object", "", "应为一个 JSON 对象", "must be one JSON object")
        return
    for key in tree.keys() - set(_KEYS):
        known = "、".join(_KEYS)
        yield _fault("field.unknown", key, f"没有这一项；可用：{known}", f"no such member; known: {', '.join(_KEYS)}")
    if tree.get("type") not in tuple(catalog.TYPES):
        types = ", ".join(catalog.TYPES)
        yield _fault("type.unknown", "type", f"须为消息类型之一：{types}", f"must be one of the message types: {types}")
    if not isinstance(tree.get("document"), dict):
        yield _fault("type.object", "document", "须为规范文书（JSON 对象）", "must be a canonical document, an object")
    yield from _region_faults(tree.get("region"))
    for key in ("correlation_id", "causation_id", "corrects"):
        value = tree.get(key)
        if value is not None and not (isinstance(value, str) and _ID.fullmatch(value)):
            yield _fault(
                "id.shape", key, "须为 1 至 128 个可见 ASCII 字符", "must be 1 to 128 visible ASCII characters"
            )


def _region_faults(value: Any) -> Iterator[Finding]:
    if value is None:
        return
    if not isinstance(value, str):
        yield _fault("type.text", "region", "应为文本，例如 330100", "must be text, such as 330100")
        return
    try:
        RegionCode.parse(value)
    except Misshapen as error:
        yield error.finding.at(path="region", field="region")


def _fault(code: str, path: str, zh: str, en: str) -> Finding:
    return Finding(code, Text(zh, en), path=path)

"""From bytes to canonical documents (Message Translator); a long body is translated on another thread."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from adapters.base import Adapter, Record
from adapters.formats import json
from adapters.formats.format import Format
from gateway.errors import NotFound
from gateway.intake.directory import SpokenAdapters
from gateway.intake.steps import IntakeCall, Reading, RejectedRecord, SubmissionHeaders, Translated
from schemas import catalog, documents
from schemas.findings import Finding, Rejected, Text
from schemas.identifiers import Misshapen, RegionCode

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
    return Reading(adapter, (_submission(call.body, call.content_type),))


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


def _submission(body: bytes, content_type: str | None) -> Translated:
    """Read and check one submission; Rejected names every fault."""
    tree = json.read(Format("json"), body, content_type).tree
    faults = list(_faults(tree))
    if faults:
        raise Rejected("submission.invalid", _MEND, faults)
    checked = _check(catalog.TYPES[tree["type"]].document, tree["document"])
    return Translated(0, tree["type"], checked.document, checked.warnings, headers=_headers(tree))


def _check(name: str, tree: Any) -> documents.Checked:
    """Check the document, telling its faults by where they stand in the submission."""
    try:
        return documents.check(name, tree)
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

"""From bytes to canonical documents (Message Translator); a long body is translated on another thread."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from adapters.base import Adapter, Package, Record, Translation
from adapters.formats import json
from adapters.formats.format import Format
from adapters.records import translated
from gateway.errors import NotFound
from gateway.intake.directory import SpokenAdapters
from gateway.intake.steps import IntakeCall, Reading, RejectedRecord, SubmissionHeaders, Translated
from schemas import catalog, documents
from schemas.budget import Budget
from schemas.findings import Finding, Rejected, Text
from schemas.identifiers import Misshapen, RegionCode

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
    budget = call.platform.bounded(adapter.budget)
    return Reading(adapter, (_submission(call.body, call.content_type, budget),))


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

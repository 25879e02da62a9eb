"""A canonical document that a platform hands in as it is, with what is said beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.base import Adapter
from adapters.formats import json
from adapters.formats.format import Format
from gateway.intake.steps import SubmissionHeaders, Translated
from schemas import catalog, documents
from schemas.budget import Budget
from schemas.findings import Finding, Rejected, Text
from schemas.identifiers import Misshapen, RegionCode
from schemas.reprs import Discreet

_KEYS = ("type", "document", "region", "correlation_id", "causation_id", "corrects")

_ID = re.compile(r"[\x21-\x7e]{1,128}")


class ReadSubmission(Discreet, frozen=True):
    """Read one canonical document, within `budget`, and what is said beside it."""

    body: bytes
    content_type: str | None
    budget: Budget

    def __call__(self, adapter: Adapter) -> Iterator[Any]:
        """Read and check."""
        yield False
        yield _submission(self.body, self.content_type, self.budget)


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

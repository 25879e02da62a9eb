"""The check of a document: compiled once, then one pass of validation, one of dumping, one of doubts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from schemas.documents.base import Document
from schemas.documents.case import CaseFile, CaseProgress
from schemas.documents.dispatch import DispatchOrder, DispatchReport
from schemas.documents.field import Field, generic, read_fields
from schemas.documents.inspection import Inspection
from schemas.documents.masking import shown
from schemas.documents.penalty import PenaltyDecision, PenaltyExecution
from schemas.documents.permit import Permit
from schemas.documents.project import ProjectAcceptance, ProjectApproval
from schemas.findings import Finding, Rejected, Text
from schemas.identifiers import Misshapen

MODELS: Mapping[str, type[Document]] = MappingProxyType(
    {
        model.NAME: model
        for model in (
            Permit,
            ProjectApproval,
            ProjectAcceptance,
            DispatchOrder,
            DispatchReport,
            Inspection,
            CaseFile,
            CaseProgress,
            PenaltyDecision,
            PenaltyExecution,
        )
    }
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid document in canonical JSON, what is odd about it, and what its identifiers looked like before.

    `raw` has the written text of each identifier that normalising changed, by path; personal ones
    are left out.
    """

    document: dict[str, Any]
    warnings: tuple[Finding, ...] = ()
    raw: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Watched:
    """An identifier field whose doubts are looked at after validation; `steps` ends at the leaf."""

    field: Field
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything about one document that does not depend on the message."""

    adapter: TypeAdapter[Document]
    leaves: Mapping[str, Field]
    objects: Mapping[str, Field]
    watched: tuple[Watched, ...]

    def named(self, path: str) -> Field | None:
        """Return the leaf or container at a path that may carry indexes."""
        plain = generic(path)
        return self.leaves.get(plain) or self.objects.get(plain) or self._list(plain)

    def _list(self, plain: str) -> Field | None:
        return self.leaves.get(f"{plain}[]") or self.objects.get(f"{plain}[]")


@cache
def compiled(name: str) -> Compiled:
    """Compile the document `name`; raises Rejected (`document.unknown`) when there is none."""
    if name not in MODELS:
        known = "、".join(MODELS)
        detail = Text(
            f"没有文档“{name}”；有：{known}。", f"There is no document {name!r}; there are: {', '.join(MODELS)}."
        )
        raise Rejected("document.unknown", detail)
    leaves, objects = read_fields(MODELS[name])
    watched = tuple(Watched(f, tuple(f.path.split("."))) for f in leaves.values() if f.identifier)
    return Compiled(TypeAdapter(MODELS[name]), leaves, objects, watched)


def check(name: str, tree: Any) -> Checked:
    """Validate and normalise a document; raises Rejected (422 `document.invalid`), one finding a fault.

    What is absent, null or empty and not required is left out. The hot path: about 25 µs for 3 KB.
    """
    known = compiled(name)
    noticed: list[Any] = []
    model, tree = _validate(known, tree, noticed)
    faults = list(model.faults())
    if faults:
        raise _invalid([_titled(fault, known) for fault in faults])
    document: dict[str, Any] = known.adapter.dump_python(model, exclude_none=True)
    raw: dict[str, str] = {}
    warnings = list(_identifier_doubts(known.watched, document, tree, raw)) if noticed else []
    warnings += [_titled(doubt, known) for doubt in model.doubts()]
    return Checked(document, tuple(warnings), raw)


def _validate(known: Compiled, tree: Any, noticed: list[Any]) -> tuple[Document, Any]:
    try:
        return known.adapter.validate_python(tree, context=noticed), tree
    except ValidationError:
        pass
    tree = _without_blanks(tree)
    try:
        return known.adapter.validate_python(tree, context=noticed), tree
    except ValidationError as error:
        raise _invalid([_finding(one, known) for one in error.errors(include_url=False)]) from None


def _without_blanks(node: Any) -> Any:
    if isinstance(node, dict):
        kept = {key: _without_blanks(value) for key, value in node.items()}
        return {key: value for key, value in kept.items() if not _blank(value)}
    if isinstance(node, list | tuple):
        return [value for value in map(_without_blanks, node) if not _blank(value)]
    return node


def _blank(value: Any) -> bool:
    return value is None or value in ({}, []) or (isinstance(value, str) and not value.strip())


def _invalid(findings: Sequence[Finding]) -> Rejected:
    detail = Text(
        f"文档有{len(findings)}处错误，请按 errors 逐项更正后重新发送。",
        f"The document has {len(findings)} fault(s): correct them as `errors` says and send it again.",
    )
    return Rejected("document.invalid", detail, findings)


def _titled(finding: Finding, known: Compiled) -> Finding:
    named = known.named(finding.field)
    return finding.at(title=named.title if named else "")


def where(location: Sequence[str | int]) -> str:
    """Write a validation location as a path: `officers[0].number`."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _finding(error: ErrorDetails, known: Compiled) -> Finding:
    path = where(error["loc"])
    named = known.named(path)
    code, message = _said(error, named.title if named else path, path)
    personal = named is not None and named.personal
    value = None if error["type"] in ("missing", "extra_forbidden") else shown(error["input"], personal=personal)
    return Finding(code, message, field=path, title=named.title if named else "", value=value)


def _said(error: ErrorDetails, title: str, path: str) -> tuple[str, Text]:
    context = error.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, Misshapen):
        return cause.finding.code, cause.finding.message
    if error["type"] in _SAID:
        code, zh, en = _SAID[error["type"]]
        return code, Text(zh.format(title=title, **context), en.format(path=path or "the document", **context))
    return "value.invalid", Text(f"“{title}”无效：{error['msg']}。", f"{path} is not valid: {error['msg']}.")


_SAID = {
    "missing": ("field.missing", "缺少必填项“{title}”。", "{path} is required."),
    "extra_forbidden": (
        "field.unknown",
        "没有字段“{title}”，请核对拼写。",
        "There is no field {path}: check the spelling.",
    ),
    "literal_error": ("code.unknown", "“{title}”的代码无效，应为：{expected}。", "Unknown code; expected {expected}."),
    "string_type": ("type.text", "“{title}”应为文本。", "{path} must be text."),
    "string_unicode": ("type.text", "“{title}”不是有效的 Unicode 文本。", "{path} is not valid Unicode text."),
    "string_too_short": ("field.empty", "“{title}”不能为空。", "{path} must not be empty."),
    "string_too_long": ("text.long", "“{title}”最多{max_length}个字符。", "{path}: at most {max_length} characters."),
    "string_pattern_mismatch": ("text.control", "“{title}”含有控制字符，请删除。", "Remove the control characters."),
    "list_type": ("type.list", "“{title}”应为列表。", "{path} must be a list."),
    "too_short": ("field.empty", "“{title}”至少要有{min_length}项。", "{path} needs at least {min_length} item(s)."),
    "bool_type": ("type.bool", "“{title}”应为 true 或 false。", "{path} must be true or false."),
    "model_type": ("type.object", "“{title}”应为对象。", "{path} must be an object."),
    "model_attributes_type": ("type.object", "“{title}”应为对象。", "{path} must be an object."),
    "dict_type": ("type.object", "“{title}”应为对象。", "{path} must be an object."),
}


def _identifier_doubts(watched: Sequence[Watched], document: Any, tree: Any, raw: dict[str, str]) -> Iterator[Finding]:
    for watch in watched:
        for path, value, written in _leaves(document, tree, watch.steps, ""):
            yield from _doubts(watch.field, path, value, written, raw)


def _doubts(watched: Field, path: str, value: Any, written: Any, raw: dict[str, str]) -> Iterator[Finding]:
    kind = watched.identifier
    if kind is None:
        return
    if value is None:
        if watched.lenient and isinstance(written, str) and written.strip():
            raw[path] = written
            yield kind.refuse(written).finding.at(field=path, title=watched.title)
        return
    if written != value and not watched.personal:
        raw[path] = written
    for doubt in kind.doubts(value):
        yield doubt.at(field=path, title=watched.title)


def _leaves(node: Any, written: Any, steps: tuple[str, ...], path: str) -> Iterator[tuple[str, Any, Any]]:
    step, rest = steps[0], steps[1:]
    name = step[:-2] if step.endswith("[]") else step
    inner, inner_written = node.get(name), written.get(name)
    here = f"{path}.{name}" if path else name
    if name is step:
        if not rest:
            yield here, inner, inner_written
        elif inner is not None:
            yield from _leaves(inner, inner_written, rest, here)
        return
    for index, (one, one_written) in enumerate(zip(inner or (), inner_written or (), strict=False)):
        if rest:
            yield from _leaves(one, one_written, rest, f"{here}[{index}]")
        else:
            yield f"{here}[{index}]", one, one_written

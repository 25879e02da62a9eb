"""The ten message types: which document each carries, its ordering key, its identity, its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from schemas.documents import fields
from schemas.identifiers.permit import credit_code_of

Tree = Mapping[str, Any]

_KEYS: Mapping[str, tuple[str, ...]] = {
    "case_number": ("case_number", "related.case_number"),
    "permit_number": ("permit_number", "related.permit_number"),
    "project_code": ("project_code", "project.code", "related.project_code"),
    "approval_number": ("approval_number",),
    "credit_code": ("party.credit_code", "holder.credit_code", "builder.credit_code"),
    "order_number": ("order_number",),
    "inspection_number": ("inspection_number",),
    "decision_number": ("decision_number",),
}
_ISSUED = ("case_number", "order_number", "inspection_number", "related.case_number")
_ENRICHED = ("permit_number", "project_code", "party.credit_code", "region")


def at(document: Tree, path: str) -> Any:
    """Return the value at a dotted path without lists; None when anything on the way is absent."""
    node: Any = document
    for step in _steps(path):
        if not (type(node) is dict or isinstance(node, Mapping)) or step not in node:
            return None
        node = node[step]
    return node


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def project_key(document: Tree) -> str:
    """Name a project: its code, else its EIA document number, else credit code (or name) of the builder and name."""
    own = at(document, "project.code") or document.get("approval_number")
    if own:
        return str(own)
    builder = at(document, "builder.credit_code") or at(document, "builder.name") or ""
    return f"{builder}|{at(document, 'project.name') or ''}"


@dataclass(frozen=True, slots=True)
class MessageType:
    """A kind of message.

    `ordering_field` is the number whose messages stay in order (`project` for the project key).
    `scoped`: that number is issued by a platform and means something only together with it.
    `identifying` are the fields that make two documents the same one, `parents` the keys that tie
    this document to an earlier one of the same case, nearest first. `numbers` are the paths that
    hold platform-issued numbers, `enrichable` those that the case may fill in when they are absent,
    `searchable` those of each searchable key.
    """

    name: str
    document: str
    title: str
    ordering_field: str
    scoped: bool
    identifying: tuple[str, ...]
    parents: tuple[str, ...] = ()
    numbers: tuple[str, ...] = field(init=False)
    enrichable: tuple[str, ...] = field(init=False)
    searchable: Mapping[str, tuple[str, ...]] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        known = fields(self.document)
        object.__setattr__(self, "numbers", tuple(path for path in _ISSUED if path in known))
        object.__setattr__(self, "enrichable", tuple(path for path in _ENRICHED if path in known))
        present = {key: tuple(path for path in paths if path in known) for key, paths in _KEYS.items()}
        object.__setattr__(self, "searchable", {key: paths for key, paths in present.items() if paths})

    @property
    def issues(self) -> str | None:
        """Return the number that a document of this type brings into the world; None when it only speaks of one."""
        return self.ordering_field if self.scoped and self.ordering_field not in self.parents else None

    def ordering_key(self, document: Tree) -> str:
        """Return the number (or project key) whose messages are delivered in order."""
        return _value(document, self.ordering_field)

    def identity(self, document: Tree) -> str:
        """Return what makes two documents of this type the same one, as one text."""
        return "|".join(_value(document, path) for path in self.identifying)

    def region(self, document: Tree) -> str | None:
        """Return the document's region (of an order: its target); None when it names none."""
        found = document.get("region")
        return None if found is None else str(found)

    def keys(self, document: Tree) -> dict[str, str]:
        """Return the searchable numbers that are in the document; never personal ones."""
        found = {key: _first(document, paths) for key, paths in self.searchable.items()}
        if found.get("credit_code") is None and self.document == "permit/1":
            found["credit_code"] = credit_code_of(document["permit_number"])
        return {key: value for key, value in found.items() if value is not None}


def _value(document: Tree, path: str) -> str:
    return project_key(document) if path == "project" else str(at(document, path) or "")


def _first(document: Tree, paths: tuple[str, ...]) -> str | None:
    return next((str(value) for value in (at(document, path) for path in paths) if value is not None), None)


_CASE = ("case_number",)

TYPES: Mapping[str, MessageType] = MappingProxyType(
    {
        one.name: one
        for one in (
            MessageType("permit.changed", "permit/1", "排污许可证变化", "permit_number", False, ("permit_number",)),
            MessageType("project.approved", "project-approval/1", "环评审批", "project", False, ("project",)),
            MessageType(
                "project.accepted",
                "project-acceptance/1",
                "竣工验收",
                "project",
                False,
                ("project",),
                ("project_code", "approval_number"),
            ),
            MessageType(
                "dispatch.ordered",
                "dispatch-order/1",
                "指挥调度",
                "order_number",
                True,
                ("order_number",),
                _CASE,
            ),
            MessageType(
                "dispatch.reported",
                "dispatch-report/1",
                "调度反馈",
                "order_number",
                True,
                ("order_number", "state", "reported_at"),
                ("order_number",),
            ),
            MessageType(
                "inspection.recorded",
                "inspection/1",
                "现场检查",
                "inspection_number",
                True,
                ("inspection_number",),
                ("order_number",),
            ),
            MessageType(
                "case.transferred",
                "case-file/1",
                "案件移送",
                "case_number",
                True,
                _CASE,
                ("inspection_number", "order_number"),
            ),
            MessageType(
                "case.progressed",
                "case-progress/1",
                "案件进展",
                "case_number",
                True,
                ("case_number", "node", "at"),
                _CASE,
            ),
            MessageType(
                "penalty.decided",
                "penalty-decision/1",
                "处罚决定",
                "case_number",
                True,
                ("case_number", "decision_number"),
                _CASE,
            ),
            MessageType(
                "penalty.executed",
                "penalty-execution/1",
                "处罚执行",
                "case_number",
                True,
                ("case_number", "decision_number", "kind", "at"),
                _CASE,
            ),
        )
    }
)
"""Every message type by name, in the order a case meets them."""

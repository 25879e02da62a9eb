"""The message types: which document each carries, its ordering key, its identity, its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from schemas.documents import MODELS, Document, fields
from schemas.documents.document import CatalogEntry
from schemas.identifiers.folding import comparison_key
from schemas.identifiers.permit import credit_code_of
from schemas.identifiers.person import is_citizen_id

Tree = Mapping[str, Any]

_KEYS: Mapping[str, tuple[str, ...]] = {
    "case_number": ("case_number", "related.case_number", "subject.case_number"),
    "permit_number": ("permit_number", "related.permit_number"),
    "project_code": ("project_code", "project.code", "related.project_code"),
    "approval_number": ("approval_number",),
    "credit_code": ("party.credit_code", "holder.credit_code", "builder.credit_code", "credit_code"),
    "order_number": ("order_number",),
    "inspection_number": ("inspection_number",),
    "decision_number": ("decision_number",),
    "measure_number": ("measure_number",),
    "lead_number": ("lead_number",),
    "officer_number": ("number",),
}
_ISSUED = (
    *("case_number", "order_number", "inspection_number", "measure_number", "lead_number", "decision_number"),
    *("related.case_number", "subject.case_number"),
)
_AMENDING = ("corrected", "withdrawn")
_LANES = {"parent_number": "measure_number"}
"""The number under whose name a lane goes, where the field that says it has another name."""

_ENRICHED = ("permit_number", "project_code", "party.credit_code", "region")


def at(document: Tree, path: str) -> Any:
    """Return the value at a dotted path without lists; None when anything on the way is absent."""
    if "." not in path:
        return document.get(path)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageType(CatalogEntry):
    """A kind of message: what its document says in its `CATALOG`, and what follows from its fields.

    `numbers` are the paths that hold platform-issued numbers, `enrichable` those that the case may
    fill in when they are absent, `searchable` those of each searchable key.
    """

    document: str
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
    def lanes(self) -> tuple[str, ...]:
        """Return the names of the numbers whose messages may be delivered in order with these, nearest first."""
        return tuple(map(_lane, self.ordering))

    def ordering_of(self, document: Tree) -> tuple[str, str]:
        """Return the number (or project key) whose messages are delivered in order: its name and its value."""
        path = next((one for one in self.ordering if _value(document, one)), self.ordering[-1])
        return _lane(path), _value(document, path)

    def amended(self, document: Tree) -> dict[str, str]:
        """Return the number of the earlier document that this one corrects or withdraws, by its name; else nothing."""
        if not self.amends:
            return {}
        number = document.get("corrects") or (document.get("status") in _AMENDING and document.get(self.amends))
        return {self.amends: str(number)} if number else {}

    def identity(self, document: Tree) -> str:
        """Return what makes two documents of this type the same one, as one text; spellings of a number are one."""
        return "|".join(comparison_key(_value(document, path)) for path in self.identifying)

    def region(self, document: Tree) -> str | None:
        """Return the document's region (of an order: its target); None when it names none."""
        found = document.get("region")
        return None if found is None else str(found)

    def keys(self, document: Tree) -> dict[str, str]:
        """Return the searchable numbers that are in the document; never personal ones."""
        found: dict[str, str] = {}
        for key, paths in self.searchable.items():
            for path in paths:
                if (value := at(document, path)) is not None:
                    found[key] = str(value)
                    break
        if self.credit_code_in and "credit_code" not in found:
            code = credit_code_of(document[self.credit_code_in])
            if code is not None:
                found["credit_code"] = code
        # A permit number may begin with its holder's citizen id instead of a credit code.
        if "credit_code" in found and is_citizen_id(found["credit_code"]):
            del found["credit_code"]
        return found


def _lane(path: str) -> str:
    name = path.rpartition(".")[2]
    return _LANES.get(name, name)


def _value(document: Tree, path: str) -> str:
    return project_key(document) if path == "project" else str(at(document, path) or "")


def _message_type(model: type[Document]) -> MessageType:
    declared = {name: getattr(model.CATALOG, name) for name in CatalogEntry.__slots__}
    return MessageType(document=model.NAME, **declared)


TYPES: Mapping[str, MessageType] = MappingProxyType(
    {one.name: one for one in map(_message_type, MODELS.values())},
)
"""Every message type by name, in the order a case meets them."""


def of_dossier(part: str) -> tuple[MessageType, ...]:
    """Return the message types that a part of the dossier (`permits`, `cases` …) is made of."""
    return tuple(one for one in TYPES.values() if one.dossier == part)

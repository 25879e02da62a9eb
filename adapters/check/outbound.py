"""Does what an adapter writes fit the platform's own schema: one finding a native path.

Only documents that the product's routes bring to this kind of platform are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import schemas
from adapters import source
from adapters.base import Document
from adapters.check.subject import Subject
from adapters.check.trials import FoundFaults, TrialDocument, tried
from adapters.exchange.request import record_path
from adapters.source import BundleFinding
from schemas import route_condition
from schemas.documents import generic
from schemas.findings import Rejected, Text
from schemas.route_condition import RouteCondition

_ROUTES = Path(schemas.__file__).parent / "routes.yaml"
_NATIVE = Text("请改正映射，使写出的报文符合平台模式", "correct the mapping, so that what it writes fits the schema")
_OF_THE_MAPPING = frozenset({"mapping.value", "mapping.incomplete"})


class Outbound:
    """One message type as it would be sent."""

    def __init__(self, subject: Subject, message_type: str) -> None:
        declared = subject.bundle.manifest.sends[message_type]
        program = subject.compiled.programs[declared.mapping]
        self._subject = subject
        self._type = message_type
        self._document = program.document
        self._file = f"mappings/{declared.mapping}.yaml"
        self._record = record_path(declared.envelope)
        # Of several entries that write one path the first is kept: reversed, it overwrites the later ones.
        self._lines = {use.path: use.line for use in reversed(program.path_uses) if use.write}

    def findings(self, examples: list[TrialDocument]) -> Iterator[BundleFinding]:
        """Give one finding a native path, at the line that writes it."""
        sent = [one for one in examples if reaches(self._subject.adapter.kind, self._type, one.document)]
        for fault in tried(self._document, sent, self.faults):
            line = self._line(fault.place)
            yield BundleFinding(fault.code, fault.text(self._type), _NATIVE, self._file, line, 1)

    def faults(self, document: Document) -> FoundFaults:
        """Write a document and validate it as the platform would; a failing mapping is a finding of the laws."""
        try:
            body = self._subject.read_back(self._type, self._subject.write(self._type, document))
        except Rejected as error:
            return {} if error.code in _OF_THE_MAPPING else {("outbound.unwritable", ""): error.detail}
        faults = self._subject.native_faults(self._type, body)
        return {("outbound.invalid", generic(one.path)): one.message for one in faults}

    def _line(self, place: str) -> int:
        base = str(self._record) if self._record is not None and self._record.steps else ""
        inside = place.removeprefix(base).removeprefix(".")
        return self._lines.get(inside) or self._lines.get(f"{inside}[]") or 1


def reaches(kind: str, message_type: str, document: Document) -> bool:
    """Tell whether a document of this type could be routed to this kind; a kind without a route takes all."""
    declared = _destinations().get((message_type, kind))
    return declared is None or any(one.holds(document) for one in declared)


@cache
def kinds() -> frozenset[str]:
    """Give the kinds of platform there are."""
    return frozenset(_routes()["kinds"])


@cache
def _routes() -> Mapping[str, Any]:
    found: Mapping[str, Any] = source.load(_ROUTES.read_bytes(), _ROUTES.name).value
    return found


@cache
def _destinations() -> Mapping[tuple[str, str], Sequence[RouteCondition]]:
    """Give the conditions of each type's destinations of a kind; one of them is enough."""
    found: dict[tuple[str, str], list[RouteCondition]] = {}
    for message_type, route in _routes()["routes"].items():
        for target in route["to"]:
            kind = target if isinstance(target, str) else target.get("kind", "")
            declared = None if isinstance(target, str) else target.get("when")
            found.setdefault((message_type, kind), []).append(route_condition.read(declared))
    return found

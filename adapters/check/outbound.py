"""Does what an adapter writes fit the platform's own schema: one finding a native path."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Document
from adapters.check.routed import reaches
from adapters.check.subject import Subject
from adapters.check.trials import Example, Faults, tried
from adapters.envelope import record_path
from adapters.source import BundleFinding
from schemas.documents import generic
from schemas.findings import Rejected, Text

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
        self._lines = {use.path: use.line for use in reversed(program.path_uses) if use.write}

    def findings(self, examples: list[Example]) -> Iterator[BundleFinding]:
        """Give one finding a native path, at the line that writes it."""
        sent = [one for one in examples if reaches(self._subject.adapter.kind, self._type, one.document)]
        for fault in tried(self._document, sent, self.faults):
            line = self._line(fault.place)
            yield BundleFinding(fault.code, fault.text(self._type), _NATIVE, self._file, line, 1)

    def faults(self, document: Document) -> Faults:
        """Write a document and validate it as the platform would; what the mapping refuses, the laws tell."""
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

"""Whether what an adapter writes fits the platform's own schema."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Document
from adapters.check.routed import reaches
from adapters.check.subject import Subject
from adapters.check.tally import Tally
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
        self._subject = subject
        self._type = message_type
        self._file = f"mappings/{declared.mapping}.yaml"
        self._record = record_path(declared.envelope)
        self._lines = {place.path: place.line for place in subject.compiled.programs[declared.mapping].places}
        self._tally = Tally()

    def fit(self, document: Document) -> None:
        """Write a document that could be routed here, and validate it as the platform would.

        What the mapping itself cannot write is told by the laws.
        """
        if not reaches(self._subject.adapter.kind, self._type, document):
            return
        try:
            body = self._subject.read_back(self._type, self._subject.write(self._type, document))
        except Rejected as error:
            if error.code not in _OF_THE_MAPPING:
                self._tally.note("outbound.unwritable", "", error.detail)
            return
        for finding in self._subject.native_faults(self._type, body):
            self._tally.note("outbound.invalid", generic(finding.path), finding.message)

    def findings(self) -> Iterator[BundleFinding]:
        """Give one finding a native path, at the line that writes it."""
        for fault in self._tally.faults():
            yield BundleFinding(fault.code, fault.text(self._type), _NATIVE, self._file, self._line(fault.place), 1)

    def _line(self, place: str) -> int:
        base = str(self._record) if self._record is not None and self._record.steps else ""
        inside = place.removeprefix(base).removeprefix(".")
        return self._lines.get(inside) or self._lines.get(f"{inside}[]") or 1

"""Does a mapping obey its laws: one finding a field, at the line that maps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.base import Document
from adapters.check.subject import Subject
from adapters.check.trials import FaultKey, FoundFaults, TrialDocument, tried
from adapters.exchange.sending import values_of
from adapters.mapping import Program
from adapters.mapping.laws import document_law
from adapters.mapping.plan import Column, Node, Parts, canonical
from adapters.source import BundleFinding
from schemas.documents import generic
from schemas.findings import Finding, Text

BROKEN = "law.broken"
UNWRITABLE = "law.unwritable"

_LAW = Text(
    "请改正转换器；确有损失的，请用 lossy 说明原因",
    "correct the converters; what is really lost is declared with `lossy`",
)


class Laws:
    """One mapping and the laws it must obey."""

    def __init__(self, subject: Subject, mapping: str, program: Program) -> None:
        self._file = f"mappings/{mapping}.yaml"
        self._program = program
        self._subject = subject
        self._sent = any(section == "sends" and name == mapping for section, _, name, _ in subject.uses())
        self._nodes = {target.path: node for node in program.plan.root.walk() for target in canonical(node)}

    def findings(self, examples: list[TrialDocument]) -> Iterator[BundleFinding]:
        """Give one finding a field. What cannot be written is an error where the mapping is sent with."""
        for fault in tried(self._program.document, examples, self.faults):
            node = self._node(fault.place)
            warning = fault.code == UNWRITABLE and not self._sent
            line = node.line if node else 1
            yield BundleFinding(fault.code, fault.text(), _LAW, self._file, line, 1, warning)

    def faults(self, document: Document) -> FoundFaults:
        """Write a canonical document, read it back, and give what differs or could not be written."""
        values = values_of(self._subject.sending("", document), {})
        trial = document_law(self._program, document, values)
        found: dict[FaultKey, Text] = {_key(BROKEN, one): one.message for one in trial.counterexamples}
        unwritten = (one for one in trial.outside if not self._is_gap(one))
        return found | {_key(UNWRITABLE, one): one.message for one in unwritten}

    def _is_gap(self, said: Finding) -> bool:
        """A code that the table lacks has one finding already, about the table."""
        node = self._node(generic(said.field))
        return said.code == "code.unknown" and node is not None and bool(_tables(node))

    def _node(self, field: str) -> Node | None:
        while field:
            node = self._nodes.get(field) or self._nodes.get(f"{field}[]")
            if node is not None:
                return node
            field = field.rpartition(".")[0]
        return None


def _tables(node: Node) -> Mapping[str, object]:
    chain = node.chain if isinstance(node, Column | Parts) else ()
    return {step.codes.name: step.codes for step in chain if step.codes is not None}


def _key(code: str, said: Finding) -> FaultKey:
    return code, generic(said.field or said.path)

"""The two laws of a mapping, on samples and on generated documents, and the platform's own schema.

`in(out(d)) = d` for every field that does not say otherwise, and `in(out(in(n))) = in(n)`: what
comes back may be normalised, never mean something else (coordinates within 1e-6 degree).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any

from adapters.base import Document, Tree
from adapters.check.differences import differences
from adapters.check.subject import Subject
from adapters.check.tally import Tally
from adapters.mapping import Program
from adapters.mapping.plan import Column, Node, Rows, canonical
from adapters.mapping.syntax import NOTHING
from adapters.sending import values_of
from adapters.source import BundleFinding
from schemas import documents
from schemas.documents import generic
from schemas.findings import Finding, Rejected, Text
from schemas.samples import sample

GENERATED = 200
_DEGREE = Decimal("0.000001")
_LAW = Text(
    "请改正转换器；确有损失的，请用 lossy 说明原因",
    "correct the converters; what is really lost is declared with `lossy`",
)


class Laws:
    """The lawful part of one mapping, and what broke it."""

    def __init__(self, subject: Subject, mapping: str, program: Program) -> None:
        self._file = f"mappings/{mapping}.yaml"
        self._program = program
        self._subject = subject
        self._sent = any(section == "sends" and name == mapping for section, _, name, _ in subject.uses())
        self._nodes = {target.path: node for node in program.plan.root.walk() for target in canonical(node)}
        self._lawful = frozenset(_lawful(program))
        self._defaulted = frozenset(_defaulted(program))
        self._tally = Tally()

    def obey(self, document: Document) -> None:
        """Write a canonical document and read it back."""
        values = values_of(self._subject.sending("", document), {})
        try:
            native = self._program.outward(document, values)
        except Rejected as error:
            self._unwritable(error)
            return
        self._compare(self._read(native), document)

    def _read(self, native: Tree) -> Document:
        """Read what was written. What the mapping does not carry is no fault here: coverage tells it."""
        document, found, _ = self._program.code.inward(native)
        for said in found:
            if said.code != "mapping.incomplete":
                self._tally.note("law.broken", generic(said.field or said.path), said.message)
        try:
            return documents.check(self._program.document, document).document
        except Rejected:
            return document

    def _compare(self, back: Document, document: Document) -> None:
        lawful = self._lawful
        for path, got, wanted in differences(_part(back, "", lawful), _part(document, "", lawful), self._same):
            self._tally.note("law.broken", generic(path), Text(f"{wanted} 变为 {got}", f"{wanted} becomes {got}"))

    def _same(self, path: str, got: Any, wanted: Any) -> bool:
        if generic(path) in self._defaulted and not isinstance(wanted, str | dict | list | bool):
            return True
        try:
            return path.endswith(("longitude", "latitude")) and abs(Decimal(got) - Decimal(wanted)) <= _DEGREE
        except (InvalidOperation, TypeError, ValueError):
            return False

    def _unwritable(self, error: Rejected) -> None:
        for said in error.findings or (Finding(error.code, error.detail),):
            self._tally.note("law.unwritable", generic(said.field or said.path), said.message)

    def findings(self) -> Iterator[BundleFinding]:
        """Give one finding a field. What cannot be written is an error where the mapping is sent with."""
        for fault in self._tally.faults():
            warning = fault.code == "law.unwritable" and not self._sent
            yield BundleFinding(fault.code, fault.text(), _LAW, self._file, self._line(fault.place), 1, warning)

    def _line(self, field: str) -> int:
        while field:
            node = self._nodes.get(field) or self._nodes.get(f"{field}[]")
            if node is not None:
                return node.line
            field = field.rpartition(".")[0]
        return 1


def _lawful(program: Program) -> Iterator[str]:
    for node in _under_law(program.plan.root.nodes):
        for target in canonical(node):
            yield target.path


def _under_law(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """What stands in a list that is read or written only one way is not under the law either."""
    for node in nodes:
        if node.rules.lawful:
            yield node
            if isinstance(node, Rows):
                yield from _under_law(node.scope.nodes)


def _defaulted(program: Program) -> Iterator[str]:
    """Fields that may come back though they were not there: by default, or because another is told by them."""
    nodes = list(program.plan.root.walk())
    telling = {node.rules.when.path.under(node.place) for node in nodes if node.rules.when is not None}
    for node in nodes:
        if isinstance(node, Column) and (
            node.rules.default is not NOTHING or any(path.under(node.place) in telling for path in node.at)
        ):
            yield from (target.path for target in node.targets)


def _part(node: Any, path: str, lawful: frozenset[str]) -> Any:
    """Keep the lawful leaves of a document; what is left empty by that is dropped."""
    if isinstance(node, dict):
        kept = {name: _part(value, f"{path}.{name}" if path else name, lawful) for name, value in node.items()}
        return {name: value for name, value in kept.items() if value not in (None, {}, [])}
    if isinstance(node, list):
        if f"{path}[]" in lawful and not any(isinstance(item, dict) for item in node):
            return node
        items = [_part(item, f"{path}[]", lawful) for item in node]
        return items if any(items) else None
    return node if path in lawful else None


def generated(document: str, seed: str) -> Iterator[Document]:
    """Give the documents that a mapping is tried with: always the same for the same seed."""
    random = Random(seed)
    for _ in range(GENERATED):
        yield sample(document, random)

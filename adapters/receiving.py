"""One operation that platforms call: bytes to records, a record to a valid document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from adapters import formats, placeholders, retelling, trees
from adapters.answers import AnswerWriter
from adapters.base import Answer, Lineage, Package, Record, Translation, Tree
from adapters.bundle.manifest import Receive
from adapters.formats.format import Body, Format, as_text
from adapters.mapping import Program
from adapters.mapping.paths import EACH, Path
from adapters.native import Location, NativeSchema
from schemas import documents
from schemas.findings import Finding, Rejected, Text


@dataclass(frozen=True, slots=True)
class FaultyRecord(Record):
    """A record of a package that the platform's own schema refuses; the others may still be accepted."""

    findings: tuple[Finding, ...] = ()


class Receiving:
    """A compiled operation. Every method is pure; what cannot be accepted raises `Rejected`."""

    def __init__(
        self, declared: Receive, wire: Format, program: Program, schema: NativeSchema | None, limit: int
    ) -> None:
        self._type = declared.type
        self._format = wire
        self._program = program
        self._schema = schema
        self._limit = limit
        self._split = trees.path(declared.split) if declared.split is not None else None
        self._require = [(trees.path(path), placeholders.parse(value)) for path, value in declared.require.items()]
        self._identity = [_alternatives(item) for item in declared.identity]
        self._answer = AnswerWriter(declared.answer, wire) if declared.answer is not None else None
        self._native = retelling.native_paths(program.explain())
        self._canonical = retelling.canonical_fields(program.explain())

    @property
    def type(self) -> str:
        """The message type its documents are."""
        return self._type

    def read(self, body: bytes, content_type: str | None) -> Package:
        """Parse a body, check its envelope and the platform's own schema, and split it into records."""
        parsed = formats.read(self._format, body, content_type, limit=self._limit)
        trees_found = [parsed.tree] if self._split is None else trees.values(parsed.tree, self._split)
        self._check_envelope(parsed.tree, len(trees_found))
        faults = self._schema_faults(parsed)
        records = (self._record(index, tree, faults.get(index, ())) for index, tree in enumerate(trees_found))
        return Package(tuple(records), self._split is not None)

    def _check_envelope(self, tree: Tree, count: int) -> None:
        if count == 0:
            raise _envelope("envelope.empty", str(self._split), "没有记录", "holds no record")
        for path, template in self._require:
            expected = template.render({"count": count})
            found = as_text(trees.first(tree, path)).strip()
            if found != expected and not (template.alone == "count" and found.isdecimal() and int(found) == count):
                code = "envelope.count" if template.alone == "count" else "envelope.require"
                raise _envelope(code, str(path), f"应为 {expected}，实为 {found}", f"must be {expected}, is {found}")

    def _schema_faults(self, parsed: Body) -> Mapping[int, Sequence[Finding]]:
        """Give the faults inside each record; one outside all of them refuses the whole body."""
        if self._schema is None:
            return {}
        inside: dict[int, list[Finding]] = {}
        outside: list[Finding] = []
        for where, fault in self._schema.faults(parsed):
            index = self._record_index(where)
            finding = retelling.entitled(fault, self._canonical, str(self._split or ""))
            (outside if index is None else inside.setdefault(index, [])).append(finding)
        if outside:
            raise _invalid([*outside, *(finding for some in inside.values() for finding in some)])
        return inside

    def _record_index(self, where: Location) -> int | None:
        """Tell which record a location is in. A repeated XML child has an index, a single one has none."""
        position = 0
        index = 0
        if self._split is None:
            return None
        for step in self._split.steps:
            found = where[position] if position < len(where) else None
            if step is EACH:
                index, position = (found, position + 1) if isinstance(found, int) else (0, position)
            elif found != step:
                return None
            else:
                position += 1
        return index

    def _record(self, index: int, tree: Tree, findings: Sequence[Finding]) -> Record:
        identity = self._identify(tree)
        return FaultyRecord(index, tree, identity, tuple(findings)) if findings else Record(index, tree, identity)

    def _identify(self, tree: Tree) -> str | None:
        found = [_first_there(tree, alternatives) for alternatives in self._identity]
        return orjson.dumps(found).decode("utf-8") if any(found) else None

    def translate_in(self, record: Record) -> Translation:
        """Translate a record and validate the document it makes."""
        if isinstance(record, FaultyRecord):
            raise _invalid(record.findings)
        return translate(self._type, self._program, record.tree, self._native)

    def answer(self, *, accepted: bool, values: Mapping[str, str]) -> Answer | None:
        """Write the declared answer, None when the operation declares none."""
        return self._answer.write(accepted=accepted, values=values) if self._answer is not None else None

    def lineage(self) -> Sequence[Lineage]:
        """Tell where each canonical field comes from."""
        return self._program.explain()


def translate(message_type: str, program: Program, tree: Tree, native: Mapping[str, Lineage]) -> Translation:
    """Run a mapping inward and validate the document; findings are told by native path."""
    inward = program.inward(tree)
    try:
        checked = documents.check(program.document, inward.document)
    except Rejected as error:
        raise retelling.rejected(error, native) from None
    noticed = (retelling.retold(warning, native) for warning in checked.warnings)
    return Translation(message_type, checked.document, (*inward.warnings, *noticed))


def _alternatives(item: str | list[str]) -> list[Path]:
    return [trees.path(text) for text in ([item] if isinstance(item, str) else item)]


def _first_there(tree: Tree, alternatives: list[Path]) -> str | None:
    texts = (as_text(value).strip() for path in alternatives for value in trees.values(tree, path)[:1])
    return next((text for text in texts if text), None)


def _envelope(code: str, path: str, zh: str, en: str) -> Rejected:
    text = Text(
        f"报文的 {path} {zh}；请改正后整包重新发送", f"{path} of the body {en}; correct it and send the whole again"
    )
    return Rejected(code, text, [Finding(code, text, path=path)])


def _invalid(findings: Sequence[Finding]) -> Rejected:
    text = Text(
        f"报文有 {len(findings)} 处不符合平台模式；请逐项改正后重新发送",
        f"the body breaks the platform's schema in {len(findings)} place(s); correct each and send it again",
    )
    return Rejected("native.invalid", text, findings)

"""One operation that platforms call: bytes to records, a record to a valid document, and the answer to the caller.

Findings about a document name the native path that its sender wrote, beside the canonical field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import orjson
from msgspec.structs import replace

from adapters import formats, paths, placeholders
from adapters.base import Answer, Cutter, Lineage, Package, Record, Translation, Tree
from adapters.bundle.grammar import Receive
from adapters.exchange.answering import AnswerWriter
from adapters.exchange.native_values import NativeValues
from adapters.formats.cutting import PackagePlan
from adapters.formats.format import Body, Format, as_text
from adapters.mapping import Program
from adapters.native import Location, NativeSchema
from adapters.paths import EACH, Path
from adapters.placeholders import Template
from schemas import documents
from schemas.budget import MORE, Budget
from schemas.documents import generic
from schemas.findings import Finding, Rejected, Text
from schemas.identifiers import folded
from schemas.scalars import count_of

COUNT = "count"
"""The placeholder for the number of records."""

_INDEX = re.compile(r"\[(\d+)\]")


class FaultyRecord(Record, frozen=True):
    """A record of a package that breaks the platform's own schema; the others may still be accepted."""

    findings: tuple[Finding, ...] = ()


class CompiledReceive:
    """A compiled operation. Every method is pure; what cannot be accepted raises `Rejected`."""

    def __init__(
        self, declared: Receive, wire: Format, program: Program, schema: NativeSchema | None, budget: Budget
    ) -> None:
        self._type = declared.type
        self._format = wire
        self._program = program
        self._schema = schema
        self._budget = budget
        self._split = paths.in_body(declared.split) if declared.split is not None else None
        self._require = [(paths.in_body(path), placeholders.parse(value)) for path, value in declared.require.items()]
        alone = [(path, template.render({COUNT: 1})) for path, template in self._require]
        counts = [one for one, (_, template) in zip(alone, self._require, strict=True) if COUNT in template.names]
        self._plan = PackagePlan(self._split, tuple(alone), tuple(counts), self._check_around)
        self._identity = [_alternatives(item) for item in declared.identity]
        self._answer = AnswerWriter(declared.answer, wire) if declared.answer is not None else None
        self._native = native_paths(program.explain())
        self._canonical = canonical_fields(program.explain())
        self._values = NativeValues(program.document, program.explain(), str(self._split or ""))

    @property
    def type(self) -> str:
        """The message type its documents are."""
        return self._type

    def read(self, body: bytes, content_type: str | None, budget: Budget | None = None) -> Package:
        """Parse a body, check its envelope and the platform's own schema, and split it into records.

        `budget` is what an operator set for the platform, instead of the bundle's own.
        """
        allowed = budget or self._budget
        parsed = formats.read(self._format, body, content_type, budget=allowed)
        trees_found = [parsed.tree] if self._split is None else paths.values(parsed.tree, self._split)
        if len(trees_found) > allowed.records:
            raise allowed.exceeded("records", path=str(self._split))
        self._check_envelope(parsed.tree, len(trees_found))
        faults = self._schema_faults(parsed, len(trees_found))
        records = [self._record(index, tree, faults.get(index, ())) for index, tree in enumerate(trees_found)]
        return Package(tuple(records), self._split is not None)

    def cutter(self, content_type: str | None, budget: Budget | None = None) -> Cutter:
        """Give what cuts a stream into bodies that `read` takes, of one record each."""
        return formats.cutter(self._format, content_type, budget or self._budget, self._plan)

    def _check_around(self, tree: Tree, count: int | None) -> None:
        """Check what stands around the records of a stream; before its end only what is there already."""
        if count is not None:
            self._check_envelope(tree, count)
            return
        there = [(path, template) for path, template in self._require if paths.first(tree, path) is not None]
        self._check_values(tree, [(path, one) for path, one in there if COUNT not in one.names], 1)

    def _check_envelope(self, tree: Tree, count: int) -> None:
        if count == 0:
            raise _envelope("envelope.empty", str(self._split), "没有记录", "holds no record")
        self._check_values(tree, self._require, count)

    def _check_values(self, tree: Tree, required: Iterable[tuple[Path, Template]], count: int) -> None:
        for path, template in required:
            expected = template.render({"count": count})
            found = as_text(paths.first(tree, path)).strip()
            if found != expected and not (template.alone == "count" and count_of(found) == count):
                code = "envelope.count" if template.alone == "count" else "envelope.require"
                raise _envelope(code, str(path), f"应为 {expected}，实为 {found}", f"must be {expected}, is {found}")

    def _schema_faults(self, parsed: Body, count: int) -> Mapping[int, Sequence[Finding]]:
        """Give the faults inside each record; one outside all of them rejects the whole body."""
        if self._schema is None:
            return {}
        inside: dict[int, list[Finding]] = {}
        outside: list[Finding] = []
        for where, fault in self._schema.faults(parsed):
            index = self._record_index(where)
            if fault.code == MORE and index is not None:
                # No more is told of places. Each record behind is only asked whether it would do alone.
                well = self._well_alone(parsed, index + 1, count)
                inside.update({later: [fault] for later in range(index + 1, count) if later not in well})
                break
            valued = replace(fault, value=self._values.at(parsed.tree, where, fault.path))
            finding = with_canonical_field(valued, self._canonical, str(self._split or ""))
            (outside if index is None else inside.setdefault(index, [])).append(finding)
        if outside:
            raise _invalid([*outside, *(finding for some in inside.values() for finding in some)])
        return inside

    def _well_alone(self, parsed: Body, start: int, count: int) -> frozenset[int]:
        """Give the records from `start` on that the schema takes in a body with no other; none where it cannot tell."""
        if self._schema is None or self._split is None or self._split.steps[-1:] != (EACH,):
            return frozenset()
        *above, _ = self._split.steps
        place = tuple(step for step in above if isinstance(step, str))
        if len(place) != len(above):
            return frozenset()
        judged = islice(self._schema.alone(parsed, place), start, count)
        return frozenset(index for index, well in enumerate(judged, start) if well)

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
    """Run a mapping inward and validate the document; findings name the native path."""
    inward = program.inward(tree)
    try:
        checked = documents.check(documents.current(program.document), inward.document)
    except Rejected as error:
        raise _with_native_paths(error, native) from None
    noticed = (with_native_path(warning, native) for warning in checked.warnings)
    return Translation(message_type, checked.document, (*inward.warnings, *noticed))


def native_paths(lineage: Iterable[Lineage]) -> Mapping[str, Lineage]:
    """Index a mapping's lineage by canonical path; the first that writes a field is kept."""
    found: dict[str, Lineage] = {}
    for one in lineage:
        found.setdefault(one.field, one)
    return found


def canonical_fields(lineage: Iterable[Lineage]) -> Mapping[str, Lineage]:
    """Index a mapping's lineage by native path; of several that read one place the first is kept."""
    found: dict[str, Lineage] = {}
    for one in lineage:
        for path in one.paths:
            found.setdefault(path, one)
    return found


def with_canonical_field(finding: Finding, known: Mapping[str, Lineage], above: str = "") -> Finding:
    """Give a finding about the native body with the canonical field and title that a mapping reads there.

    `above` is the path of the records in the body, where the mapping starts inside a record.
    """
    path = generic(finding.path)
    inside = (path.removeprefix(f"{start}.") for start in (above, above.removesuffix("[]")))
    origin = next((known[one] for one in (path, *inside) if one in known), None)
    return finding if origin is None else finding.at(field=origin.field, title=origin.title)


def with_native_path(finding: Finding, known: Mapping[str, Lineage]) -> Finding:
    """Give the finding with the native path and the title of its field, where the mapping knows it."""
    if finding.path or not finding.field:
        return finding
    plain = generic(finding.field)
    origin = known.get(plain) or known.get(f"{plain}[]") or _below(plain, known)
    if origin is None:
        return finding
    return finding.at(path=_indexed(origin.path, finding.field), title=finding.title or origin.title)


def _with_native_paths(error: Rejected, known: Mapping[str, Lineage]) -> Rejected:
    """Give the rejection with the native path in every finding."""
    findings = [with_native_path(finding, known) for finding in error.findings]
    return Rejected(error.code, error.detail, findings, status=error.status)


def _alternatives(item: str | list[str]) -> list[Path]:
    return [paths.in_body(text) for text in ([item] if isinstance(item, str) else item)]


def _first_there(tree: Tree, alternatives: list[Path]) -> str | None:
    for path in alternatives:
        if text := folded(as_text(paths.first(tree, path))).upper():
            return text
    return None


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


def _below(plain: str, known: Mapping[str, Lineage]) -> Lineage | None:
    """For a whole object that is missing, give the first mapped field inside it."""
    return next((one for field, one in known.items() if field.startswith((f"{plain}.", f"{plain}[]"))), None)


def _indexed(path: str, field: str) -> str:
    """Fill the lists of a native path with the indexes of the canonical one, when they are as many."""
    indexes = _INDEX.findall(field)
    if path.count("[]") == len(indexes):
        for index in indexes:
            path = path.replace("[]", f"[{index}]", 1)
    return path

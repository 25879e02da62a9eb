"""A compiled mapping: read, checked and generated once; one function in, one function out, and its lineage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from adapters.base import Document, Lineage, Tree
from adapters.mapping import reading
from adapters.mapping.checked import check
from adapters.mapping.codes import CodeTable
from adapters.mapping.converters import Converter
from adapters.mapping.fault_list import FaultList
from adapters.mapping.inward import compile_inward
from adapters.mapping.outward import compile_outward
from adapters.mapping.plan import Column, Node, Parallel, Parts, Plan, Rows, canonical, native_names, paths_of, written
from adapters.mapping.runtime import EnoughFound
from adapters.mapping.syntax import NOTHING
from adapters.source import BundleFinding, Source
from schemas.budget import FINDINGS, MORE, at_most
from schemas.findings import Finding, Rejected, Text


@dataclass(frozen=True, slots=True)
class Inward:
    """A document as the mapping makes it, not yet validated, and what was noticed on the way."""

    document: Document
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class PathUse:
    """A native path a mapping uses, the line of the file that does, and in which directions."""

    path: str
    line: int
    read: bool
    write: bool


@dataclass(frozen=True, slots=True)
class GeneratedCode:
    """The generated functions and their source."""

    inward: Callable[[Tree], tuple[Document, list[Finding], dict[str, None]]]
    outward: Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[Tree, list[Finding]]]
    inward_source: str
    outward_source: str


@dataclass(frozen=True)
class Program:
    """A mapping, compiled. Its functions are pure and may be called from any thread.

    `notes` are findings about the mapping that do not stop it: code tables with gaps.
    """

    plan: Plan
    code: GeneratedCode
    notes: tuple[BundleFinding, ...] = field(default=())

    @property
    def name(self) -> str:
        """The mapping's file."""
        return self.plan.name

    @property
    def document(self) -> str:
        """The canonical document, as `penalty-decision/1`."""
        return self.plan.document

    def inward(self, tree: Tree) -> Inward:
        """Translate a native tree. Raises `Rejected` (422) with every finding at once.

        Its code is `mapping.incomplete` when a required field could not be produced, `mapping.value`
        when a value was refused, `native.unknown` when the mapping refuses fields nobody mapped.
        """
        if not isinstance(tree, dict):
            raise Rejected("native.shape", _NOT_AN_OBJECT, [Finding("native.shape", _NOT_AN_OBJECT)])
        try:
            document, found, drift = self.code.inward(tree)
        except EnoughFound as enough:
            raise _rejected(enough.found, "in") from None
        unknown = tuple(at_most(_unknown(path) for path in drift))
        if self.plan.unknown == "refuse":
            found, unknown = at_most([*found, *unknown]), ()
        if found:
            raise _rejected(found, "in")
        return Inward(document, unknown)

    def outward(self, document: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> Tree:
        """Write a valid canonical document as a native tree; the same input gives the same tree.

        `values` are the facts and settings that constants may name. What the mapping cannot express
        is left out; a value a converter refuses raises `Rejected` with every finding at once.
        """
        try:
            tree, found = self.code.outward(document, {} if values is None else values)
        except EnoughFound as enough:
            raise _rejected(enough.found, "out") from None
        if found:
            raise _rejected(found, "out")
        return tree

    def explain(self) -> tuple[Lineage, ...]:
        """For each canonical field: its native path, converters and code table."""
        return lineage(self.plan)

    @cached_property
    def path_uses(self) -> tuple[PathUse, ...]:
        """Every native path the mapping reads or writes, with its line; lists as `a[].b`."""
        return tuple(_path_uses(self.plan))


def _path_uses(plan: Plan) -> Iterable[PathUse]:
    for node in plan.root.walk():
        out = set(written(node))
        reads = paths_of(node) if node.rules.reads else ()
        for path in dict.fromkeys((*reads, *written(node))):
            yield PathUse(str(path.under(node.base)), node.line, path in reads, path in out)
        if node.rules.when is not None:
            yield PathUse(str(node.rules.when.path.under(node.base)), node.line, node.rules.reads, node.rules.writes)
    for constant in plan.constants:
        yield PathUse(str(constant.path), constant.line, read=False, write=True)


_NOT_AN_OBJECT = Text(
    "记录应为对象，请检查请求体的结构。", "The record must be an object: check the shape of the body."
)


def _unknown(path: str) -> Finding:
    zh = f"映射中没有字段 {path}，其内容未被采用；请联系适配包维护者。"
    return Finding("native.unknown", Text(zh, f"Nothing maps {path}: its content is not used."), path=path)


def _rejected(found: list[Finding], direction: str) -> Rejected:
    codes = {one.code for one in found} - {MORE}
    count = min(len(found), FINDINGS)
    if "mapping.incomplete" in codes:
        code = "mapping.incomplete"
    else:
        code = "native.unknown" if codes == {"native.unknown"} else "mapping.value"
    if direction == "in":
        detail = Text(
            f"文档有{count}处不能转换，请按 errors 逐项更正后重新发送。",
            f"{count} value(s) cannot be translated: correct them as `errors` says and send again.",
        )
    else:
        detail = Text(
            f"文档有{count}处不能写成对方的格式，请按 errors 更正文档或适配包后重新投递。",
            f"{count} value(s) cannot be written in the platform's format: correct the document or the adapter.",
        )
    return Rejected(code, detail, found)


_DIGEST = 12


def lineage(plan: Plan) -> tuple[Lineage, ...]:
    """One entry a canonical field, in the order of the mapping."""
    return tuple(entry for node in plan.root.walk() for entry in _entries(node))


def _entries(node: Node) -> list[Lineage]:
    if isinstance(node, Rows):
        return [_entry(node, 0, (), (str(node.path.under(node.base)),))]
    paths = tuple(str(path.under(node.base)) for path in paths_of(node))
    if isinstance(node, Parallel):
        return [_entry(node, position, (), (path,)) for position, path in enumerate(paths)]
    return [_entry(node, position, node.chain, paths) for position in range(len(canonical(node)))]


def _entry(node: Node, position: int, chain: tuple[Converter, ...], paths: tuple[str, ...]) -> Lineage:
    target = canonical(node)[position]
    tables = [step.codes for step in chain if step.codes is not None]
    labels = [step.label for step in chain if step.name]
    if isinstance(node, Parallel):
        labels = [f"split: {node.on}"]
    return Lineage(
        target.path,
        target.field.title,
        " + ".join(paths) if isinstance(node, Parts) else next(iter(paths), ""),
        tuple(labels),
        ", ".join(f"{table.name}@{table.digest[:_DIGEST]}" for table in tables) or None,
        "; ".join(_notes(node)) or None,
        paths,
    )


def _notes(node: Node) -> list[str]:
    """What else an author said about the field, in the words of the grammar."""
    rules, notes = node.rules, []
    if isinstance(node, Column) and len(node.at) > 1:
        notes.append("else " + ", ".join(str(path.under(node.base)) for path in node.at[1:]))
    if rules.none:
        notes.append("none: " + ", ".join(map(repr, rules.none)))
    if rules.default is not NOTHING:
        notes.append(f"default: {rules.default}")
    if rules.also:
        notes.append("also: " + ", ".join(map(str, rules.also)))
    if rules.when is not None:
        test = " | ".join(rules.when.values) if rules.when.present is None else f"present: {rules.when.present}"
        notes.append(f"when {rules.when.path}: {test}")
    if rules.otherwise:
        notes.append("else: " + ", ".join(f"{native} → {value}" for native, value in rules.otherwise))
    if rules.only:
        notes.append(f"only: {rules.only}")
    if rules.lossy:
        notes.append(f"lossy: {rules.lossy}")
    return notes


def compile_mapping(
    source: Source, codes: Mapping[str, CodeTable], *, settings: Collection[str] | None = None
) -> Program:
    """Compile a mapping against the canonical document it names and the bundle's code tables.

    `settings` are the names constants may use as placeholders; None: any name may be one. Raises
    `adapters.source.BrokenBundle` with every fault, each with its line and what to do.
    """
    faults = FaultList(source)
    plan = check(reading.read(source, faults), source.name, codes, settings, faults)
    shape = native_names(plan)
    inward, inward_source = compile_inward(plan, shape)
    outward, outward_source = compile_outward(plan, shape)
    return Program(plan, GeneratedCode(inward, outward, inward_source, outward_source), tuple(faults.notes))

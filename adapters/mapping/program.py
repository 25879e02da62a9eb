"""A compiled mapping: one function in, one function out, and what is known about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from adapters.base import Document, Lineage, Tree
from adapters.mapping.explain import lineage
from adapters.mapping.plan import Plan, canonical, paths_of, written
from adapters.source import BundleFinding
from schemas import documents
from schemas.findings import Finding, Rejected, Text

MAX_DRIFT = 50


@dataclass(frozen=True, slots=True)
class Inward:
    """A document as the mapping makes it, not yet validated, and what was noticed on the way."""

    document: Document
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A native path a mapping uses, the line of the file that does, and in which directions."""

    path: str
    line: int
    read: bool
    write: bool


@dataclass(frozen=True, slots=True)
class Code:
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
    code: Code
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
        document, found, drift = self.code.inward(tree)
        unknown = tuple(_unknown(path) for path in list(drift)[:MAX_DRIFT])
        if self.plan.unknown == "refuse":
            found, unknown = [*found, *unknown], ()
        if found:
            raise _rejected(found, "in")
        return Inward(document, unknown)

    def outward(self, document: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> Tree:
        """Write a valid canonical document as a native tree; the same input gives the same tree.

        `values` are the facts and settings that constants may name. What the mapping cannot express
        is left out; a value a converter refuses raises `Rejected` with every finding at once.
        """
        tree, found = self.code.outward(document, {} if values is None else values)
        if found:
            raise _rejected(found, "out")
        return tree

    def explain(self) -> tuple[Lineage, ...]:
        """For each canonical field: its native path, converters and code table."""
        return lineage(self.plan)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every native path the mapping reads or writes, with its line; lists as `a[].b`."""
        return tuple(_places(self.plan))

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The native paths read."""
        return tuple(dict.fromkeys(place.path for place in self.places if place.read))

    @cached_property
    def writes(self) -> tuple[str, ...]:
        """The native paths written, constants included."""
        return tuple(dict.fromkeys(place.path for place in self.places if place.write))

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The canonical fields it stands for, in either direction."""
        return tuple(dict.fromkeys(t.path for node in self.plan.root.walk() for t in canonical(node)))

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The fields a document must have that the mapping never produces on the way in."""
        made = {t.path for node in self.plan.root.walk() if node.rules.reads for t in canonical(node)}
        wanted = documents.fields(self.document).values()
        return tuple(one.path for one in wanted if one.mandatory and not _covered(one.path, made))


def _covered(path: str, made: Iterable[str]) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in made)


def _places(plan: Plan) -> Iterable[Place]:
    for node in plan.root.walk():
        out = set(written(node))
        reads = paths_of(node) if node.rules.reads else ()
        for path in dict.fromkeys((*reads, *written(node))):
            yield Place(str(path.under(node.place)), node.line, path in reads, path in out)
        if node.rules.when is not None:
            yield Place(str(node.rules.when.path.under(node.place)), node.line, node.rules.reads, node.rules.writes)
    for constant in plan.constants:
        yield Place(str(constant.path), constant.line, read=False, write=True)


_NOT_AN_OBJECT = Text(
    "记录应为对象，请检查请求体的结构。", "The record must be an object: check the shape of the body."
)


def _unknown(path: str) -> Finding:
    zh = f"映射中没有字段 {path}，其内容未被采用；请联系适配包维护者。"
    return Finding("native.unknown", Text(zh, f"Nothing maps {path}: its content is not used."), path=path)


def _rejected(found: list[Finding], direction: str) -> Rejected:
    codes = {one.code for one in found}
    if "mapping.incomplete" in codes:
        code = "mapping.incomplete"
    else:
        code = "native.unknown" if codes == {"native.unknown"} else "mapping.value"
    if direction == "in":
        detail = Text(
            f"文档有{len(found)}处不能转换，请按 errors 逐项更正后重新发送。",
            f"{len(found)} value(s) cannot be translated: correct them as `errors` says and send again.",
        )
    else:
        detail = Text(
            f"文档有{len(found)}处不能写成对方的格式，请按 errors 更正文档或适配包后重放。",
            f"{len(found)} value(s) cannot be written in the platform's format: correct the document or the adapter.",
        )
    return Rejected(code, detail, found)

"""The laws of a mapping: what comes back may be normalised, never mean something else.

`in(out(d)) = d` for documents, `in(out(in(n))) = in(n)` for native trees. They bind every field
without `only` and `lossy`; coordinates may differ by 1e-6 degrees, times by fractions of a second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.base import Document, Tree
from adapters.mapping.plan import Column, Node, Parallel, Parts, Rows, canonical, paths_of, value_of, written
from adapters.mapping.program import Program
from adapters.mapping.runtime import there, word
from adapters.mapping.syntax import NOTHING
from schemas import documents
from schemas.documents.masking import shown
from schemas.findings import Finding, Rejected, Text

TOLERANCE = Decimal("0.000001")
_EXPECTED = frozenset({"mapping.incomplete", "native.unknown"})


@dataclass(frozen=True, slots=True)
class LawTrial:
    """One try of a law. `counterexamples`: fields that came back as something else.

    `outside`: why the value was never tried, its findings (outside a converter's stated domain).
    """

    counterexamples: tuple[Finding, ...] = ()
    outside: tuple[Finding, ...] = ()

    @property
    def tried(self) -> bool:
        """Whether the value went all the way there and back."""
        return not self.outside


def document_law(program: Program, document: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> LawTrial:
    """Try `in(out(d)) = d`; `values` are what constants may name."""
    try:
        native = program.outward(document, values)
    except Rejected as error:
        return LawTrial(outside=error.findings)
    returned, found, _ = program.code.inward(native)
    refused = tuple(one for one in found if one.code not in _EXPECTED)
    return LawTrial((*refused, *_differences(program, document, returned, native)))


def _differences(program: Program, before: Mapping[str, Any], after: Document, native: Tree) -> tuple[Finding, ...]:
    """Compare as they are, and where that differs, in the normal form that every accepted document has."""
    told = _discriminated(program)
    nodes = program.plan.root.nodes
    # The cheap comparison first: normal forms are needed only when it finds a difference.
    found = tuple(_compare(nodes, before, after, native, told))
    if not found:
        return ()
    return tuple(_compare(nodes, _normal(program, before), _normal(program, after), native, told))


def _normal(program: Program, document: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return documents.check(program.document, document).document
    except Rejected:
        return document


def native_law(program: Program, tree: Tree, values: Mapping[str, Any] | None = None) -> LawTrial:
    """Try `in(out(in(n))) = in(n)`."""
    try:
        document = program.inward(tree).document
    except Rejected as error:
        return LawTrial(outside=error.findings)
    return document_law(program, document, values)


def _discriminated(program: Program) -> frozenset[str]:
    """The native paths that say which of two fields a place holds."""
    nodes = program.plan.root.walk()
    return frozenset(str(n.rules.when.path.under(n.base)) for n in nodes if n.rules.when is not None)


def _compare(
    nodes: Collection[Node],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    native: Tree,
    told: frozenset[str],
) -> Iterator[Finding]:
    nothing = frozenset(word(value) for node in nodes for value in node.rules.none)
    for node in nodes:
        if not node.rules.lawful:
            continue
        if isinstance(node, Rows):
            yield from _compare_rows(node, before, after, native, told)
            continue
        for steps in _steps(node):
            was, is_now = _carried(node, value_of(before, steps)), value_of(after, steps)
            alike = near(was, is_now) if isinstance(node, Parts) else same(was, is_now)
            if not alike and not _excused(node, was, is_now, native, told, nothing):
                yield _changed(node, was, is_now)


def _carried(node: Node, value: Any) -> Any:
    """Of objects in parallel columns, what the columns hold."""
    if not isinstance(node, Parallel) or not isinstance(value, list):
        return value
    names = [target.steps[-1] for target, _ in node.columns]
    return [{name: row[name] for name in names if name in row} for row in value]


def _steps(node: Column | Parallel | Parts) -> list[tuple[str, ...]]:
    return [target.steps for target in node.targets] if isinstance(node, Column) else [node.target.steps]


def _compare_rows(
    node: Rows,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    native: Tree,
    told: frozenset[str],
) -> Iterator[Finding]:
    """Rows with nothing that the mapping carries are dropped on the way, so they are left out of the comparison."""
    was = [row for row in value_of(before, node.target.steps) or [] if _carries(node.scope.nodes, row)]
    rows = value_of(after, node.target.steps) or []
    written = _items(native, node)
    if len(was) != len(rows):
        yield _changed(node, len(was), len(rows))
        return
    for old, new, tree in zip(was, rows, written, strict=False):
        yield from _compare(node.scope.nodes, old, new, tree, told)


def _carries(nodes: Collection[Node], row: Mapping[str, Any]) -> bool:
    written = [node for node in nodes if node.rules.writes]
    return any(value_of(row, target.steps) not in (None, [], {}) for node in written for target in _targets(node))


def _targets(node: Node) -> tuple[Any, ...]:
    return node.targets if isinstance(node, Column) else (node.target,)


def _items(native: Tree, node: Rows) -> list[Any]:
    found = value_of(native, tuple(str(step) for step in node.path.steps[:-1]))
    return found if isinstance(found, list) else [found]


def _excused(node: Node, was: Any, is_now: Any, native: Tree, told: frozenset[str], nothing: frozenset[str]) -> bool:
    """What may differ: a default that appears, what a discriminator tells, a place that another field has taken.

    Of fields that share a native place under `when` only one can be written there, and that is declared by
    the mapping. A field that was lost although nothing else took its place is a loss.
    """
    if was in (None, [], {}):
        discriminator = any(str(path.under(node.base)) in told for path in paths_of(node))
        return discriminator or (node.rules.default is not NOTHING and same(is_now, node.rules.default))
    return is_now is None and node.rules.when is not None and _taken(node, native, nothing)


def _taken(node: Node, native: Tree, nothing: frozenset[str]) -> bool:
    held = (value_of(native, tuple(str(step) for step in path.steps)) for path in written(node))
    return any(there(value) and word(value) not in nothing for value in held)


def same(one: Any, other: Any) -> bool:
    """Whether two canonical values mean the same."""
    if one == other:
        return True
    if one in (None, [], {}) and other in (None, [], {}):
        return True
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(same(one.get(key), other.get(key)) for key in one.keys() | other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, str) and isinstance(other, str) and _same_moment(one, other)


def _same_moment(one: str, other: str) -> bool:
    return one[10:11] == "T" and one[:19] == other[:19] and one[-6:] == other[-6:]


def near(one: Any, other: Any) -> bool:
    """Whether two values of several columns mean the same: degrees within 1e-6, anything else as `same`."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    return same(one, other)


def _close(one: Any, other: Any) -> bool:
    try:
        return abs(Decimal(one) - Decimal(other)) <= TOLERANCE
    except (InvalidOperation, TypeError, ValueError):
        return same(one, other)


def _changed(node: Node, was: Any, is_now: Any) -> Finding:
    target = canonical(node)[0]
    field = target.field
    old, new = (shown(one, personal=field.personal, identity=field.identity) for one in (was, is_now))
    path = ", ".join(str(path.under(node.base)) for path in paths_of(node))
    return Finding(
        "law.round-trip",
        Text(
            f"“{target.field.title}”写出再读回后由 {old} 变为 {new}。",
            f"{target.path} came back as {new}, it was {old}.",
        ),
        path=path,
        field=target.path,
        title=target.field.title,
        value=old,
    )

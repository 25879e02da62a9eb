"""A mapping that was found to be sound: every path, converter and field resolved, every native name known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from adapters.mapping.constants import Constant
from adapters.mapping.converters import Converter
from adapters.mapping.syntax import Rules
from adapters.paths import EACH, Path, Step
from schemas.documents import Field
from schemas.identifiers import Identifier


@dataclass(frozen=True, slots=True)
class Target:
    """A canonical field: its steps from the object it is listed in, and what the document says of it."""

    steps: tuple[str, ...]
    field: Field

    @property
    def path(self) -> str:
        """The canonical path, `officers[].name`."""
        return self.field.path


@dataclass(frozen=True, slots=True)
class Column:
    """One native value ↔ one canonical field (several for a range).

    `listed`: the value is a list, each element converted. `flat`: text that passes as it is.
    """

    targets: tuple[Target, ...]
    at: tuple[Path, ...]
    chain: tuple[Converter, ...]
    rules: Rules
    base: Path
    line: int
    listed: bool = False
    flat: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """A native list ↔ a canonical list of objects."""

    target: Target
    path: Path
    scope: Scope
    rules: Rules
    base: Path
    line: int


@dataclass(frozen=True, slots=True)
class Parallel:
    """Several strings of equally many values ↔ a canonical list of objects, which must have `required`."""

    target: Target
    columns: tuple[tuple[Target, Path], ...]
    required: tuple[Target, ...]
    on: str
    rules: Rules
    base: Path
    line: int


@dataclass(frozen=True, slots=True)
class Parts:
    """Several native columns ↔ one canonical value."""

    target: Target
    columns: tuple[tuple[str, Path], ...]
    chain: tuple[Converter, ...]
    rules: Rules
    base: Path
    line: int


Node = Column | Rows | Parallel | Parts


@dataclass(frozen=True, slots=True)
class Scope:
    """The fields of one object: the document itself, or each element of a list.

    `prefix` is the canonical path up to here (`violations[].`), `base` the native one. `required`
    maps each container within the scope (steps) to the fields it must have when it is there.
    """

    prefix: str
    base: Path
    nodes: tuple[Node, ...]
    required: Mapping[tuple[str, ...], tuple[Target, ...]]

    def walk(self) -> Iterator[Node]:
        """Every node here and below."""
        for node in self.nodes:
            yield node
            if isinstance(node, Rows):
                yield from node.scope.walk()


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole mapping, ready to be compiled."""

    name: str
    document: str
    root: Scope
    constants: tuple[Constant, ...]
    ignored: tuple[Path, ...]
    unknown: str


def paths_of(node: Node) -> tuple[Path, ...]:
    """The native paths a node reads (the first of alternatives is written), from where its scope starts."""
    if isinstance(node, Column):
        return node.at
    if isinstance(node, Rows):
        return (node.path,)
    return tuple(path for _, path in node.columns)


def written(node: Node) -> tuple[Path, ...]:
    """The native paths a node writes, copies included."""
    if not node.rules.writes:
        return ()
    first = node.at[:1] if isinstance(node, Column) else paths_of(node)
    return (*first, *node.rules.also)


@dataclass(frozen=True, slots=True)
class Shared:
    """Fields of one object that share a native place and may each be the one it holds, told apart by their form.

    Their conditions can hold at once: the value belongs to the first of those whose form it has.
    """

    nodes: tuple[Column, ...]

    @property
    def identifiers(self) -> tuple[type[Identifier], ...]:
        """The form of each field."""
        return tuple(kind for node in self.nodes if (kind := node.targets[0].field.identifier) is not None)


def shared_with(scope: Scope, node: Node) -> Shared | None:
    """Give the fields that share the native place of `node` under overlapping conditions; None when none does."""
    if not _is_told_by_form(node):
        return None
    found = tuple(one for one in scope.nodes if _is_told_by_form(one) and _overlap(one, node))
    return Shared(found) if len(found) > 1 else None


def _is_told_by_form(node: Node) -> TypeGuard[Column]:
    if not isinstance(node, Column) or node.rules.when is None or len(node.targets) > 1 or len(node.at) != 1:
        return False
    return node.targets[0].field.identifier is not None


def _overlap(one: Column, other: Column) -> bool:
    first, second = one.rules.when, other.rules.when
    if one.at != other.at or first is None or second is None or first.path != second.path:
        return False
    both_named = first.present is None and second.present is None
    return not both_named or bool(set(first.values) & set(second.values))


def canonical(node: Node) -> tuple[Target, ...]:
    """The canonical fields a node stands for, without those of a list's own fields."""
    if isinstance(node, Column):
        return node.targets
    if isinstance(node, Parallel):
        return tuple(target for target, _ in node.columns)
    return (node.target,)


def value_of(tree: Any, steps: tuple[str, ...]) -> Any:
    """Find a canonical value by its steps, None when it is not there."""
    for step in steps:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(step)
    return tree


TEXT = "#text"
"""Where an element with attributes keeps its own text."""


@dataclass(slots=True)
class NativeNames:
    """A place in the native tree. `each`: a list, its children those of an element; `open`: ignored with all below."""

    children: dict[str, NativeNames] = field(default_factory=dict)
    each: bool = False
    leaf: bool = False
    open: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is an object (not a list of them) with known members."""
        return bool(self.children) and not self.each

    def at(self, steps: tuple[Step, ...]) -> NativeNames:
        """The place under these steps, made when it is new."""
        found = self
        for step in steps:
            if step is EACH:
                found.each = True
            else:
                found = found.children.setdefault(step, NativeNames())
        return found


def native_names(plan: Plan) -> NativeNames:
    """Gather every native name that a mapping reads, writes, tests or ignores."""
    root = NativeNames()
    _add_scope(root, plan.root)
    for constant in plan.constants:
        _add(root, constant.path)
    for path in plan.ignored:
        root.at(path.steps).open = True
    _settle(root)
    return root


def _add_scope(root: NativeNames, scope: Scope) -> None:
    for node in scope.nodes:
        for path in _known(node):
            _add(root, path.under(scope.base))
        if isinstance(node, Rows):
            _add_scope(root, node.scope)


def _known(node: Node) -> tuple[Path, ...]:
    condition = (node.rules.when.path,) if node.rules.when else ()
    return (*paths_of(node), *written(node), *condition)


def _add(root: NativeNames, path: Path) -> None:
    root.at(path.steps).leaf = True


def _settle(shape: NativeNames) -> None:
    if shape.leaf and shape.holds:
        shape.children[TEXT] = NativeNames(leaf=True)
    for child in list(shape.children.values()):
        _settle(child)

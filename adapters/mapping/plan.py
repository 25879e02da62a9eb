"""A mapping that was found to be sound: every path, converter and canonical field resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.mapping.constants import Constant
from adapters.mapping.converters import Converter
from adapters.mapping.syntax import Rules
from adapters.paths import Path
from schemas.documents import Field


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
    place: Path
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
    place: Path
    line: int


@dataclass(frozen=True, slots=True)
class Parallel:
    """Several strings of equally many values ↔ a canonical list of objects, which must have `required`."""

    target: Target
    columns: tuple[tuple[Target, Path], ...]
    required: tuple[Target, ...]
    on: str
    rules: Rules
    place: Path
    line: int


@dataclass(frozen=True, slots=True)
class Parts:
    """Several native columns ↔ one canonical value."""

    target: Target
    columns: tuple[tuple[str, Path], ...]
    chain: tuple[Converter, ...]
    rules: Rules
    place: Path
    line: int


Node = Column | Rows | Parallel | Parts


@dataclass(frozen=True, slots=True)
class Scope:
    """The fields of one object: the document itself, or each element of a list.

    `prefix` is the canonical path up to here (`violations[].`), `place` the native one. `required`
    maps each container within the scope (steps) to the fields it must have when it is there.
    """

    prefix: str
    place: Path
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

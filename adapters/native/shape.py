"""What a native schema says a body may hold: names, order, what is required."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from adapters.base import Tree
from adapters.paths import EACH, Path, Step


class Shape(Protocol):
    """One place of a body, as its schema describes it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names it may hold, in the schema's order; attributes under `@name`."""
        ...

    @property
    def required(self) -> frozenset[str]:
        """The names it must hold."""
        ...

    @property
    def values(self) -> tuple[Any, ...]:
        """The only values it may hold; empty when it is not restricted to some."""
        ...

    @property
    def open(self) -> bool:
        """Whether names that the schema does not list may stand here too."""
        ...

    def child(self, name: str) -> Shape | None:
        """What stands under a name, lists taken as their items; None when the schema has no such name."""
        ...


def at(shape: Shape, path: Path) -> Shape | None:
    """Follow a native path; None when the schema has no such place."""
    return _follow(shape, path.steps)


def _follow(shape: Shape, steps: tuple[Step, ...]) -> Shape | None:
    for step in steps:
        if step is EACH or step == "#text":
            continue
        below = shape.child(step)
        if below is None:
            return ANYTHING if shape.open else None
        shape = below
    return shape


class Anything:
    """A place that may hold anything."""

    names: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    values: tuple[Any, ...] = ()
    open = True

    def child(self, name: str) -> Shape | None:
        return None


ANYTHING = Anything()


def leaves(tree: Tree, prefix: tuple[Step, ...] = ()) -> Iterator[Path]:
    """Give the path of every leaf of a tree, lists as their items."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from leaves(value, (*prefix, name))
    elif isinstance(tree, list):
        for value in tree:
            yield from leaves(value, (*prefix, EACH))
    elif prefix:
        yield Path(prefix)

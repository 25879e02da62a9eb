"""The native tree as a mapping knows it: which names are expected where."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.mapping.plan import Node, Plan, Rows, Scope, paths_of, written
from adapters.paths import EACH, Path, Step

TEXT = "#text"
"""Where an element with attributes keeps its own text."""


@dataclass(slots=True)
class Shape:
    """A place in the native tree. `each`: a list, its children those of an element; `open`: ignored with all below."""

    children: dict[str, Shape] = field(default_factory=dict)
    each: bool = False
    leaf: bool = False
    open: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is an object (not a list of them) with known members."""
        return bool(self.children) and not self.each

    def at(self, steps: tuple[Step, ...]) -> Shape:
        """The place under these steps, made when it is new."""
        found = self
        for step in steps:
            if step is EACH:
                found.each = True
            else:
                found = found.children.setdefault(step, Shape())
        return found


def shape_of(plan: Plan) -> Shape:
    """Gather every native name that a mapping reads, writes, tests or ignores."""
    root = Shape()
    _add_scope(root, plan.root)
    for constant in plan.constants:
        _add(root, constant.path)
    for path in plan.ignored:
        root.at(path.steps).open = True
    _settle(root)
    return root


def _add_scope(root: Shape, scope: Scope) -> None:
    for node in scope.nodes:
        for path in _known(node):
            _add(root, path.under(scope.place))
        if isinstance(node, Rows):
            _add_scope(root, node.scope)


def _known(node: Node) -> tuple[Path, ...]:
    condition = (node.rules.when.path,) if node.rules.when else ()
    return (*paths_of(node), *written(node), *condition)


def _add(root: Shape, path: Path) -> None:
    root.at(path.steps).leaf = True


def _settle(shape: Shape) -> None:
    if shape.leaf and shape.holds:
        shape.children[TEXT] = Shape(leaf=True)
    for child in list(shape.children.values()):
        _settle(child)

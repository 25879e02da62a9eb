"""Documents embedded as text in a body: read as part of its tree, and written as text again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from adapters.base import Tree
from adapters.formats import json, rejections, xml
from adapters.formats.format import Body, Format, Order, Steps
from adapters.formats.names import Names
from schemas.budget import STANDARD, Budget, BudgetExceeded
from schemas.findings import Rejected
from schemas.measure import count

KINDS = ("json", "xml")

_Change = Callable[[Any], Any]


def unfolded(declared: Format, body: Body, budget: Budget = STANDARD) -> Body:
    """Give a body whose embedded documents are trees; raises `Rejected` for one that cannot be read."""
    tree, names = body.tree, _names(declared)
    left = _Left(budget)
    for steps, kind in declared.embedded:
        tree = _changed(tree, steps, _Reading(kind, steps, names, left))
    return replace(body, tree=tree)


def folded(declared: Format, tree: Tree, order: Order | None = None) -> Tree:
    """Give a tree whose embedded documents are text, the innermost first, children in the schema's order.

    Raises `Rejected` for what cannot be written.
    """
    names = _names(declared)
    for steps, kind in reversed(declared.embedded):
        tree = _changed(tree, steps, _Writing(kind, names, _below(order, steps)))
    return tree


def _below(order: Order | None, steps: Steps) -> Order | None:
    for step in steps:
        order = order.child(step) if order is not None and step is not None else order
    return order


def _names(declared: Format) -> Names:
    """The namespaces of an embedded document: the outer body's default namespace does not apply to it."""
    return Names({prefix: uri for prefix, uri in declared.namespaces.items() if prefix})


def read(kind: str, text: str, names: Names, budget: Budget = STANDARD) -> Tree:
    """Parse an embedded document; XML becomes its root's name over what is inside. Raises `Rejected`."""
    if kind == "json":
        return json.parse(text.encode("utf-8", "surrogatepass"), budget)
    root = xml.parse_text(text, budget)
    return {names.short(root.tag): xml.inside(root, names)}


def write(kind: str, tree: Tree, names: Names, order: Order | None = None) -> str:
    """Write a document to embed; an XML one has exactly one root, which `order` knows. Raises `Rejected`."""
    if kind == "json":
        return json.dump(tree).decode("utf-8")
    if not isinstance(tree, dict) or len(tree) != 1:
        raise rejections.reject(
            "body.embedded",
            "嵌入的 XML 须有且只有一个根元素",
            "an embedded XML document has exactly one root element",
            status=422,
        )
    [(root, inside)] = tree.items()
    return xml.embed(root, inside, names, order.child(root) if order is not None else None)


def _changed(tree: Tree, steps: Steps, change: _Change) -> Tree:
    """Give a tree with what stands at `steps` changed; what is not there is left alone."""
    if not steps:
        return change(tree)
    step, below = steps[0], steps[1:]
    if step is None:
        items = tree if isinstance(tree, list) else [tree]
        made = [_changed(item, below, change) for item in items]
        return made if isinstance(tree, list) else made[0]
    if not isinstance(tree, dict) or tree.get(step) is None:
        return tree
    return {**tree, step: _changed(tree[step], below, change)}


class _Left:
    """What is left of the budget of one body: all that is embedded in it shares the nodes."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._nodes = budget.nodes

    def read(self, kind: str, text: str, names: Names) -> Tree:
        if self._nodes <= 0:
            raise self._budget.exceeded("nodes")
        tree = read(kind, text, names, replace(self._budget, nodes=self._nodes))
        self._nodes -= count(tree)
        return tree


class _Reading:
    """Read text at one place. A blank one holds nothing; what is already a tree is left alone."""

    def __init__(self, kind: str, steps: Steps, names: Names, left: _Left) -> None:
        self._kind = kind
        self._left = left
        self._path = ".".join("[]" if step is None else step for step in steps).replace(".[]", "[]")
        self._names = names

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return self._left.read(self._kind, value, self._names)
        except BudgetExceeded as error:
            raise BudgetExceeded(error.bound, error.limit, self._path, self._path) from None
        except Rejected as error:
            raise rejections.reject(
                "body.embedded",
                f"{self._path} 中的文本：{error.detail.zh}",
                f"the text at {self._path}: {error.detail.en}",
                path=self._path,
            ) from None


class _Writing:
    """Write a tree at one place as text; what is text already is left alone."""

    def __init__(self, kind: str, names: Names, order: Order | None) -> None:
        self._kind = kind
        self._names = names
        self._order = order

    def __call__(self, value: Any) -> Any:
        return write(self._kind, value, self._names, self._order) if isinstance(value, dict | list) else value

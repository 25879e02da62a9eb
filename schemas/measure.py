"""The measure of a tree: depth, fields of an object, items of a list and length of a text, each within its bound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.budget import Budget, BudgetExceeded

_SHOWN = 100


def measure(tree: Any, budget: Budget, *, texts: bool = True) -> None:
    """Walk a tree once, level by level; raises `BudgetExceeded` at the first bound that is broken.

    `texts`: whether a text may be too long; false where the whole is shorter than that.
    """
    level: list[Any] = [tree] if isinstance(tree, dict | list) else []
    longest = budget.text if texts else None
    for _ in range(budget.depth):
        below: list[Any] = []
        for node in level:
            named = node.__class__ is dict
            if len(node) > (budget.names if named else budget.items):
                raise _exceeded(tree, node, "names" if named else "items", budget)
            children = node.values() if named else node
            below += [one for one in children if one.__class__ is dict or one.__class__ is list]
            if longest is not None and any(one.__class__ is str and len(one) > longest for one in children):
                raise _exceeded(tree, node, "text", budget)
        if not below:
            return
        level = below
    raise _exceeded(tree, level[0], "depth", budget)


def count(tree: Any) -> int:
    """Count the values of a tree."""
    total, left = 1, [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict | list):
            total += len(node)
            left.extend(child for child in _children(node) if isinstance(child, dict | list))
    return total


def exceeds(tree: Any, most: int) -> bool:
    """Whether a tree has more than `most` values; the counting stops as soon as it is known."""
    total = 0
    left = [tree]
    for node in left:
        if node.__class__ is dict:
            total += len(node)
            left += [one for one in node.values() if one.__class__ is dict or one.__class__ is list]
        elif node.__class__ is list:
            total += len(node)
            if total > most:
                return True
            left += [one for one in node if one.__class__ is dict or one.__class__ is list]
        if total > most:
            return True
    return False


def _children(node: Any) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


def _exceeded(tree: Any, node: Any, name: str, budget: Budget) -> BudgetExceeded:
    path = _path(tree, node)
    return budget.exceeded(name, path=path if len(path) <= _SHOWN else f"{path[:_SHOWN]}…")


def _path(tree: Any, wanted: Any) -> str:
    """Find the way to a node, only once something is wrong with it."""
    left: list[tuple[Any, str]] = [(tree, "")]
    while left:
        node, path = left.pop()
        if node is wanted:
            return path
        if isinstance(node, dict):
            left.extend((child, f"{path}.{name}"[:_SHOWN] if path else name) for name, child in _inner(node.items()))
        else:
            left.extend((child, f"{path}[{index}]"[:_SHOWN]) for index, child in _inner(enumerate(node)))
    return ""


def _inner(items: Iterable[tuple[Any, Any]]) -> Iterable[tuple[Any, Any]]:
    return (one for one in items if isinstance(one[1], dict | list))

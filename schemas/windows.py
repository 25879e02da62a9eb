"""A large body seen through windows: copies of it in which one long list shows only some of its items.

A validator that is asked what is wrong makes everything that is wrong at once, a kilobyte and more for
each fault and each alternative of a choice; asked of one window at a time it makes little, and can be stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.measure import count

Place = tuple[str, ...]
"""The names that lead from the root to a list."""

FEW = 20
"""As many items as the lists keep that the window does not move through."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some items of one list, in a body whose other lists are cut short. `start` is the index of the first."""

    place: Place
    start: int
    tree: Any
    nodes: int


def windows(tree: Any, nodes: int) -> Iterator[Window]:
    """Move a window of about `nodes` values through every long list that lies in no other list."""
    for place, items in _lists(tree, ()):
        outside = _cut(tree)
        for start, shown in _pieces(items, nodes):
            seen = _with(outside, place, [_cut(item) for item in shown])
            yield Window(place, start, seen, count(seen))


def singles(tree: Any, place: Place) -> Iterator[Any]:
    """Give the body once for each item of the list at a place, with that item alone in it and other lists cut short."""
    items = tree
    for name in place:
        items = items.get(name) if isinstance(items, dict) else None
    if isinstance(items, list):
        outside = _cut(_with(tree, place, []))
        yield from (_with(outside, place, [item]) for item in items)


def shifted(path: tuple[Any, ...], window: Window) -> tuple[Any, ...]:
    """Give a location in a window as one in the whole body."""
    depth = len(window.place)
    if path[:depth] != window.place or len(path) <= depth or not isinstance(step := path[depth], int):
        return path
    return (*path[:depth], step + window.start, *path[depth + 1 :])


def _lists(node: Any, place: Place) -> Iterator[tuple[Place, list[Any]]]:
    if isinstance(node, list):
        yield place, node
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from _lists(child, (*place, name))


def _pieces(items: list[Any], nodes: int) -> Iterator[tuple[int, list[Any]]]:
    start, size = 0, 0
    for index, item in enumerate(items):
        size += count(item)
        if size >= nodes:
            yield start, items[start : index + 1]
            start, size = index + 1, 0
    if start < len(items):
        yield start, items[start:]


def _cut(node: Any) -> Any:
    """Copy a tree with the first items of each list."""
    if isinstance(node, dict):
        return {name: _cut(child) for name, child in node.items()}
    return [_cut(child) for child in node[:FEW]] if isinstance(node, list) else node


def _with(tree: Any, place: Place, items: list[Any]) -> Any:
    if not place:
        return items
    return {**tree, place[0]: _with(tree[place[0]], place[1:], items)}

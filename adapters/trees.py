"""Find values in a parsed body by native path."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from adapters.base import Tree
from adapters.mapping.paths import EACH, Path, Step
from adapters.mapping.paths import parse as _parse

ITEMS = "[]"
"""The path of the items of a body that is itself a list."""


@lru_cache(maxsize=4096)
def path(text: str) -> Path:
    """Parse a native path, or `[]` and what follows it; raises `adapters.mapping.paths.PathError`."""
    if not text.startswith(ITEMS):
        return _parse(text)
    rest = text.removeprefix(ITEMS).removeprefix(".")
    return Path((EACH, *(_parse(rest).steps if rest else ())))


def values(tree: Tree, where: Path) -> list[Any]:
    """Give every value found there. A single thing where a list is expected counts as one item."""
    return list(_walk(tree, where.steps))


def first(tree: Tree, where: Path) -> Any:
    """Give the first value found there, None without one."""
    return next(_walk(tree, where.steps), None)


def _walk(tree: Tree, steps: tuple[Step, ...]) -> Iterator[Any]:
    if not steps:
        if tree is not None:
            yield tree
    elif steps[0] is EACH:
        for item in tree if isinstance(tree, list) else () if tree is None else (tree,):
            yield from _walk(item, steps[1:])
    elif isinstance(tree, dict):
        yield from _walk(tree.get(steps[0]), steps[1:])

"""Where the records of a body stand: the list that holds nearly all its columns, and what is said around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters import paths
from adapters.base import Tree
from adapters.formats.format import as_text
from adapters.paths import EACH, MAX_STEPS, Step, render
from adapters.suggest.columns import Steps, walk, writable

ENOUGH = 0.6
"""The share of a body's columns that its records hold."""

_RECORDS = frozenset({"record", "row", "item", "rec", "entity", "记录", "行", "数据行", "数据项"})
_COUNTS = frozenset({"jls", "recordcount", "record_count", "记录数", "记录条数", "数据条数"})
_MAX_PLACES = 20_000


@dataclass(frozen=True, slots=True)
class Envelope:
    """`split` is the path of the records (empty: the body is one record); `require` what a body must say."""

    split: str = ""
    require: tuple[tuple[str, str], ...] = ()


def envelope(bodies: Sequence[Tree], *, xml: bool) -> Envelope:
    """Find the records of bodies of one kind."""
    if any(isinstance(body, list) for body in bodies):
        return Envelope(paths.ITEMS)
    whole = {_names(steps) for body in bodies for steps, _ in _leaves(body)}
    places = (place for place in _places(bodies, xml) if writable((*place, EACH)))
    for place in sorted(places, key=lambda place: (len(place), place)):
        inside = {steps for steps in whole if steps[: len(place)] == place and len(steps) > len(place)}
        if len(inside) >= ENOUGH * len(whole) and len(inside) > 1:
            split = render((*place, EACH))
            return Envelope(split, tuple(_counts(bodies, split, place)))
    return Envelope()


def records(body: Tree, split: str) -> list[Tree]:
    """The records of a body."""
    return [body] if not split else paths.values(body, paths.in_body(split))


def _places(bodies: Sequence[Tree], xml: bool) -> set[tuple[str, ...]]:
    """The places that hold a list of objects, or one object that is called as records are."""
    found: set[tuple[str, ...]] = set()
    todo: list[tuple[tuple[str, ...], Tree]] = [((), body) for body in bodies]
    for _ in range(_MAX_PLACES):
        if not todo:
            break
        steps, node = todo.pop()
        if not isinstance(node, dict) or len(steps) >= MAX_STEPS - 1:
            continue
        for name, value in node.items():
            below = (*steps, name)
            listed = isinstance(value, list) and any(isinstance(item, dict) for item in value)
            if listed or (xml and isinstance(value, dict) and name.rpartition(":")[2].lower() in _RECORDS):
                found.add(below)
            elif isinstance(value, dict):
                todo.append((below, value))
    return found


def _counts(bodies: Sequence[Tree], split: str, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The columns outside the records that are called a count, and are one in every body."""
    outside = {steps for body in bodies for steps, _ in _leaves(body) if _names(steps)[: len(place)] != place}
    for steps in sorted(outside, key=_names):
        name = _names(steps)[-1]
        if EACH in steps or name.strip("_").lower() not in _COUNTS:
            continue
        path = render(steps)
        where = paths.in_body(path)
        if all(as_text(paths.first(body, where)).strip() == str(len(records(body, split))) for body in bodies):
            yield path, "{count}"


def _leaves(body: Tree) -> Iterator[tuple[Steps, Tree]]:
    for count, leaf in enumerate(walk(body)):
        if count >= _MAX_PLACES:
            return
        yield leaf


def _names(steps: tuple[Step, ...]) -> tuple[str, ...]:
    return tuple(step for step in steps if step is not EACH)

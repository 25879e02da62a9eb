"""No two fields of a mapping may write one native place, nor disagree on what it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from adapters.mapping import syntax
from adapters.mapping.fault_list import FaultList
from adapters.paths import EACH, Path, Step
from adapters.source import Keys
from schemas.findings import Text


def look_for_collisions(found: syntax.Syntax, faults: FaultList) -> None:
    """Two fields may share a native place only where `when` tells which of them it holds."""
    places = [*_places(found.fields, Path(())), *(_Place(one.path.steps, one.keys) for one in found.constants)]
    seen: dict[tuple[Step, ...], _Place] = {}
    for place in places:
        first = seen.setdefault(place.own, place)
        if first.keys != place.keys and not (place.conditional and first.conditional):
            _collide(place, faults.source.line(*first.keys), faults)
    lists = {place.steps[:depth] for place in places for depth in place.lists}
    leaves = {place.steps for place in places if place.steps[-1] is not EACH}
    for place in places:
        if wrong := place.crossing(lists, leaves):
            head = Path(wrong)
            faults.shape(
                place.keys,
                f"与 {head} 的其他写法一致的路径",
                f"a path that agrees with the others on what {head} is",
            )


def _collide(place: _Place, line: int, faults: FaultList) -> None:
    path = Path(place.steps)
    faults.add(
        place.keys,
        "mapping.collision",
        Text(f"原字段 {path} 已由第 {line} 行写出", f"{path} is already written by line {line}"),
        Text("请用 when 区分，或用 only: in 只读入", "tell them apart with `when`, or only read it with `only: in`"),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """A native place that something writes; `conditional`: under a `when`; `scope`: the steps of its list."""

    steps: tuple[Step, ...]
    keys: Keys
    conditional: bool = False
    scope: int = 0

    @property
    def lists(self) -> tuple[int, ...]:
        """Where the names of lists end."""
        return tuple(depth for depth, step in enumerate(self.steps) if step is EACH)

    @property
    def own(self) -> tuple[Step, ...]:
        """What nothing else may write: a list that the field makes itself is its own as a whole."""
        return next((self.steps[: depth + 1] for depth in self.lists if depth >= self.scope), self.steps)

    def crossing(self, lists: Collection[tuple[Step, ...]], leaves: Collection[tuple[Step, ...]]) -> tuple[Step, ...]:
        """The part of the path that others take for a list or a single value; empty when all agree."""
        for depth in range(1, len(self.steps) + 1):
            head, then = self.steps[:depth], self.steps[depth : depth + 1]
            inside = bool(then) and not str(then[0]).startswith("@") and head in leaves
            if (head in lists and then != (EACH,)) or inside:
                return head
        return ()


def _places(nodes: Sequence[syntax.FieldEntry], place: Path) -> list[_Place]:
    found: list[_Place] = []
    scope = len(place.steps)
    for node in nodes:
        if not node.rules.writes:
            continue
        if isinstance(node, syntax.RowsEntry):
            rows = node.path.under(place)
            found += [_Place(rows.steps, node.keys, scope=scope), *_places(node.fields, rows)]
            continue
        first = node.at[:1] if isinstance(node, syntax.ColumnEntry) else tuple(path for _, path in node.columns)
        conditional = node.rules.when is not None
        paths = (*first, *node.rules.also)
        found += [_Place(path.under(place).steps, node.keys, conditional, scope) for path in paths]
    return found

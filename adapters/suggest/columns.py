"""What samples show of each native column: where it stands, what it holds, how often. Bounded whatever the sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from adapters.base import Tree
from adapters.formats.format import as_text
from adapters.paths import EACH, MAX_LENGTH, MAX_STEPS, Path, PathError, Step, parse, render

MAX_COLUMNS = 400
MAX_RECORDS = 1000
MAX_VALUES = 64
MAX_TEXT = 2000
MAX_PLACES = 200_000

NOTHING = frozenset(
    {"/", "／", "\\", "-", "--", "—", "——", "无", "暂无", "空", "NULL", "null", "Null", "\\N", "N/A", "n/a", "NA"}
) | frozenset({"1900-01-01", "1900/01/01", "19000101", "1900-01-01 00:00:00"})
"""What platforms write for "none": a slash, 无, NULL of a dump, the first day of 1900."""

Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class SampleColumn:
    """A native column of a record.

    `values` are its distinct texts, at most 64, each at most 2,000 characters, blanks and words for
    none left out; `none` are those words. `seen` counts where it stood, `filled` where it held something.
    """

    steps: Steps
    values: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    seen: int = 0
    filled: int = 0
    numeric: bool = False

    @property
    def path(self) -> str:
        """The path as a mapping writes it."""
        return render(self.steps)

    @property
    def name(self) -> str:
        """Its own name, without what it lies in."""
        return next((step for step in reversed(self.steps) if step is not EACH), "")

    @property
    def within(self) -> tuple[str, ...]:
        """The names of what it lies in, from the outside in."""
        names = [step for step in self.steps if step is not EACH]
        return tuple(names[:-1])

    @property
    def items(self) -> Steps | None:
        """The steps of the list of objects it lies in, None outside of lists."""
        ends = [index for index, step in enumerate(self.steps[:-1]) if step is EACH]
        return self.steps[: ends[-1] + 1] if ends else None

    @property
    def lists(self) -> int:
        """How many lists it lies in or is."""
        return self.steps.count(EACH)


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of one kind of record. `left_out` says which could not be taken, and why."""

    columns: tuple[SampleColumn, ...]
    records: int
    left_out: tuple[str, ...] = ()


@dataclass(slots=True)
class _Seen:
    values: dict[str, None] = field(default_factory=dict)
    none: dict[str, None] = field(default_factory=dict)
    seen: int = 0
    filled: int = 0
    numeric: bool = True

    def take(self, value: Any) -> None:
        self.seen += 1
        text = as_text(value).strip()[:MAX_TEXT]
        if not text:
            return
        if text in NOTHING:
            self.none[text] = None
            return
        self.filled += 1
        self.numeric = self.numeric and isinstance(value, int | Decimal) and not isinstance(value, bool)
        if len(self.values) < MAX_VALUES:
            self.values[text] = None


def observe(records: Sequence[Tree]) -> Table:
    """Look at records of one kind: at most 1,000 of them, 400 columns, 16 steps deep."""
    taken = records[:MAX_RECORDS]
    lists = _list_places(taken)
    found: dict[Steps, _Seen] = {}
    left_out: dict[str, None] = {}
    for steps, value in _bounded(taken, lists):
        if not writable(steps):
            left_out[_label(steps)] = None
        elif steps in found or len(found) < MAX_COLUMNS:
            found.setdefault(steps, _Seen()).take(value)
        else:
            left_out[_label(steps)] = None
        if len(left_out) > MAX_COLUMNS:
            break
    for steps in _doubled(found):
        if found.pop(steps).filled:
            left_out[_label(steps)] = None
    columns = tuple(_column(steps, seen) for steps, seen in found.items())
    return Table(columns, len(taken), tuple(left_out))


def _doubled(found: Iterable[Steps]) -> list[Steps]:
    """Places that hold a plain value here and more than that elsewhere."""
    inner = {_plain(steps)[:length] for steps in found for length in range(1, len(_plain(steps)))}
    listed = {_plain(steps) for steps in found if steps[-1] is EACH}
    return [steps for steps in found if _plain(steps) in inner or (steps[-1] is not EACH and _plain(steps) in listed)]


def _column(steps: Steps, seen: _Seen) -> SampleColumn:
    numeric = seen.numeric and seen.filled > 0
    return SampleColumn(steps, tuple(seen.values), tuple(seen.none), seen.seen, seen.filled, numeric)


def _bounded(records: Iterable[Tree], lists: frozenset[tuple[str, ...]]) -> Iterator[tuple[Steps, Any]]:
    left = MAX_PLACES
    for record in records:
        for place in walk(record, lists):
            left -= 1
            if left < 0:
                return
            yield place


def walk(
    tree: Tree, lists: frozenset[tuple[str, ...]] = frozenset(), steps: Steps = (), *, depth: int = MAX_STEPS
) -> Iterator[tuple[Steps, Any]]:
    """Give every leaf with its steps; what is a list anywhere (`lists`) counts as one where it stands alone."""
    if depth <= 0:
        return
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from _named(value, lists, (*steps, name), depth)
    elif isinstance(tree, list):
        for value in tree:
            yield from walk(value, lists, (*steps, EACH) if steps[-1:] != (EACH,) else steps, depth=depth - 1)
    elif steps:
        yield steps, tree


def _named(value: Any, lists: frozenset[tuple[str, ...]], steps: Steps, depth: int) -> Iterator[tuple[Steps, Any]]:
    alone = not isinstance(value, list) and value not in (None, "") and _plain(steps) in lists
    yield from walk([value] if alone else value, lists, steps, depth=depth - 1)


def _list_places(records: Iterable[Tree]) -> frozenset[tuple[str, ...]]:
    """The places that hold a list in any record: in XML one item looks like no list."""
    found: set[tuple[str, ...]] = set()
    left = MAX_PLACES
    todo: list[tuple[tuple[str, ...], Any]] = [((), record) for record in records]
    while todo and left > 0:
        left -= 1
        steps, node = todo.pop()
        if isinstance(node, list):
            if steps:
                found.add(steps)
            todo.extend((steps, item) for item in node if isinstance(item, dict | list))
        elif isinstance(node, dict) and len(steps) < MAX_STEPS:
            todo.extend(((*steps, name), item) for name, item in node.items() if isinstance(item, dict | list))
    return frozenset(found)


def _plain(steps: Steps) -> tuple[str, ...]:
    return tuple(step for step in steps if step is not EACH)


def writable(steps: Steps) -> bool:
    """Whether a mapping can name this place."""
    text = render(steps)
    if len(text) > MAX_LENGTH or len(steps) > MAX_STEPS or not text.isprintable():
        return False
    try:
        return parse(text).steps == Path(steps).steps
    except PathError:
        return False


def _label(steps: Steps) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in render(steps)[:80])

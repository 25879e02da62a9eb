"""Native paths: how a bundle names a value in a parsed body, and finding the values there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from adapters.base import Tree
from schemas.findings import Text

MAX_LENGTH = 200
MAX_STEPS = 16

EACH: Final = None
"""The step that stands for every element of a list."""

ITEMS = "[]"
"""The path of the items of a body that is itself a list."""

Step = str | None

_RESERVED = frozenset(".[]'\"{}")


class PathError(ValueError):
    """A path that cannot be read; `message` says what and where, `remedy` what to write instead."""

    def __init__(self, message: Text, remedy: Text) -> None:
        super().__init__(message.en)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Path:
    """A place in a native tree: names from the outside in, `EACH` after the name of a list."""

    steps: tuple[Step, ...]

    @property
    def lists(self) -> int:
        """How many lists the path walks through."""
        return self.steps.count(EACH)

    @property
    def ends_in_list(self) -> bool:
        """Whether the path names the elements of a list."""
        return self.steps[-1] is EACH

    def under(self, prefix: Path) -> Path:
        """The same place, seen from where `prefix` starts."""
        return Path(prefix.steps + self.steps)

    def __str__(self) -> str:
        return render(self.steps)


def render(steps: tuple[Step, ...]) -> str:
    """Write steps in the grammar that `parse` reads."""
    text = ""
    for step in steps:
        if step is EACH:
            text += "[]"
        elif _is_plain(step):
            text += f".{step}" if text else step
        else:
            text += f"[{_quoted(step)}]"
    return text


def parse(text: str) -> Path:
    """Read `a.b`, `a[]`, `a[].b`, `@x`, `ns:x`, `a['x.y']` (or `a["x.y"]`), Chinese names as they are.

    At most 200 characters and 16 steps. Raises `PathError`.
    """
    if len(text) > MAX_LENGTH:
        raise _wrong(f"路径超过 {MAX_LENGTH} 个字符", f"the path is longer than {MAX_LENGTH} characters")
    steps = _Reader(text).steps()
    if len(steps) > MAX_STEPS:
        raise _wrong(f"路径超过 {MAX_STEPS} 级", f"the path has more than {MAX_STEPS} steps")
    return Path(steps)


@lru_cache(maxsize=4096)
def in_body(text: str) -> Path:
    """Parse a path that starts at a whole body: `[]` may come first, when the body is a list; raises `PathError`."""
    if not text.startswith(ITEMS):
        return parse(text)
    rest = text.removeprefix(ITEMS).removeprefix(".")
    return Path((EACH, *(parse(rest).steps if rest else ())))


def values(tree: Tree, where: Path) -> list[Any]:
    """Give every value found there. A single thing where a list is expected counts as one item."""
    if EACH in where.steps:
        return list(_walk(tree, where.steps))
    value = _single(tree, where.steps)
    return [] if value is None else [value]


def first(tree: Tree, where: Path) -> Any:
    """Give the first value found there, None without one."""
    return next(_walk(tree, where.steps), None) if EACH in where.steps else _single(tree, where.steps)


def _single(tree: Tree, steps: tuple[Step, ...]) -> Any:
    """Give the value at a path that goes through no list; most do not."""
    for step in steps:
        if not isinstance(tree, dict):
            return None
        tree = tree.get(step)
    return tree


def _walk(tree: Tree, steps: tuple[Step, ...]) -> Iterator[Any]:
    if not steps:
        if tree is not None:
            yield tree
    elif steps[0] is EACH:
        for item in tree if isinstance(tree, list) else () if tree is None else (tree,):
            yield from _walk(item, steps[1:])
    elif isinstance(tree, dict):
        yield from _walk(tree.get(steps[0]), steps[1:])


def _quoted(name: str) -> str:
    quote = '"' if "'" in name else "'"
    return f"{quote}{name}{quote}"


def _is_plain(name: str) -> bool:
    return bool(name) and name == name.strip() and not _RESERVED.intersection(name) and name.isprintable()


class _Reader:
    """Walk a path's text once, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def steps(self) -> tuple[Step, ...]:
        found: list[Step] = [self._first()]
        while self.at < len(self.text):
            found.append(self._next(found[-1]))
        return tuple(found)

    def _first(self) -> str:
        return self._quoted() if self._at_quote() else self._name()

    def _next(self, before: Step) -> Step:
        if self._at_quote():
            return self._quoted()
        if self.text.startswith("[]", self.at) and before is not EACH:
            self.at += 2
            return EACH
        if self.text[self.at] != ".":
            raise self._unexpected()
        self.at += 1
        return self._name()

    def _name(self) -> str:
        end = self.at
        while end < len(self.text) and self.text[end] not in _RESERVED:
            end += 1
        name = self.text[self.at : end]
        if not _is_plain(name):
            raise self._unexpected()
        self.at = end
        return name

    def _at_quote(self) -> bool:
        return self.text.startswith(("['", '["'), self.at)

    def _quoted(self) -> str:
        start = self.at + 2
        end = self.text.find(self.text[start - 1], start)
        if end <= start or not self.text.startswith("]", end + 1):
            raise self._unexpected()
        self.at = end + 2
        return self.text[start:end]

    def _unexpected(self) -> PathError:
        place = self.at + 1
        return _wrong(
            f"路径 {self.text!r} 第 {place} 个字符处无法识别", f"cannot read path {self.text!r} at character {place}"
        )


def _wrong(zh: str, en: str) -> PathError:
    return PathError(
        Text(zh, en),
        Text(
            "写法如 a.b、列表 a[]、属性 @x、含特殊字符的名称 a['x.y']",
            "write a.b, a[] for a list, @x for an attribute, a['x.y'] for a name with special characters",
        ),
    )

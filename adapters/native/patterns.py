"""Patterns that go back: how many ways there are to match one text, and which look around without a bound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import prod

ATOM = re.compile(r"\\[pP]\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]|[()|]|[*+?]|\{\d+(?:,\d*)?\}|.", re.S)
_COUNT = re.compile(r"\{(\d+)(,?)(\d*)\}")

UNBOUNDED = 1000
MOST_WAYS = 10_000
"""As many ways as two runs side by side may share out one text between them: 100 by 100, or one without bound by 10."""

_BEYOND = 10 * MOST_WAYS

_SAMPLE = "".join(map(chr, range(32, 127))) + "\t\nàé０９Ａｚ一二环罚号〔〕（），。、：；“”年月日·°′″ΑЖ "
"""Characters that stand for all: what two atoms have in common is found by trying them."""


def ways(pattern: str) -> int:
    """Count in how many ways neighbouring parts may share out one text; 1 for a pattern that never goes back.

    A part is an atom or a group that may repeat, be missing, or be one of several alternatives that begin
    alike. Two parts compete unless between them stands something that must be there and that the first
    cannot take: `[0-9]+,[0-9]+` is read one way, `a*a*` in as many ways as there are letters, and
    `(a|aa)(a|aa)` in four.
    """
    reading = _Reading()
    atoms = ATOM.findall(pattern)
    for atom, following in pairwise([*atoms, ""]):
        if atom == "(":
            reading.begin()
        elif atom == "|":
            reading.otherwise()
        elif atom == ")":
            reading.end(*_repeats(following))
        elif atom not in ("*", "+", "?") and not (atom.startswith("{") and len(atom) > 1):
            reading.take(characters(atom), *_repeats(following))
    return reading.worst


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The characters that a part takes, and in how many ways; two alike are two all the same."""

    taken: frozenset[str]
    ways: int


class _Group:
    """A group as far as it was read: what was open before it, and what each of its alternatives takes."""

    def __init__(self, before: list[_Part]) -> None:
        self.before = before
        self.left_open: list[_Part] = []
        self.firsts: list[frozenset[str]] = [frozenset()]
        self.begun = False
        self.taken: frozenset[str] = frozenset()

    def took(self, first: frozenset[str], taken: frozenset[str], *, surely: bool) -> None:
        self.taken |= taken
        if not self.begun:
            self.firsts[-1] |= first
            self.begun = surely

    def alike(self) -> int:
        """Count the alternatives that begin as another does."""
        others = [self.firsts[:at] + self.firsts[at + 1 :] for at in range(len(self.firsts))]
        return sum(any(first & one for one in rest) for first, rest in zip(self.firsts, others, strict=True)) or 1


class _Reading:
    """One walk over a pattern; `worst` is the most ways that any place may be read in."""

    def __init__(self) -> None:
        self.worst = 1
        self._open: list[_Part] = []
        self._groups = [_Group([])]

    def begin(self) -> None:
        self._groups.append(_Group(self._open))

    def otherwise(self) -> None:
        group = self._groups[-1]
        group.left_open += self._open
        group.firsts.append(frozenset())
        group.begun = False
        self._open = group.before

    def end(self, least: int, most: int) -> None:
        if len(self._groups) == 1:
            return  # a bracket too many: the compiler of the schema tells
        group = self._groups.pop()
        # What was open before the group is open behind it where the group may be missing.
        self._open = list(dict.fromkeys([*group.left_open, *self._open, *(group.before if not least else ())]))
        first = frozenset[str]().union(*group.firsts)
        alike = group.alike()
        self._choose(alike * (most - least + 1), group.taken, group.taken if alike > 1 else first, group.before)
        self._groups[-1].took(first, group.taken, surely=bool(least))

    def take(self, taken: frozenset[str], least: int, most: int) -> None:
        before = self._open
        if least:
            self._open = [one for one in before if one.taken & taken]
        self._choose(most - least + 1, taken, taken, before)
        self._groups[-1].took(taken, taken, surely=bool(least))

    def _choose(self, count: int, taken: frozenset[str], begins: frozenset[str], before: list[_Part]) -> None:
        if count == 1:
            return
        competing = [one.ways for one in before if one.taken & begins]
        if competing:
            self.worst = max(self.worst, min(prod(competing) * count, _BEYOND))
        self._open = [*self._open, _Part(taken, count)]


def _repeats(quantifier: str) -> tuple[int, int]:
    """Give how often an atom may stand, from its quantifier."""
    if quantifier in ("*", "+", "?"):
        return int(quantifier == "+"), 1 if quantifier == "?" else UNBOUNDED
    counted = _COUNT.fullmatch(quantifier)
    if counted is None:
        return 1, 1
    least = min(int(counted[1][:9]), UNBOUNDED)
    if not counted[2]:
        return least, least
    return least, min(int(counted[3][:9]), UNBOUNDED) if counted[3] else UNBOUNDED + least


@lru_cache(maxsize=1024)
def characters(atom: str) -> frozenset[str]:
    """Give the sample characters that an atom takes; all of them when it cannot be told."""
    try:
        compiled = re.compile(atom, re.S)
    except re.error:
        return frozenset(_SAMPLE)
    # An atom of a character that is not among the samples is its own sample.
    return frozenset(one for one in _SAMPLE + atom if compiled.fullmatch(one))


_ESCAPED = re.compile(r"\\\\|\[(?:\\.|[^\]\\])*\]", re.S)
_LOOKING = re.compile(r"\(\?(?:[=!>(]|<[=!])|\\[1-9kKG]|[*+?}]\+")
_LOOKS_FIRST = re.compile(r"\^(?:\(\?[=!](?:\\.|[^()\\])*\))*")
_WITHOUT_END = re.compile(r"(?<!\\)[*+]|\{\d+,\}")


def looks_far(pattern: str) -> bool:
    """Tell whether a JSON Schema's pattern looks around or back, and how far depends on the text.

    Then matching may take the square of the text's length. One look at the beginning (`^(?!\\s*$)`) reads
    the text once, and so does a pattern that begins with `^` and repeats nothing without end.
    """
    plain = _ESCAPED.sub("_", pattern)
    if not _LOOKING.search(plain):
        return False
    first = _LOOKS_FIRST.match(plain)
    if first is None or _branches(plain):
        return True
    rest = plain[first.end() :]
    return bool(_LOOKING.search(rest) and _WITHOUT_END.search(rest))


def _branches(plain: str) -> bool:
    """Whether a pattern has alternatives outside of all groups: only the first of them begins with `^`."""
    depth = 0
    for atom in ATOM.findall(plain):
        depth += (atom == "(") - (atom == ")")
        if atom == "|" and depth == 0:
            return True
    return False

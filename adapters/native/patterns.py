"""Patterns that backtrack: refused when the ways to match one text multiply with its length."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

ATOM = re.compile(r"\\[pP]\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]|[()|]|[*+?]|\{\d+(?:,\d*)?\}|.", re.S)
_COUNT = re.compile(r"\{(\d+)(,?)(\d*)\}")

UNBOUNDED = 1000
MOST_WAYS = 10_000
"""As many ways as two runs side by side may share out one text between them: 100 by 100, or one without bound by 10."""

_SAMPLE = "".join(map(chr, range(32, 127))) + "\t\nàé０９Ａｚ一二环罚号〔〕（），。、：；“”年月日·°′″ΑЖ "
"""Characters that stand for all: what two atoms have in common is found by trying them."""


def ways(pattern: str) -> int:
    """Count in how many ways neighbouring runs may share out one text; 1 for a pattern that never goes back.

    A run is an atom that may repeat. Two runs compete unless between them stands something that must be
    there and that the first cannot take: `[0-9]+,[0-9]+` is read one way, `a*a*` in as many ways as there
    are letters.
    """
    worst = 1
    open_: list[tuple[frozenset[str], int]] = []
    atoms = ATOM.findall(pattern)
    for atom, following in pairwise([*atoms, ""]):
        if atom == "|":
            open_ = []
        if atom in ("(", ")", "|", "*", "+", "?") or (atom.startswith("{") and len(atom) > 1):
            continue
        least, most = _repeats(following)
        taken = characters(atom)
        competing = [count for others, count in open_ if others & taken]
        if most > least:
            total = most - least + 1
            for count in competing:
                total *= count
            worst = max(worst, total if competing else 1)
        if least:
            open_ = [one for one in open_ if one[0] & taken]
        if most > least + 1:
            open_.append((taken, most - least + 1))
    return worst


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

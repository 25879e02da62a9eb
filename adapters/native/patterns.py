"""Regular expressions of XML Schemas: its engine backtracks, so those that could run away are refused."""

from __future__ import annotations

import re
from typing import Any

from adapters.native.findings import broken
from schemas.findings import Text

MAX_PATTERN = 500

_ATOM = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|[()|]|[*+?]|\{\d+(?:,\d*)?\}|.", re.S)
_COUNT = re.compile(r"\{(\d+)(,?)(\d*)\}")
_MOST = 1000
_SEPARATORS = frozenset(",;:、，；-/_ ")
_WIDE = (".", "\\S", "\\D", "\\W", "\\I", "\\C", "\\P", "[^")


def refuse_runaways(root: Any, file: str) -> None:
    """Refuse an XML Schema with a pattern that repeats what already repeats; raises `BrokenBundle`."""
    for node in root.iter("{http://www.w3.org/2001/XMLSchema}pattern"):
        pattern = node.get("value") or ""
        if len(pattern) > MAX_PATTERN or runs_away(pattern):
            text = Text(
                f"正则 {pattern[:60]} 在不匹配时可能耗时无限；请不要在重复的括号里再重复或分支",
                f"the pattern {pattern[:60]} may take for ever on what does not match; repeat no group that repeats "
                "or branches itself",
            )
            raise broken(file, text, node.sourceline or 0)


def runs_away(pattern: str) -> bool:
    """Whether a group that repeats or branches is itself repeated, or a count is beyond 1000.

    A list with separators, as `[0-9]+(,[0-9]+)*`, is none: each turn begins with a character that
    stands nowhere else in it.
    """
    atoms = _ATOM.findall(pattern)
    opened: list[int] = []
    for at, atom in enumerate(atoms):
        following = atoms[at + 1] if at + 1 < len(atoms) else ""
        if atom == "(":
            opened.append(at)
        elif atom == ")" and opened:
            inside = atoms[opened.pop() + 1 : at]
            if _repeats(following) and _ambiguous(inside):
                return True
        elif atom.startswith("{") and len(atom) > 1 and _beyond(atom):
            return True
    return False


def _repeats(atom: str) -> bool:
    counted = _COUNT.fullmatch(atom)
    if counted:
        return (bool(counted[2]) and counted[3] != "1") or int(counted[1]) > 1
    return atom in ("*", "+")


def _ambiguous(inside: list[str]) -> bool:
    varies = any(atom in ("*", "+", "?", "|") or (_COUNT.fullmatch(atom) and "," in atom) for atom in inside)
    if not varies:
        return False
    first, rest = inside[0], inside[1:]
    quantified = bool(rest) and (rest[0] in ("*", "+", "?") or _COUNT.fullmatch(rest[0]) is not None)
    apart = first in _SEPARATORS and not quantified and "|" not in rest
    return not apart or any(first in atom or atom.startswith(_WIDE) for atom in rest)


def _beyond(atom: str) -> bool:
    return any(int(number) > _MOST for number in re.findall(r"\d{1,9}", atom))

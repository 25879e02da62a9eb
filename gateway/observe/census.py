"""Census: which native fields records hold, and of which type, so that a missing or changed one is noticed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from adapters.paths import render

MOST_PATHS = 500
MOST_DEPTH = 16

FAMILIAR = 10
"""Records a field was in before its absence can mean anything."""

PATIENCE = 20
"""Records it must be absent from, at least; a field that was always rare, ten times its usual gap."""


@dataclass(slots=True)
class FieldCensus:
    """One native field: its type, how many records held it, and how many since the last that did."""

    type: str
    count: int = 0
    since: int = 0


@dataclass(frozen=True, slots=True)
class TypeChange:
    """A field whose values are of another type now."""

    path: str
    was: str
    now: str


class Census:
    """Counts the fields of one operation's records."""

    def __init__(self) -> None:
        self._seen: dict[str, FieldCensus] = {}
        self.records = 0

    def take(self, tree: Any) -> list[TypeChange]:
        """Count a record; gives the fields that are of another type than when they were seen first."""
        self.records += 1
        present = dict(leaves(tree))
        changes = [
            TypeChange(path, self._seen[path].type, now)
            for path, now in present.items()
            if path in self._seen and self._seen[path].type != now
        ]
        for path, seen in self._seen.items():
            seen.since = 0 if path in present else seen.since + 1
        for path, now in present.items():
            if path in self._seen or len(self._seen) < MOST_PATHS:
                self._seen.setdefault(path, FieldCensus(now)).count += 1
        return changes

    def vanished(self, mapped: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Give path and type of mapped fields that used to be there and are not any more."""
        for path in mapped:
            seen = self._seen.get(path)
            if seen is not None and seen.count >= FAMILIAR and seen.since >= self._patience(seen):
                yield path, seen.type

    def _patience(self, seen: FieldCensus) -> int:
        return max(PATIENCE, 10 * (self.records - seen.since) // seen.count)


def leaves(tree: Any) -> Iterator[tuple[str, str]]:
    """Give path and type of every value that is not empty; lists are looked through, and not written in the path."""
    yield from _walk(tree, "", 0)


def _walk(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > MOST_DEPTH or value is None or value == "":
        return
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _walk(child, _below(path, str(name)), depth + 1)
    elif isinstance(value, list):
        for child in value:
            yield from _walk(child, path, depth + 1)
    elif path:
        yield path, type_of(value)


@lru_cache(maxsize=4096)
def _below(path: str, name: str) -> str:
    written = render((name[:200],))
    return f"{path}.{written}" if path and not written.startswith("[") else f"{path}{written}"


def type_of(value: Any) -> str:
    """Name the type of a native value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float | Decimal):
        return "number"
    return "text" if isinstance(value, str) else "object"


def plain(path: str) -> str:
    """Write a native path without its lists, as the census does."""
    return path.replace("[]", "")

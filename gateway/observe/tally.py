"""What a shadow found so far, bounded: how many were equal, which fields differ how often, with masked examples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

MOST_FIELDS = 200
MOST_EXAMPLES = 3

OTHERS = "…"
"""Stands for the fields beyond the bound."""


@dataclass(frozen=True, slots=True)
class ExamplePair:
    """One difference, masked: what the active version made, and what the shadow made."""

    active: str
    shadow: str


@dataclass(frozen=True, slots=True)
class Found:
    """A difference found in one document: the field, and how it looks."""

    field: str
    example: ExamplePair


@dataclass(frozen=True, slots=True)
class FieldCount:
    """A field that differs: in what (an operation or a message type), how often, and whether that was declared."""

    name: str
    field: str
    count: int
    expected: bool
    examples: tuple[ExamplePair, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was compared. `speed` is the shadow's time over the active version's; None before anything was timed."""

    compared: int
    equal: int
    errors: int
    speed: float | None
    fields: tuple[FieldCount, ...]

    @property
    def unexplained(self) -> tuple[FieldCount, ...]:
        """The fields that differ though nobody declared it."""
        return tuple(one for one in self.fields if not one.expected)


@dataclass
class _Field:
    count: int = 0
    examples: list[ExamplePair] = field(default_factory=list)


class Tally:
    """Counts comparisons, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._compared = 0
        self._equal = 0
        self._errors = 0
        self._active_seconds = 0.0
        self._shadow_seconds = 0.0
        self._fields: dict[tuple[str, str], _Field] = {}

    def timed(self, active: float, shadow: float) -> None:
        """Add how long each version took, in seconds."""
        with self._lock:
            self._active_seconds += active
            self._shadow_seconds += shadow

    def add(self, name: str, found: Iterable[Found], *, failed: bool = False) -> None:
        """Add one comparison; `failed`: the shadow could not do what the active version did."""
        with self._lock:
            self._compared += 1
            self._errors += failed
            differing = {one.field: one.example for one in found}
            self._equal += not differing
            for path, example in differing.items():
                self._count(name, path, example)

    def _count(self, name: str, path: str, example: ExamplePair) -> None:
        key = (name, path)
        if key not in self._fields and len(self._fields) >= MOST_FIELDS:
            key = (OTHERS, OTHERS)
        one = self._fields.setdefault(key, _Field())
        one.count += 1
        if len(one.examples) < MOST_EXAMPLES and example not in one.examples:
            one.examples.append(example)

    def counts(self, expected: tuple[str, ...]) -> Counts:
        """Sum up, the most frequent difference first."""
        with self._lock:
            found = [
                FieldCount(name, path, one.count, is_expected(path, expected), tuple(one.examples))
                for (name, path), one in self._fields.items()
            ]
            speed = self._shadow_seconds / self._active_seconds if self._active_seconds else None
            ranked = tuple(sorted(found, key=lambda one: -one.count))
            return Counts(self._compared, self._equal, self._errors, speed, ranked)


def is_expected(path: str, expected: tuple[str, ...]) -> bool:
    """Tell whether a field, or what it lies in, was declared to differ."""
    return any(path == one or path.startswith((f"{one}.", f"{one}[]")) for one in expected)

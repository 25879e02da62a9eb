"""The words of a mapping file, as frozen nodes that remember where they were written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from adapters.paths import Path
from adapters.source import Keys

NOTHING: Final = object()
"""No default was written; None is a value of its own."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converter as written: its name, its argument (None without one) and its place."""

    name: str
    argument: Any
    keys: Keys


@dataclass(frozen=True, slots=True)
class Condition:
    """`when`: the native field at `path` has one of `values` (as text), or is there or not (`present`).

    `written` is what is written there when nothing else says it: the first value.
    """

    path: Path
    values: tuple[str, ...] = ()
    written: Any = None
    present: bool | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be said about any field. `none`: native values that mean nothing; `only`: in, out or empty."""

    none: tuple[Any, ...] = ()
    default: Any = NOTHING
    also: tuple[Path, ...] = ()
    only: str = ""
    when: Condition | None = None
    lossy: str = ""

    @property
    def reads(self) -> bool:
        """Whether the field takes part on the way in."""
        return self.only != "out"

    @property
    def writes(self) -> bool:
        """Whether the field takes part on the way out."""
        return self.only != "in"

    @property
    def lawful(self) -> bool:
        """Whether what is written must read back the same."""
        return not self.only and not self.lossy


@dataclass(frozen=True, slots=True)
class Column:
    """One native value ↔ one canonical field (several for a range)."""

    names: tuple[str, ...]
    at: tuple[Path, ...]
    conversions: tuple[Conversion, ...]
    rules: Rules
    keys: Keys


@dataclass(frozen=True, slots=True)
class Rows:
    """A native list ↔ a canonical list of objects."""

    name: str
    path: Path
    fields: tuple[Node, ...]
    rules: Rules
    keys: Keys


@dataclass(frozen=True, slots=True)
class Parallel:
    """Several strings of equally many values ↔ a canonical list of objects."""

    name: str
    columns: tuple[tuple[str, Path], ...]
    on: str
    rules: Rules
    keys: Keys


@dataclass(frozen=True, slots=True)
class Parts:
    """Several native columns ↔ one canonical value."""

    name: str
    columns: tuple[tuple[str, Path], ...]
    conversions: tuple[Conversion, ...]
    rules: Rules
    keys: Keys


Node = Column | Rows | Parallel | Parts


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written whatever the document says; texts may hold placeholders."""

    path: Path
    value: Any
    keys: Keys


@dataclass(frozen=True, slots=True)
class Syntax:
    """A whole mapping file."""

    document: str
    fields: tuple[Node, ...]
    constants: tuple[Constant, ...]
    ignored: tuple[Path, ...]
    unknown: str

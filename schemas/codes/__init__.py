"""Canonical code tables: a CSV a table (code, title, valid_from, valid_to; regions: successors), read once."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable


@dataclass(frozen=True, slots=True)
class Code:
    """One row: the code, its Chinese title, and the days it was first and last in force (None: open).

    `successors` are the codes that took the place of one that is no longer in force, where that is known.
    """

    code: str
    title: str
    valid_from: date | None = None
    valid_to: date | None = None
    successors: tuple[str, ...] = ()

    def valid_on(self, day: date) -> bool:
        """Tell whether the code was in force on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class CanonicalTable:
    """A canonical vocabulary, in the order of its file."""

    name: str
    rows: Mapping[str, Code]

    def __contains__(self, code: object) -> bool:
        return code in self.rows

    def __iter__(self) -> Iterator[Code]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code, in the order of the file."""
        return tuple(self.rows)

    def title(self, code: str) -> str:
        """Return the Chinese title of `code`; raises KeyError for a code the table does not have."""
        return self.rows[code].title

    def by_title(self, title: str) -> str | None:
        """Return the code with exactly this title, None when no row has it."""
        return next((row.code for row in self.rows.values() if row.title == title), None)


def _folder() -> Traversable:
    return resources.files(__name__)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@cache
def table(name: str) -> CanonicalTable:
    """Return the canonical table `name` (`penalty-kind`, `region` …); raises KeyError for an unknown one."""
    file = _folder() / f"{name}.csv"
    if name not in names():
        raise KeyError(f"no canonical code table {name!r}; there are: {', '.join(names())}")
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = map(_read, csv.DictReader(lines))
    return CanonicalTable(name, {row.code: row for row in rows})


def _read(row: Mapping[str, str]) -> Code:
    successors = tuple(row.get("successors", "").split())
    return Code(row["code"], row["title"], _day(row["valid_from"]), _day(row["valid_to"]), successors)


@cache
def names() -> tuple[str, ...]:
    """Return the names of all canonical tables, sorted."""
    return tuple(sorted(file.name[:-4] for file in _folder().iterdir() if file.name.endswith(".csv")))

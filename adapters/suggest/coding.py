"""Draft a code table: the native values seen beside the canonical codes they most likely mean."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from adapters.suggest import shapes
from adapters.suggest.columns import Column
from schemas import codes
from schemas.documents import Field

MAX_CODES = 60
GUESSED = "（按公开码表推定，请核对）"


@dataclass(frozen=True, slots=True)
class DraftTable:
    """A code table to be: `rows` of (native, canonical, title); `unknown` are native values a human must place."""

    name: str
    rows: tuple[tuple[str, str, str], ...]
    unknown: tuple[str, ...]

    def csv(self) -> bytes:
        """The file: native, canonical, title, and preferred where several natives mean one code."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        counts = Counter(canonical for _, canonical, _ in self.rows)
        several = any(count > 1 for count in counts.values())
        writer.writerow(["native", "canonical", "title", *(["preferred"] if several else [])])
        first: set[str] = set()
        for native, canonical, title in self.rows:
            preferred = "1" if counts[canonical] > 1 and canonical not in first else ""
            first.add(canonical)
            writer.writerow([native, canonical, title, *([preferred] if several else [])])
        return text.getvalue().encode("utf-8")


def draft_table(field: Field, column: Column) -> DraftTable | None:
    """Draft the table of a coded field; None when the column holds the canonical codes themselves."""
    name = field.codes or ""
    table = codes.table(name)
    values = shapes.pieces(column.values, ",，、;") if field.repeated else column.values
    if values and all(value in table for value in values):
        return None
    listed = _listed(name, values)
    if listed:
        return DraftTable(name, listed, ())
    told = {value: found for value in values[:MAX_CODES] if (found := _by_title(name, value))}
    rows = tuple((value, canonical, value) for value, canonical in told.items())
    return DraftTable(name, rows, tuple(value for value in values[:MAX_CODES] if value not in told))


def _listed(name: str, values: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """A public list of numbers that has every value seen: taken whole, and said to be a guess."""
    rows = [(native, canonical, title + GUESSED) for native, canonical, title in _known(name) if native.isdigit()]
    public = {native for native, _, _ in rows}
    return tuple(rows) if rows and values and set(values) <= public else ()


def _by_title(name: str, value: str) -> str | None:
    table = codes.table(name)
    exact = table.by_title(value) or (value if value in table else None)
    if exact:
        return exact
    alias = next((canonical for native, canonical, _ in _known(name) if native == value), None)
    if alias:
        return alias
    close = [row.code for row in table if len(value) > 1 and (value in row.title or row.title in value)]
    return close[0] if len(close) == 1 and not value.isascii() else None


@cache
def _known(name: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((native, canonical, title) for table, native, canonical, title in _rows() if table == name)


def _rows() -> Iterator[tuple[str, str, str, str]]:
    file = resources.files("adapters.suggest") / "words" / "codes.csv"
    with file.open(encoding="utf-8") as lines:
        for table, native, canonical, title, _ in list(csv.reader(lines))[1:]:
            yield table, native, canonical, title


def to_do(tables: Mapping[str, DraftTable]) -> tuple[str, ...]:
    """What is left to place, a line a table."""
    return tuple(f"codes/{name}.csv：{'、'.join(one.unknown)}" for name, one in tables.items() if one.unknown)

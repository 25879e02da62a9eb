"""Draft a code table: the native values seen beside the canonical codes they most likely mean."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from adapters.suggest import shapes
from adapters.suggest.columns import SampleColumn
from schemas import codes
from schemas.documents import Field

MAX_CODES = 60
Row = tuple[str, str, str]
"""native, canonical, title."""


@dataclass(frozen=True, slots=True)
class DraftTable:
    """A code table to be.

    `unknown` are native values that a human must place; `offered` what a public list says of them. Numbers
    alone prove nothing (another vendor counts otherwise), so they are never written without being asked.
    """

    name: str
    rows: tuple[Row, ...]
    unknown: tuple[str, ...]
    offered: tuple[Row, ...] = ()

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


def draft_table(field: Field, column: SampleColumn) -> DraftTable | None:
    """Draft the table of a coded field; None when the column holds the canonical codes themselves."""
    name = field.codes or ""
    table = codes.table(name)
    values = column.values
    if field.repeated:
        values = shapes.pieces(values, shapes.separator(values) or ",，、;")
    if values and all(value in table for value in values):
        return None
    told = {value: found for value in values[:MAX_CODES] if (found := _by_title(name, value))}
    rows = tuple((value, canonical, value) for value, canonical in told.items())
    unknown = tuple(value for value in values[:MAX_CODES] if value not in told)
    return DraftTable(name, rows, unknown, _offered(name, unknown))


def merged(tables: Iterable[DraftTable]) -> tuple[DraftTable, ...]:
    """One table a name: a platform has one list of codes for one thing, whatever the operation."""
    found: dict[str, DraftTable] = {}
    for one in tables:
        other = found.get(one.name, DraftTable(one.name, (), ()))
        rows = tuple(dict.fromkeys((*other.rows, *one.rows)))
        unknown = tuple(dict.fromkeys((*other.unknown, *one.unknown)))
        found[one.name] = DraftTable(one.name, rows, unknown, _offered(one.name, unknown))
    return tuple(found.values())


def _offered(name: str, unknown: tuple[str, ...]) -> tuple[Row, ...]:
    """A public list of numbers that has every value in question."""
    rows = tuple(row for row in _known(name) if row[0].isdigit())
    return rows if unknown and set(unknown) <= {native for native, _, _ in rows} else ()


def _by_title(name: str, value: str) -> str | None:
    table = codes.table(name)
    exact = table.by_title(value) or (value if value in table else None)
    if exact:
        return exact
    alias = next((code for native, code, _ in _known(name) if native == value and not native.isdigit()), None)
    if alias:
        return alias
    close = [row.code for row in table if len(value) > 1 and (value in row.title or row.title in value)]
    return close[0] if len(close) == 1 and not value.isascii() else None


@cache
def _known(name: str) -> tuple[Row, ...]:
    return tuple((native, canonical, title) for table, native, canonical, title in _rows() if table == name)


def _rows() -> Iterator[tuple[str, str, str, str]]:
    file = resources.files("adapters.suggest") / "words" / "codes.csv"
    with file.open(encoding="utf-8") as lines:
        for table, native, canonical, title, _ in list(csv.reader(lines))[1:]:
            yield table, native, canonical, title

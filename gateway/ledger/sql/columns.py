"""A record's columns, each declared once: its table, its statements, its writer and its reader follow from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar, cast

import sqlalchemy as sa
from msgspec import Struct

from gateway.ledger.sql.codecs import TEXT, Codec

R = TypeVar("R")
Row = Sequence[Any]


class TableColumn(Struct, frozen=True):
    """One column of a record.

    `attribute`: the record's, when it is not named like the column. `given`: no attribute of the
    record; whoever writes hands the value in by the column's name. `numbered`: the database gives
    the value. `joined`: read from another table and never written here. `selected`: whether the
    record's select list has it. `changes`: whether a step of the record writes it again. `encrypted`:
    kept as `encryption.AtRest` has it, bound to the row's key.
    """

    name: str
    codec: Codec = TEXT
    attribute: str | None = None
    optional: bool = False
    key: bool = False
    given: bool = False
    numbered: bool = False
    joined: bool = False
    selected: bool = True
    changes: bool = False
    references: str | None = None
    encrypted: bool = False

    def sql(self) -> sa.Column[Any]:
        """Give the column of the table."""
        foreign = [sa.ForeignKey(self.references)] if self.references else []
        counted: Literal["auto", False] = False if foreign else "auto"
        return sa.Column(
            self.name,
            self.codec.type,
            *foreign,
            primary_key=self.key,
            nullable=self.optional,
            autoincrement=counted,
        )

    def written(self) -> str:
        """Give the source of the expression that writes it."""
        value = self.name if self.given else f"_record.{self.attribute or self.name}"
        return self._converted(value, f"write_{self.name}" if self.codec.write else None)

    def read(self, kept: str) -> str:
        """Give the source of the argument that reads it, `kept` being the source of what is in the row."""
        value = self._converted(kept, f"read_{self.name}" if self.codec.read else None)
        return f"{self.attribute or self.name}={value}"

    def _converted(self, value: str, function: str | None) -> str:
        if function is None:
            return value
        return f"None if {value} is None else {function}({value})" if self.optional else f"{function}({value})"


class Layout(Generic[R]):
    """The columns of one kind of record, and what follows from them.

    Reading and writing run for every row, so both are compiled to plain Python functions once.
    """

    def __init__(self, record: Callable[..., R], *columns: TableColumn) -> None:
        self._record = record
        self._columns = columns
        self._selected = [column for column in columns if column.selected]
        self.inserted = [column.name for column in columns if not (column.joined or column.numbered)]
        self.changed = [column.name for column in columns if column.changes]
        self.width = len(self._selected)
        self._name = ""

    def table(self, name: str, metadata: sa.MetaData, *more: sa.schema.SchemaItem) -> sa.Table:
        """Make the table; `more` are its indexes, rules and further columns."""
        self._name = name
        return sa.Table(name, metadata, *(column.sql() for column in self._columns if not column.joined), *more)

    def select(self, table: sa.Table, **joined: sa.ColumnElement[Any]) -> tuple[sa.ColumnElement[Any], ...]:
        """Give the select list, in the order that `read` takes; `joined` are the columns of other tables by name."""
        return tuple(joined[one.name] if one.joined else table.c[one.name] for one in self._selected)

    def at(self, name: str) -> int:
        """Give where a column stands in the select list."""
        return [column.name for column in self._selected].index(name)

    @cached_property
    def read(self) -> Callable[..., R]:
        """Make a record of a row of the select list; `more` are the attributes that no column holds.

        Where columns are encrypted, `at_rest` says how.
        """
        read = [column.read(self._kept(index)) for index, column in enumerate(self._selected) if not column.given]
        given = "row, *, at_rest, **more" if self._encrypts else "row, **more"
        return cast("Callable[..., R]", self._compiled(f"lambda {given}: make({', '.join(read)}, **more)"))

    @cached_property
    def write(self) -> Callable[..., Row]:
        """Write a new record in the order of `inserted`; given columns, and `at_rest` as for `read`, are named."""
        return self._writer(self.inserted)

    @cached_property
    def write_changes(self) -> Callable[..., Row]:
        """Write what a step changed, in the order of `changed`, and then the key."""
        return self._writer([*self.changed, *(column.name for column in self._columns if column.key)])

    @property
    def _encrypts(self) -> bool:
        return any(column.encrypted for column in self._columns)

    def _kept(self, index: int) -> str:
        """Give the source of what a row has in a column, decrypted."""
        column = self._selected[index]
        if not column.encrypted:
            return f"row[{index}]"
        return f"at_rest.read({self._place(column)!r}, row[{self.at(self._key.name)}], row[{index}])"

    def _written(self, column: TableColumn) -> str:
        """Give the source of what is written in a column, encrypted."""
        if not column.encrypted:
            return column.written()
        return f"at_rest.write({self._place(column)!r}, {self._key.written()}, {column.written()})"

    def _place(self, column: TableColumn) -> str:
        return f"{self._name}.{column.name}"

    @property
    def _key(self) -> TableColumn:
        return next(column for column in self._columns if column.key)

    def _writer(self, names: Sequence[str]) -> Callable[..., Row]:
        by_name = {column.name: column for column in self._columns}
        columns = [by_name[name] for name in names]
        given = [column.name for column in columns if column.given]
        if any(column.encrypted for column in columns):
            given.append("at_rest")
        values = ", ".join(map(self._written, columns))
        named = f", *, {', '.join(given)}" if given else ""
        return self._compiled(f"lambda _record{named}: ({values},)")

    def _compiled(self, source: str) -> Callable[..., Any]:
        functions: dict[str, Any] = {"make": self._record}
        for column in self._columns:
            functions |= {f"write_{column.name}": column.codec.write, f"read_{column.name}": column.codec.read}
        compiled: Callable[..., Any] = eval(source, functions)
        return compiled

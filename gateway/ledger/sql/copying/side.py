"""One of the two ledgers: opened for nobody else, read in the order of its keys, written in chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol

import sqlalchemy as sa

from gateway.ledger.sql.copying.plan import CopiedTable, Row

_SIDES: Mapping[str, tuple[str, str]] = {
    "sqlite": ("gateway.ledger.sql.copying.sqlite_side", "SqliteSide"),
    "postgresql": ("gateway.ledger.sql.copying.postgresql_side", "PostgreSQLSide"),
}

PATIENCE = 5.0
"""Seconds to wait for a lock, and for sessions that are about to end."""


class CopySide(Protocol):
    """One ledger, between `open` and `close`.

    `name`: its address as it may be shown. `engine`: `sqlite` or `postgresql`. `symbols`: the texts read so far, by
    table, in which U+0000 was given as its symbol.
    """

    name: str
    engine: str
    symbols: Counter[str]

    def open(self, *, new: bool = False) -> None:
        """Take it for this process alone; HutongError when somebody has it, or there is none and it may not be new."""
        ...

    def close(self) -> None:
        """Give it up; also after `open` failed."""
        ...

    def upgrade(self) -> None:
        """Bring its tables up to date, or make them."""
        ...

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """Give a connection that reads, in a transaction."""
        ...

    def writing(self, *, alone: bool = False) -> AbstractContextManager[sa.Connection]:
        """Give a connection that writes, in a transaction, committed at its end; `alone`: and no gateway may begin."""
        ...

    def prepare(self, tables: Sequence[CopiedTable]) -> None:
        """Look through it before it is read; Conflict `ledger.alike`, where two rows could not be told apart."""
        ...

    def rows(self, table: CopiedTable, after: Row | None = None) -> Iterator[Row]:
        """Give a table's rows in the order of their keys, those after a key; texts as both engines keep them.

        SQLAlchemyError when they cannot be read.
        """
        ...

    def write(self, connection: sa.Connection, table: CopiedTable, rows: Sequence[Row]) -> None:
        """Add rows; SQLAlchemyError."""
        ...

    def number_on(self, connection: sa.Connection) -> None:
        """Let what the database numbers go on after the highest numbers."""
        ...


def side_at(url: str) -> CopySide:
    """Make the side of an address, not opened yet."""
    module, name = _SIDES[sa.make_url(url).get_backend_name()]
    side: CopySide = getattr(import_module(module), name)(url)
    return side

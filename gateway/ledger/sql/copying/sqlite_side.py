"""A ledger in a file: its lock is held, so no gateway has it meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite as dialect

from gateway.ledger.sql import tables as schema_tables
from gateway.ledger.sql.copying import plan, refusals
from gateway.ledger.sql.copying.plan import CopiedTable, Row
from gateway.ledger.sql.copying.side import PATIENCE
from gateway.ledger.sql.dialects import NUL
from gateway.ledger.sql.engines import sqlite
from gateway.ledger.sql.engines.file_lock import FileLock
from gateway.ledger.sql.statements import driver_errors, execute


class SqliteSide:
    """One of two ledgers, in a file."""

    engine = "sqlite"

    def __init__(self, url: str) -> None:
        self.name = url
        self.symbols: Counter[str] = Counter()
        self._path = sqlite.path_of(url)
        self._lock = FileLock(self._path)
        self._writing = sqlite.writing(url, patience=PATIENCE)
        self._reading = sqlite.reading(url, patience=PATIENCE, readers=1)
        self._with_nul: frozenset[str] = frozenset()
        sa.event.listen(self._reading, "connect", _folds)

    # ── opened and closed ─────────────────────────────────────────────────────────────────────
    def open(self, *, new: bool = False) -> None:
        if not new and not self._path.is_file():
            raise refusals.missing(self.name)
        self._lock.take()

    def close(self) -> None:
        self._reading.dispose()
        self._writing.dispose()
        self._lock.drop()

    def upgrade(self) -> None:
        sqlite.upgrade(self._writing)

    def reading(self) -> AbstractContextManager[sa.Connection]:
        return self._reading.begin()

    def writing(self, *, alone: bool = False) -> AbstractContextManager[sa.Connection]:
        return self._writing.begin()

    # ── read ──────────────────────────────────────────────────────────────────────────────────
    def prepare(self, tables: Sequence[CopiedTable]) -> None:
        with self.reading() as connection:
            found = [table.name for table in tables if _with_nul(connection, table, table.key)]
            for table in tables:
                for columns, condition in _unique(table):
                    _tell_apart(connection, table, columns, condition)
        self._with_nul = frozenset(found)

    def rows(self, table: CopiedTable, after: Row | None = None) -> Iterator[Row]:
        with self.reading() as connection:
            for chunk in plan.chunks(self._read(connection, table, after), table):
                rows, changed = plan.folded_rows(chunk, table)
                if changed:
                    self.symbols[table.name] += changed
                yield from rows

    def _read(self, connection: sa.Connection, table: CopiedTable, after: Row | None) -> Iterator[Row]:
        key = ", ".join(self._key(table, column) for column in table.key)
        where = f" WHERE ({key}) > ({', '.join('?' for _ in after)})" if after else ""
        sql = f"SELECT {_names(table.columns)} FROM {quoted(table.name)}{where} ORDER BY {key}"
        cursor = execute(connection, sql, after or ())
        with driver_errors(connection, sql):
            yield from cursor

    def _key(self, table: CopiedTable, column: sa.Column[Any]) -> str:
        """Give what rows are ordered by, which is how the other engine orders them."""
        folds = table.name in self._with_nul and isinstance(column.type, sa.Text)
        return f"folded({quoted(column.name)})" if folds else quoted(column.name)

    # ── written ───────────────────────────────────────────────────────────────────────────────
    def write(self, connection: sa.Connection, table: CopiedTable, rows: Sequence[Row]) -> None:
        values = ", ".join("?" for _ in table.written)
        sql = f"INSERT INTO {quoted(table.name)} ({_names(table.written)}) VALUES ({values})"
        anew = tuple(table.anew.values())
        with driver_errors(connection, sql):
            connection.connection.cursor().executemany(sql, [(*row, *anew) for row in rows] if anew else rows)

    def number_on(self, connection: sa.Connection) -> None:
        """Nothing: the next number is that of the highest row."""


def _folds(connection: Any, _record: Any) -> None:
    connection.create_function("folded", 1, plan.folded, deterministic=True)


def quoted(name: str) -> str:
    """Write a name, whether or not it is a word of SQL too."""
    return f'"{name}"'


def _names(columns: Sequence[sa.Column[Any]]) -> str:
    return ", ".join(quoted(column.name) for column in columns)


# ── U+0000 ────────────────────────────────────────────────────────────────────────────────────
def _has_nul(columns: Sequence[sa.Column[Any]]) -> str:
    texts = [quoted(column.name) for column in columns if isinstance(column.type, sa.Text)]
    return " OR ".join(f"instr({name}, char(0))" for name in texts) or "0"


def _with_nul(connection: sa.Connection, table: CopiedTable, columns: Sequence[sa.Column[Any]]) -> bool:
    sql = f"SELECT 1 FROM {quoted(table.name)} WHERE {_has_nul(columns)} LIMIT 1"
    return execute(connection, sql).fetchone() is not None


def _unique(table: CopiedTable) -> Iterator[tuple[Sequence[sa.Column[Any]], str]]:
    """Give the columns that no two rows may share, and among which rows."""
    yield table.key, "1"
    for index in schema_tables.metadata.tables[table.name].indexes:
        if index.unique:
            where = index.dialect_options["sqlite"]["where"]
            compiled = (
                where.compile(dialect=dialect.dialect(), compile_kwargs={"literal_binds": True})
                if where is not None
                else "1"
            )
            yield tuple(index.columns), str(compiled)


def _tell_apart(
    connection: sa.Connection, table: CopiedTable, columns: Sequence[sa.Column[Any]], condition: str
) -> None:
    """Refuse rows that differ in nothing but U+0000 and its symbol."""
    name, listed = quoted(table.name), _names(columns)
    if not any(isinstance(column.type, sa.Text) for column in columns):
        return
    found = execute(connection, f"SELECT {listed} FROM {name} WHERE ({_has_nul(columns)}) AND {condition}").fetchall()
    seen: set[Row] = set()
    same = " AND ".join(f"{quoted(column.name)} IS ?" for column in columns)
    for row in found:
        key = tuple(plan.folded(each) if isinstance(each, str) else each for each in row)
        other = execute(connection, f"SELECT 1 FROM {name} WHERE {same} AND {condition}", key).fetchone()
        if key in seen or other is not None:
            raise refusals.alike(
                table, tuple(each.replace(NUL, "\\u0000") if isinstance(each, str) else each for each in row)
            )
        seen.add(key)

"""A ledger in PostgreSQL: no gateway may be connected; rows come through a cursor and go in by COPY."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

import sqlalchemy as sa

from gateway.ledger.sql.copying import refusals
from gateway.ledger.sql.copying.plan import CopiedTable, Row
from gateway.ledger.sql.copying.side import PATIENCE
from gateway.ledger.sql.engines import postgresql
from gateway.ledger.sql.statements import driver_errors, execute

_FETCHED, _FETCHED_HEAVY = 2000, 50
"""Rows that come at a time: fewer where each may have megabytes."""

_OTHERS = """
SELECT string_agg(application_name || COALESCE(' @ ' || host(client_addr), ''), ', ') FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'hutong %%' AND application_name <> %s
"""
_ORDERED_AS_BYTES = """
SELECT datlocprovider = 'c' AND datcollate IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()
"""
_SEQUENCES = """
SELECT d.refobjid::REGCLASS::TEXT, a.attname, d.objid::REGCLASS::TEXT FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' AND s.relnamespace = current_schema()::REGNAMESPACE
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::REGCLASS AND d.refobjsubid > 0
"""
"""Each column that is numbered, and its sequence."""


class PostgreSQLSide:
    """One of two ledgers, in a database of a server."""

    engine = "postgresql"

    def __init__(self, url: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        self.name = sa.make_url(url).render_as_string(hide_password=True)
        self.symbols: Counter[str] = Counter()
        name = f"copier {os.getpid()}-{token_hex(4)}"
        self._as = f"hutong {name}"
        self._pause = pause
        self._engine = postgresql.PostgreSQLEngine(url, patience=PATIENCE).working(name)
        self._ordered_as_bytes = False

    # ── opened and closed ─────────────────────────────────────────────────────────────────────
    def open(self, *, new: bool = False) -> None:
        with self._engine.begin() as connection:
            [(self._ordered_as_bytes,)] = execute(connection, _ORDERED_AS_BYTES).fetchall()
            self._wait_for_others(connection)
            if not new and execute(connection, "SELECT to_regclass('alembic_version')").fetchone()[0] is None:
                raise refusals.missing(self.name)

    def _wait_for_others(self, connection: sa.Connection) -> None:
        """Let sessions end whose process is gone already; Unavailable when one stays."""
        for _ in range(round(PATIENCE * 10)):
            [(others,)] = execute(connection, _OTHERS, (self._as,)).fetchall()
            if others is None:
                return
            self._pause(0.1)
            execute(connection, "SELECT pg_stat_clear_snapshot()")
        raise refusals.in_use(self.name, others)

    def close(self) -> None:
        self._engine.dispose()

    def upgrade(self) -> None:
        postgresql.upgrade(self._engine)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            execute(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection

    @contextmanager
    def writing(self, *, alone: bool = False) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            if alone:
                postgresql.lock_ledger(connection)
                self._wait_for_others(connection)
            else:
                # A chunk that is lost is copied again; that all is there is committed, and synced, at the end.
                execute(connection, "SET LOCAL synchronous_commit = off")
            yield connection

    # ── read ──────────────────────────────────────────────────────────────────────────────────
    def prepare(self, tables: Sequence[CopiedTable]) -> None:
        """Nothing: it has no U+0000."""

    def rows(self, table: CopiedTable, after: Row | None = None) -> Iterator[Row]:
        key = ", ".join(self._key(column) for column in table.key)
        where = f" WHERE ({key}) > ({', '.join('%s' for _ in after)})" if after else ""
        columns = ", ".join(map(_read, table.columns))
        sql = f'SELECT {columns} FROM "{table.name}"{where} ORDER BY {key}'
        with self.reading() as connection:
            raw: Any = connection.connection.driver_connection
            with driver_errors(connection, sql), raw.cursor(name="copied", binary=True) as cursor:
                cursor.itersize = _FETCHED_HEAVY if table.places(sa.LargeBinary) else _FETCHED
                cursor.execute(sql, after or ())
                yield from cursor

    def _key(self, column: sa.Column[Any]) -> str:
        """Give what rows are ordered by: texts by their bytes, as SQLite does, whatever the database's language is."""
        ordered = not isinstance(column.type, sa.Text) or self._ordered_as_bytes
        return f'"{column.name}"' if ordered else f'"{column.name}" COLLATE "C"'

    # ── written ───────────────────────────────────────────────────────────────────────────────
    def write(self, connection: sa.Connection, table: CopiedTable, rows: Sequence[Row]) -> None:
        names = ", ".join(f'"{column.name}"' for column in table.written)
        # As text: in the binary form the driver cuts a number that is too large, and the server cannot refuse it.
        sql = f'COPY "{table.name}" ({names}) FROM STDIN'
        flags, anew = set(table.places(sa.Boolean)), tuple(table.anew.values())
        raw: Any = connection.connection.driver_connection
        with driver_errors(connection, sql), raw.cursor() as cursor, cursor.copy(sql) as copy:
            for row in rows:
                if flags:
                    row = tuple(bool(each) if place in flags else each for place, each in enumerate(row))
                copy.write_row((*row, *anew))

    def number_on(self, connection: sa.Connection) -> None:
        owned = execute(connection, _SEQUENCES).fetchall()
        for table, column, sequence in owned:
            execute(connection, f"SELECT setval('{sequence}', (SELECT max(\"{column}\") FROM {table}))")


def _read(column: sa.Column[Any]) -> str:
    return f'"{column.name}"::INTEGER' if isinstance(column.type, sa.Boolean) else f'"{column.name}"'

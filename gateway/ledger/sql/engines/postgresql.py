"""PostgreSQL 15 or newer: several processes write, and what they write together is locked by name."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from secrets import randbelow
from typing import Any

import sqlalchemy as sa
from psycopg import Connection, IsolationLevel
from psycopg.adapt import Dumper

from gateway.clock import Ticks
from gateway.errors import HutongError
from gateway.ledger.followed import Numbered
from gateway.ledger.sql import schema
from gateway.ledger.sql.dialects import array, dialect_of
from gateway.ledger.sql.engines.base import Keys, Sequences, TooManyKeys
from gateway.ledger.sql.engines.file_lock import new_owner
from gateway.ledger.sql.statements import execute
from schemas.findings import Text

OLDEST = 15
"""The oldest version that will do."""

_MOST_DRAWN = 256
"""Numbers that are drawn at once."""

_MOST_KEYS = 1000
"""Locks that one transaction takes: the server has a table for all of them, of 64 for each connection it may have."""

_STANDSTILL = 3
"""Seconds that a transaction may do nothing: a process that stands still in the middle of one must not hold others.

Shorter than others' patience, so that these go on instead of failing, and than the lease of a claim: else what it
has locked would keep others from taking its platforms over in time.
"""

_PARTS = 8
"""Parts in which processes count; two that count in one wait for each other's commits, and nothing worse."""

_BASE = schema.MIGRATIONS / "postgresql_0010.sql"
"""The tables as they were when PostgreSQL came; from there on the migrations are the same as SQLite's."""


class PostgreSQLEngine:
    """A ledger in a PostgreSQL database: `postgresql+psycopg://user:password@host/database`.

    All that a transaction locks it locks at its beginning, in one order: first the ledger, shared or alone, then
    keys by their number. So no two wait for each other. What it reads afterwards it reads as it is then, for each
    statement of READ COMMITTED sees what was committed before it.
    """

    writing: sa.Engine
    reading: sa.Engine
    beating: sa.Engine | None = None
    here: sa.Connection | None = None

    def __init__(self, url: str, *, patience: float, erases: bool = False) -> None:
        self._url = sa.make_url(url).set(drivername="postgresql+psycopg")
        self._patience = patience
        self._opened: list[sa.Engine] = []
        self.owner = new_owner()
        self.part = randbelow(_PARTS)

    def reserve(self) -> None:
        """Every process may have it."""

    def open(self, readers: int) -> None:
        self.writing = self._connecting(1, "writer", lock_timeout=f"{max(1, round(self._patience * 1000))}ms")
        self.reading = self._connecting(readers, "reader")
        # Each statement commits for itself: who stands still between two of them keeps no claim's row locked.
        beating = self._connecting(1, "beat", lock_timeout="2s", statement_timeout="3s")
        self.beating = beating.execution_options(isolation_level="AUTOCOMMIT")
        self._opened = [self.writing, self.reading, beating]
        sa.event.listen(self.reading, "connect", _only_reads)
        sa.event.listen(self.reading, "before_cursor_execute", _storable, retval=True)
        upgrade(self.writing)

    def looking(self) -> sa.Engine:
        """Give an engine to look at the server with; whoever asks disposes of it."""
        return self._connecting(1, "doctor")

    def working(self, name: str) -> sa.Engine:
        """Give an engine for work on the whole ledger, which may take hours; whoever asks disposes of it."""
        patience = f"{max(1, round(self._patience * 1000))}ms"
        engine = self._connecting(2, name, lock_timeout=patience, idle_in_transaction_session_timeout="0")
        sa.event.remove(engine, "connect", _connected)  # a cursor's FETCH takes no number without a type
        return engine

    def _connecting(self, size: int, name: str, **settings: str) -> sa.Engine:
        settings = {
            "synchronous_commit": "on",
            "idle_in_transaction_session_timeout": f"{_STANDSTILL}s",
            "jit": "off",
            **settings,
        }
        engine = sa.create_engine(
            self._url,
            paramstyle="format",
            connect_args={
                "application_name": f"hutong {name}",
                "connect_timeout": max(2, round(self._patience)),
                "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": 10_000,
            },
            poolclass=sa.QueuePool,
            pool_size=size,
            max_overflow=0,
        )
        sa.event.listen(engine, "connect", _connected)
        return engine

    def close(self) -> None:
        for each in self._opened:
            each.dispose()
        self._opened.clear()

    def begin(self, connection: sa.Connection, keys: Keys | None, expected: int) -> Sequences:
        if keys is None:
            lock_ledger(connection)
        else:
            execute(connection, "SELECT pg_advisory_xact_lock_shared(%s::BIGINT)", (_LEDGER,))
            _lock(connection, keys)
        return Sequences(
            bodies=_Drawn(connection, "bodies_seq_seq", expected),
            messages=_Drawn(connection, "messages_seq_seq", expected),
            deliveries=_Drawn(connection, "deliveries_position_seq", expected),
        )

    def numbered(self, connection: sa.Connection, table: str) -> Numbered:
        # In this order: who draws a number holds the lock until it has committed, so whoever drew one up to the last
        # is either among the holders that are found afterwards, or has ended.
        [(last,)] = execute(connection, f"SELECT last_value FROM {table}_seq_seq").fetchall()
        holders = execute(connection, _WRITING, (_LEDGER >> 32 & 0xFFFFFFFF, _LEDGER & 0xFFFFFFFF)).fetchall()
        return Numbered(int(last), frozenset(str(holder) for (holder,) in holders))

    @contextmanager
    def deadline(self, connection: sa.Connection, ticks: Ticks, deadline: float) -> Iterator[None]:
        left = max(1, round((deadline - ticks()) * 1000))
        execute(connection, f"SET LOCAL statement_timeout = {left}")
        yield


# ── connections ───────────────────────────────────────────────────────────────────────────────
class _Integer(Dumper):
    """Writes an integer without a type, as texts are: else a statement is planned anew for each size of number."""

    oid = 0

    def dump(self, obj: int) -> bytes:
        return str(obj).encode()


def _connected(connection: Connection[Any], _record: Any) -> None:
    connection.adapters.register_dumper(int, _Integer)
    connection.prepared_max = 1000


def _only_reads(connection: Connection[Any], _record: Any) -> None:
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True


def _storable(
    connection: sa.Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
) -> tuple[str, Any]:
    return statement, parameters if many else dialect_of(connection.dialect).storable(tuple(parameters))


# ── locks ─────────────────────────────────────────────────────────────────────────────────────
def _hashed(key: str) -> int:
    """Give the number of a key; two keys of one number share a lock, which only makes one wait for the other."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), signed=True)


_LEDGER = _hashed("hutong.ledger")
_WRITING = (
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid = %s::OID AND objid = %s::OID"
)
"""The transactions that hold the ledger's lock, shared or alone: all that write."""


def lock_ledger(connection: sa.Connection) -> None:
    """Let nobody else change anything, or open the ledger, until the transaction ends."""
    execute(connection, "SELECT pg_advisory_xact_lock(%s::BIGINT)", (_LEDGER,))


def _lock(connection: sa.Connection, keys: Keys) -> None:
    numbers = sorted({_hashed(key) for key in keys()} - {_LEDGER})
    if len(numbers) > _MOST_KEYS:
        raise TooManyKeys
    if numbers:
        execute(connection, "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::BIGINT[]) AS key", (array(numbers),))


# ── numbers ───────────────────────────────────────────────────────────────────────────────────
class _Drawn(Iterator[int]):
    """Draws numbers from a sequence when they are asked for, so after the locks are held; what is left is lost."""

    def __init__(self, connection: sa.Connection, name: str, expected: int) -> None:
        self._connection = connection
        self._sql = f"SELECT nextval('{name}') FROM generate_series(1, %s::INTEGER)"
        self._expected = max(1, expected)
        self._drawn: deque[int] = deque()

    def __next__(self) -> int:
        if not self._drawn:
            self._drawn.extend(row[0] for row in execute(self._connection, self._sql, (self._expected,)).fetchall())
            self._expected = min(2 * self._expected, _MOST_DRAWN)  # an operation may number many rows
        return self._drawn.popleft()


# ── tables ────────────────────────────────────────────────────────────────────────────────────
def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Bring a database's tables up to date, one process at a time; HutongError `ledger.newer`, `ledger.encoding`."""
    with engine.begin() as connection:
        for setting in ("lock_timeout", "idle_in_transaction_session_timeout"):
            execute(connection, f"SET LOCAL {setting} = 0")
        lock_ledger(connection)
        [(encoding,)] = execute(connection, "SHOW server_encoding").fetchall()
        if encoding != "UTF8":
            raise _not_utf8(encoding)
        if schema.current(connection) is None:
            execute(connection, _BASE.read_text(encoding="utf-8"), None)
        schema.upgrade(connection, revision)


def _not_utf8(encoding: str) -> HutongError:
    return HutongError(
        Text(
            f"数据库的编码为 {encoding}；账本需要 UTF8："
            "请用 CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0 新建。",
            f"The database's encoding is {encoding}; a ledger needs UTF8: "
            "make one by CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
        ),
        code="ledger.encoding",
    )

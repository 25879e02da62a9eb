"""SQLite: every commit synced, readers beside one writer, one process a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gateway.clock import Ticks
from gateway.ledger.errors import superseded
from gateway.ledger.followed import Numbered
from gateway.ledger.sql import claims, schema, tables
from gateway.ledger.sql.engines.base import Keys, Sequences
from gateway.ledger.sql.engines.file_lock import FileLock, new_owner
from gateway.ledger.sql.statements import Prepared

_log = logging.getLogger(__name__)

_ALWAYS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",
)
# Numbers and cases arrive in no order, so every document dirties pages all over the indexes: small
# pages keep what is written for them small. Larger ones were measured, and lost as the store grew.
_WRITER = (
    "PRAGMA page_size=4096",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA cache_size=-16384",
    "PRAGMA wal_autocheckpoint=4000",
)
_READER = ("PRAGMA query_only=ON", "PRAGMA cache_size=-2048")

_STEPS = 20_000
"""Instructions of SQLite's virtual machine, about a millisecond, between two checks of a search's deadline."""

_OWNED = Prepared(sa.select(tables.ledger.c.owner, tables.ledger.c.epoch), ())


class SqliteEngine:
    """A ledger in a file: `sqlite:///path`. The writer has the whole file, so it locks nothing more.

    Every transaction looks first whether the ledger is still this process's. When it is not, nothing is
    written any more.
    """

    part = 0
    writing: sa.Engine
    reading: sa.Engine
    beating: sa.Engine | None = None

    def __init__(self, url: str, *, patience: float, erases: bool = False) -> None:
        self._url = url
        self._erases = erases
        self._patience = patience
        self._lock = FileLock(path_of(url))
        self._opened: list[sa.Engine] = []
        self._superseded = False
        self.owner = new_owner()
        self.here: sa.Connection | None = None

    def reserve(self) -> None:
        self._lock.take()

    def open(self, readers: int) -> None:
        self.writing = writing(self._url, patience=self._patience, erases=self._erases)
        self.reading = reading(self._url, patience=self._patience, readers=readers + 1)
        self._opened = [self.writing, self.reading]
        upgrade(self.writing)
        self._epoch = take_over(self.writing, self.owner)
        with self.writing.begin() as connection:
            self._sequences = sequences_after(connection)
        self.here = self.reading.connect()
        raw: Any = self.here.connection
        raw.execute("PRAGMA busy_timeout=0")  # the event loop waits for nobody

    def close(self) -> None:
        if self.here is not None:
            self.here.close()
            self.here = None
        for each in reversed(self._opened):
            each.dispose()
        self._opened.clear()
        # Last: to close the lock's file would take SQLite's own locks on it away from this process.
        self._lock.drop()

    def begin(self, connection: sa.Connection, keys: Keys | None, expected: int) -> Sequences:
        if not self._superseded and _OWNED.row(connection) != (self.owner, self._epoch):
            _log.critical("ledger.superseded: %s in epoch %d is not the owner any more", self.owner, self._epoch)
            self._superseded = True
        if self._superseded:
            raise superseded()
        return self._sequences

    def numbered(self, connection: sa.Connection, table: str) -> Numbered:
        return Numbered(None)

    @contextmanager
    def deadline(self, connection: sa.Connection, ticks: Ticks, deadline: float) -> Iterator[None]:
        database = connection.connection.driver_connection
        assert database is not None
        database.set_progress_handler(lambda: int(ticks() > deadline), _STEPS)
        try:
            yield
        finally:
            database.set_progress_handler(None, 0)


def sequences_after(connection: sa.Connection) -> Sequences:
    """Go on after the last numbers of a ledger: there is one writer, so nobody else takes any."""
    keys = (tables.bodies.c.seq, tables.messages.c.seq, tables.deliveries.c.position)
    return Sequences(*(count((connection.scalar(sa.select(sa.func.max(key))) or 0) + 1) for key in keys))


def path_of(url: str) -> Path:
    """Give the file a `sqlite:///` address names."""
    return Path(sa.make_url(url).database or "hutong.db")


def writing(url: str, *, patience: float, erases: bool = False) -> sa.Engine:
    """Make the engine of the one writer; `patience`: seconds to wait for a lock of another program.

    `erases`: what is deleted, or written over, is overwritten with zeros, in pages that nothing needs any more too.
    """
    more = ("PRAGMA secure_delete=ON",) if erases else ()
    return _engine(url, "BEGIN IMMEDIATE", (*_ALWAYS, *_WRITER, *more), patience, size=1)


def reading(url: str, *, patience: float, readers: int) -> sa.Engine:
    """Make the engine of the readers: a snapshot a transaction, and nothing can be written."""
    return _engine(url, "BEGIN", (*_ALWAYS, *_READER), patience, size=readers)


def _engine(url: str, begin: str, pragmas: tuple[str, ...], patience: float, *, size: int) -> sa.Engine:
    engine = sa.create_engine(
        url,
        connect_args={"timeout": patience, "check_same_thread": False, "cached_statements": 512},
        poolclass=sa.QueuePool,
        pool_size=size,
        max_overflow=0,
    )

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(pragma)

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Bring a file's tables up to date, in one transaction; HutongError `ledger.newer`."""
    with engine.begin() as connection:
        schema.upgrade(connection, revision)


def take_over(engine: sa.Engine, owner: str) -> int:
    """Make a process the ledger's owner; gives its epoch, which ends all before it."""
    ledger = tables.ledger
    taken = sa.update(ledger).values(owner=owner, epoch=ledger.c.epoch + 1).returning(ledger.c.epoch)
    with engine.begin() as connection:
        epoch = int(connection.execute(taken).scalar_one())
        claims.void(connection)
    # Into the file itself, where `owner_of` can read it without SQLite's log beside the file.
    raw = engine.raw_connection()  # outside any transaction
    try:
        raw.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        raw.close()
    return epoch

"""One database, opened and owned: its writer, its reader of single things, and its searches with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from msgspec import Struct

from gateway.clock import Clock, Ticks
from gateway.ledger.errors import stopped, too_slow
from gateway.ledger.records import Census
from gateway.ledger.sql import claims, counts, database, tables
from gateway.ledger.sql.batch_thread import BatchThread, OperationResult
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.database import FileLock, new_owner
from gateway.ledger.sql.database_errors import is_interrupted, ours, translated_errors
from gateway.ledger.sql.statements import Prepared
from gateway.ledger.sql.writing import Group, Sequences, Transaction, WriteOperation, Writer, one_by_one

T = TypeVar("T")

Question = Callable[[sa.Connection], Any]
"""One thing to read."""

_STEPS = 20_000
"""Instructions of SQLite's virtual machine, about a millisecond, between two checks of a search's deadline."""


class Reader:
    """Answers batches of questions on a connection that cannot write."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def run(self, batch: Sequence[Question]) -> Sequence[OperationResult]:
        """Answer each question; what one of them raises is its own result."""
        try:
            with self._engine.begin() as connection:
                return [_answer(question, connection) for question in batch]
        except sa.exc.SQLAlchemyError as error:
            return [ours(error) for _ in batch]


def _answer(question: Question, connection: sa.Connection) -> OperationResult:
    try:
        return question(connection)
    except Exception as error:  # the caller gets the error; the thread goes on
        return ours(error)


class Searcher:
    """Answers one question at a time in whatever thread it is called; each must be done by its deadline."""

    def __init__(self, engine: sa.Engine, ticks: Ticks, seconds: float) -> None:
        self._engine = engine
        self._ticks = ticks
        self._seconds = seconds

    def deadline(self) -> float:
        """Give the moment, in ticks, by which a search that begins now must be done."""
        return self._ticks() + self._seconds

    def run(self, question: Callable[[sa.Connection], T], deadline: float) -> T:
        """Answer a question; Unavailable `search.too-slow` when that takes too long, the wait for a thread included."""
        if self._ticks() > deadline:
            raise too_slow(self._seconds)
        try:
            with self._engine.begin() as connection:
                return self._answer(question, connection, deadline)
        except Exception as error:
            raise (too_slow(self._seconds) if is_interrupted(error) else ours(error)) from error

    def _answer(self, question: Callable[[sa.Connection], T], connection: sa.Connection, deadline: float) -> T:
        database = connection.connection.driver_connection
        assert database is not None
        database.set_progress_handler(lambda: int(self._ticks() > deadline), _STEPS)
        try:
            return question(connection)
        finally:
            database.set_progress_handler(None, 0)


_SEARCHES = 2
"""Searches that run at a time."""

_CHECKED_FOR = 1.0
"""Seconds that one write to check the ledger serves for."""

_CHECKED = Prepared(sa.update(tables.ledger), ("checked_at",))


class StoreLimits(Struct, frozen=True):
    """What bounds a ledger: see `SqlLedger`."""

    rejections: int
    patience: float
    most: int
    deadline: float


class Store:
    """Runs what is written and read. Between `start` and `stop` the database is this process's alone."""

    def __init__(self, url: str, limits: StoreLimits, clock: Clock, ticks: Ticks) -> None:
        self.owner = new_owner()
        self._url = url
        self._limits = limits
        self._clock = clock
        self._ticks = ticks
        self._lock = FileLock(database.path_of(url))
        self._engines: list[sa.Engine] = []
        self._writer: BatchThread[WriteOperation] | None = None
        self._reader: BatchThread[Question] | None = None
        self._here: sa.Connection | None = None
        self._searcher: Searcher | None = None
        self._searches: ThreadPoolExecutor | None = None
        self._check: tuple[float, asyncio.Future[None]] | None = None

    # ── start and stop ────────────────────────────────────────────────────────────────────────
    async def start(self) -> None:
        """Take the database over, or say whose it is."""
        self._lock.take()
        try:
            writer = await asyncio.to_thread(self._open)
        except BaseException:
            self._close()
            raise
        reading = self._engines[1]
        self._writer = BatchThread("ledger-writer", writer.run, most=self._limits.most)
        self._reader = BatchThread("ledger-reader", Reader(reading).run, most=64)
        self._here = reading.connect()
        self._here.connection.execute("PRAGMA busy_timeout=0")  # the loop waits for nobody: see `look_up`
        self._searcher = Searcher(reading, self._ticks, self._limits.deadline)
        self._searches = ThreadPoolExecutor(_SEARCHES, "ledger-search")

    def _open(self) -> Writer:
        writing = database.writing(self._url, patience=self._limits.patience)
        reading = database.reading(self._url, patience=self._limits.patience, readers=2 + _SEARCHES)
        self._engines = [writing, reading]
        with translated_errors():
            database.upgrade(writing)
            epoch = database.take_over(writing, self.owner)
            with writing.begin() as connection:
                sequences = Sequences.after(connection)
        rejections = self._limits.rejections
        return Writer(writing, sequences, counts.flush, owner=self.owner, epoch=epoch, rejections=rejections)

    async def stop(self) -> None:
        """Finish what was handed in, then close and give the database up."""
        self._searcher = self._check = None
        for thread in (self._writer, self._reader):
            if thread is not None:
                await thread.stop()
        if self._searches is not None:
            await asyncio.to_thread(self._searches.shutdown)
        self._close()

    def _close(self) -> None:
        if self._here is not None:
            self._here.close()
            self._here = None
        for each in reversed(self._engines):
            each.dispose()
        self._engines.clear()
        # Last: to close the lock's file would take SQLite's own locks on it away from this process.
        self._lock.drop()

    # ── what is handed in ─────────────────────────────────────────────────────────────────────
    async def write(self, group: Group, argument: Any, *, rows: int = 1, size: int = 0) -> Any:
        """Have something written, with others in one commit."""
        if self._writer is None:
            raise stopped()
        return await self._writer.do(WriteOperation(group, argument), rows=rows, size=size)

    async def read(self, question: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Read something that an index finds at once."""
        if self._reader is None:
            raise stopped()
        found: T = await self._reader.do(lambda connection: question(connection, *arguments, **named))
        return found

    async def look_up(self, question: Callable[..., T], *arguments: Any) -> T:
        """Read something by its key in the event loop itself: that takes less than handing it to a thread.

        Each statement of it sees the ledger at a moment of its own. In WAL mode nobody keeps a reader waiting;
        should somebody do so all the same, the thread waits.
        """
        if self._here is None:
            raise stopped()
        try:
            return question(self._here, *arguments)
        except sa.exc.OperationalError:
            return await self.read(question, *arguments)

    async def search(self, question: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Read something that may take its time; Unavailable `search.too-slow` when that is too much."""
        if self._searcher is None or self._searches is None:
            raise stopped()

        def asked(connection: sa.Connection) -> T:
            return question(connection, *arguments, **named)

        search = partial(self._searcher.run, asked, self._searcher.deadline())
        return await asyncio.get_running_loop().run_in_executor(self._searches, search)

    # ── claims ────────────────────────────────────────────────────────────────────────────────
    def term(self, connection: sa.Connection) -> claims.Term:
        """Give the term of what is claimed now: without an end, since no other process can have this file."""
        return claims.Term(micros(self._clock()), None)

    async def beat(self, *, leaving: bool) -> Census:
        """Tell who has which claims; there is nobody to whom it would have to be said that this process lives."""
        return await self.read(claims.census, self.owner, micros(self._clock()), alone=True)

    async def check(self) -> None:
        """Write to the database, at most once a second, whoever asks."""
        now = self._ticks()
        if self._check is None or (self._check[1].done() and now - self._check[0] >= _CHECKED_FOR):
            self._check = now, asyncio.ensure_future(self.write(one_by_one, self._checked))
        # Shielded: one of the callers that wait for it may be cancelled.
        await asyncio.shield(self._check[1])

    def _checked(self, transaction: Transaction) -> None:
        _CHECKED.run(transaction.connection, [(micros(self._clock()),)])

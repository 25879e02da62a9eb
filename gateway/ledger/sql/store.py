"""One database, opened and owned: its writer, its reader of single things, and its searches with a deadline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from msgspec import Struct

from gateway.audit.signing import SigningKey
from gateway.clock import Clock, Ticks
from gateway.ledger.encryption import WrappingKeys
from gateway.ledger.errors import stopped, too_slow
from gateway.ledger.followed import Numbered
from gateway.ledger.records import Presence
from gateway.ledger.sql import claims, counts, leaves, tables
from gateway.ledger.sql.batch_thread import BatchThread, BatchWatch, OperationResult
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.database_errors import is_interrupted, is_lost, ours, translated_errors
from gateway.ledger.sql.dialects import dialect_of
from gateway.ledger.sql.encryption import Encryption
from gateway.ledger.sql.engines import engine_at
from gateway.ledger.sql.engines.base import LedgerEngine
from gateway.ledger.sql.statements import Prepared, execute
from gateway.ledger.sql.writing import Group, KeptBytes, Transaction, WriteOperation, Writer

T = TypeVar("T")

_log = logging.getLogger(__name__)
_MICROSECOND = timedelta(microseconds=1)

Question = Callable[[sa.Connection], Any]
"""One thing to read."""


class Reader:
    """Answers batches of questions on a connection that cannot write."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def run(self, batch: Sequence[Question]) -> Sequence[OperationResult]:
        """Answer each question; what one of them raises is its own result."""
        results: list[OperationResult] = []
        lost = False
        while len(results) < len(batch):
            answered = len(results)
            try:
                with self._engine.begin() as connection:
                    for question in batch[answered:]:
                        results.append(_answer(question, connection))
            except sa.exc.SQLAlchemyError as error:
                # A fault of the database ends the transaction: the next question gets one of its own. A connection
                # that was lost meanwhile, by a restart of the database say, is made anew once.
                if lost or not is_lost(error):
                    results.append(ours(error))
                lost = is_lost(error)
        return results


def _answer(question: Question, connection: sa.Connection) -> OperationResult:
    try:
        return question(connection)
    except sa.exc.SQLAlchemyError:
        raise
    except Exception as error:  # the caller gets the error; the thread goes on
        return error


class Searcher:
    """Answers one question at a time in whatever thread it is called; each must be done by its deadline."""

    def __init__(self, engine: LedgerEngine, ticks: Ticks, seconds: float) -> None:
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
            try:
                return self._answer(question, deadline)
            except sa.exc.SQLAlchemyError as error:
                if not is_lost(error):
                    raise
            return self._answer(question, deadline)  # the connection was lost meanwhile: it is made anew once
        except Exception as error:
            raise (too_slow(self._seconds) if is_interrupted(error) else ours(error)) from error

    def _answer(self, question: Callable[[sa.Connection], T], deadline: float) -> T:
        with (
            self._engine.reading.begin() as connection,
            self._engine.deadline(connection, self._ticks, deadline),
        ):
            return question(connection)


_SEARCHES = 2
"""Searches that run at a time."""

_CHECKED_FOR = 1.0
"""Seconds that one write to check the ledger serves for."""

_CHECKED = Prepared(sa.update(tables.ledger), ("checked_at",))


def _check(transaction: Transaction, times: Sequence[int]) -> Sequence[OperationResult]:
    _CHECKED.run(transaction.connection, [(times[-1],)])
    return [None] * len(times)


_CHECK = Group(_check, locks=lambda connection, times: ())


def _flush(transaction: Transaction) -> None:
    counts.flush(transaction)
    leaves.flush(transaction)


class StoreLimits(Struct, frozen=True):
    """What bounds a ledger: see `SqlLedger`."""

    kept: KeptBytes
    patience: float
    most: int
    deadline: float
    term: timedelta


class Store:
    """Runs what is written and read, between `start` and `stop`."""

    def __init__(
        self,
        url: str,
        limits: StoreLimits,
        clock: Clock,
        ticks: Ticks,
        watch: BatchWatch,
        key: SigningKey | None = None,
        keys: WrappingKeys | None = None,
    ) -> None:
        self.key = key
        self._encryption = Encryption(keys)
        self._watch = watch
        self._limits = limits
        self._clock = clock
        self._ticks = ticks
        self._engine = engine_at(url, patience=limits.patience, erases=keys is not None)
        self._writer: BatchThread[WriteOperation] | None = None
        self._reader: BatchThread[Question] | None = None
        self._searcher: Searcher | None = None
        self._searches: ThreadPoolExecutor | None = None
        self._beats: ThreadPoolExecutor | None = None
        self._check: tuple[float, asyncio.Future[None]] | None = None

    # ── start and stop ────────────────────────────────────────────────────────────────────────
    async def start(self) -> None:
        """Take the database over, or say whose it is."""
        self._engine.reserve()
        try:
            await asyncio.to_thread(self._open)
        except BaseException:
            self._engine.close()
            raise
        writer = Writer(self._engine, _flush, most=self._limits.kept, clock=self._clock, key=self.key)
        self._writer = BatchThread("ledger-writer", writer.run, most=self._limits.most, watch=self._watch)
        self._reader = BatchThread("ledger-reader", Reader(self._engine.reading).run, most=64)
        self._searcher = Searcher(self._engine, self._ticks, self._limits.deadline)
        self._searches = ThreadPoolExecutor(_SEARCHES, "ledger-search")
        self._beats = ThreadPoolExecutor(1, "ledger-beat")

    def _open(self) -> None:
        with translated_errors():
            self._engine.open(2 + _SEARCHES)
            self._encryption.open(self._engine, micros(self._clock()))

    async def stop(self) -> None:
        """Finish what was handed in, then close and give the database up."""
        self._searcher = self._check = None
        for thread in (self._writer, self._reader):
            if thread is not None:
                await thread.stop()
        if self._searches is not None:
            await asyncio.to_thread(self._searches.shutdown)
        if self._beats is not None:
            await asyncio.to_thread(self._leave, self._beats)
        self._engine.close()

    def _leave(self, beats: ThreadPoolExecutor) -> None:
        beats.shutdown()
        if self._engine.beating is None:
            return  # whoever takes the file over ends all claims of before
        try:
            with self._engine.beating.connect() as connection:
                claims.leave(connection, self._engine.owner)
        except sa.exc.SQLAlchemyError:
            _log.warning("this process's claims could not be given back: they lapse", exc_info=True)

    @property
    def owner(self) -> str:
        """How this process is named in the ledger."""
        return self._engine.owner

    @property
    def alone(self) -> bool:
        """Whether only one process may have the database."""
        return self._engine.beating is None

    # ── claims ────────────────────────────────────────────────────────────────────────────────
    def term(self, connection: sa.Connection) -> claims.ClaimTerm:
        """Give the term of what is claimed or prolonged now, by the database's clock."""
        [(now,)] = execute(connection, dialect_of(connection.dialect).now).fetchall()
        until = None if self._engine.beating is None else now + self._limits.term // _MICROSECOND
        return claims.ClaimTerm(now, until)

    def numbered(self, connection: sa.Connection, table: str) -> Numbered:
        """Tell how far the rows of a table are numbered, and whose numbers may not be seen yet."""
        return self._engine.numbered(connection, table)

    async def beat(self, *, leaving: bool) -> Presence:
        """Say that this process lives, and tell who else does; it waits for no write."""
        if self._beats is None:
            raise stopped()
        return await asyncio.get_running_loop().run_in_executor(self._beats, partial(self._beat, leaving=leaving))

    def _beat(self, *, leaving: bool) -> Presence:
        me, shared = self._engine.owner, self._engine.beating
        with translated_errors(), (shared or self._engine.reading).connect() as connection:
            term = self.term(connection)
            if shared is not None:
                claims.live(connection, me, term, leaving=leaving)
            return claims.presence(connection, me, term.now, alone=shared is None)

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

        Each statement of it sees the ledger at a moment of its own. Where somebody may keep the loop waiting, or
        does so all the same, the thread waits.
        """
        if self._engine.here is not None:
            try:
                return question(self._engine.here, *arguments)
            except sa.exc.OperationalError:
                pass
        return await self.read(question, *arguments)

    async def search(self, question: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Read something that may take its time; Unavailable `search.too-slow` when that is too much."""
        if self._searcher is None or self._searches is None:
            raise stopped()

        def asked(connection: sa.Connection) -> T:
            return question(connection, *arguments, **named)

        search = partial(self._searcher.run, asked, self._searcher.deadline())
        return await asyncio.get_running_loop().run_in_executor(self._searches, search)

    async def check(self) -> None:
        """Write to the database, at most once a second, whoever asks."""
        now = self._ticks()
        if self._check is None or (self._check[1].done() and now - self._check[0] >= _CHECKED_FOR):
            self._check = now, asyncio.ensure_future(self.write(_CHECK, micros(self._clock())))
        # Shielded: one of the callers that wait for it may be cancelled.
        await asyncio.shield(self._check[1])

"""Questions to the database: small ones answered many at once from one snapshot, searches each within a deadline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from gateway.clock import Ticks
from gateway.ledger.errors import too_slow
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.border import is_interrupted, ours

T = TypeVar("T")
Question = Callable[[sa.Connection], Any]
"""One thing to read."""

_STEPS = 20_000
"""Steps of SQLite's machine, about a millisecond, after which a search looks whether it is too late."""


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
    except Exception as error:  # the asker is told; the thread goes on
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

"""The writer: one transaction, and one fsync, for all that has gathered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import sqlalchemy as sa

from gateway.errors import HutongError
from gateway.ledger.sql import tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.border import is_about_one, translated


@dataclass(frozen=True, slots=True)
class Sequences:
    """The next numbers of the tables that we number ourselves; there is one writer, so nobody else takes any."""

    bodies: Iterator[int]
    messages: Iterator[int]
    deliveries: Iterator[int]

    @classmethod
    def after(cls, connection: sa.Connection) -> Sequences:
        """Go on after the last numbers of a ledger."""
        keys = (tables.bodies.c.seq, tables.messages.c.seq, tables.deliveries.c.position)
        return cls(*(count((connection.scalar(sa.select(sa.func.max(key))) or 0) + 1) for key in keys))


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a group of operations writes with."""

    connection: sa.Connection
    sequences: Sequences
    rejections: int


Group = Callable[[Transaction, Sequence[Any]], Sequence[OperationResult]]
"""Does all operations of one kind that have gathered. An error of ours is a result; anything else is raised."""


@dataclass(frozen=True, slots=True)
class WriteOperation:
    """One thing to write: what does it, and its argument."""

    group: Group
    argument: Any


def one_by_one(
    transaction: Transaction, arguments: Sequence[Callable[[Transaction], Any]]
) -> Sequence[OperationResult]:
    """A group for rare operations: each decides before it writes, so one that ends with an error wrote nothing."""
    return [_result_of(transaction, argument) for argument in arguments]


def _result_of(transaction: Transaction, argument: Callable[[Transaction], Any]) -> OperationResult:
    try:
        return argument(transaction)
    except HutongError as error:
        return error


class Writer:
    """Runs batches of operations, each batch in one transaction; a bad operation does not fail its neighbours."""

    def __init__(self, engine: sa.Engine, sequences: Sequences, *, rejections: int) -> None:
        self._engine = engine
        self._sequences = sequences
        self._rejections = rejections

    def run(self, batch: Sequence[WriteOperation]) -> Sequence[OperationResult]:
        """Commit a batch and give each operation's result."""
        try:
            return self._commit(batch)
        except Exception as error:  # the border: nothing foreign passes, and the thread goes on
            if len(batch) > 1 and is_about_one(error):
                return [result for operation in batch for result in self.run([operation])]
            return [_ours(error)] * len(batch)

    def _commit(self, batch: Sequence[WriteOperation]) -> Sequence[OperationResult]:
        groups: dict[Group, list[int]] = {}
        for index, operation in enumerate(batch):
            groups.setdefault(operation.group, []).append(index)
        results: list[OperationResult] = [None] * len(batch)
        with self._engine.begin() as connection:
            transaction = Transaction(connection, self._sequences, self._rejections)
            for group, members in groups.items():
                found = group(transaction, [batch[index].argument for index in members])
                for index, result in zip(members, found, strict=True):
                    results[index] = result
        return results


def _ours(error: Exception) -> Exception:
    return translated(error) if isinstance(error, sa.exc.SQLAlchemyError) else error

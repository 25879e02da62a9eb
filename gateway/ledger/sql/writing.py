"""The writer: one transaction, and one fsync, for all that has gathered."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, field

from gateway.errors import HutongError
from gateway.ledger.errors import superseded
from gateway.ledger.sql import tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.database_errors import is_about_one, ours
from gateway.ledger.sql.statements import Prepared

_log = logging.getLogger(__name__)

_OWNED = Prepared(sa.select(tables.ledger.c.owner, tables.ledger.c.epoch), ())


class Sequences(Struct, frozen=True):
    """The next numbers of the tables that we number ourselves; there is one writer, so nobody else takes any."""

    bodies: Iterator[int]
    messages: Iterator[int]
    deliveries: Iterator[int]

    @classmethod
    def after(cls, connection: sa.Connection) -> Sequences:
        """Go on after the last numbers of a ledger."""
        keys = (tables.bodies.c.seq, tables.messages.c.seq, tables.deliveries.c.position)
        return cls(*(count((connection.scalar(sa.select(sa.func.max(key))) or 0) + 1) for key in keys))


CountKey = tuple[str, str, str, str, str]
"""What is counted, as in `counts`: platform (or empty), kind, type, state or `unwanted`, then `operator`, `lane` or
empty."""


class KeptBytes(Struct, frozen=True):
    """How many bytes of rejections, and of platforms' long replies, are kept for each platform: the newest."""

    rejections: int
    replies: int


class Transaction(Struct, frozen=True):
    """What a group of operations writes with.

    `owner`, `epoch`: the process that writes, and its epoch of the ledger. `most`: how much is kept for a platform.
    `counts`: by how much the kept counts change, written before the commit.
    """

    connection: sa.Connection
    sequences: Sequences
    most: KeptBytes
    owner: str
    epoch: int
    counts: Counter[CountKey] = field(default_factory=Counter)


Flush = Callable[[Transaction], None]
"""Writes what a transaction has gathered, before it commits."""

Group = Callable[[Transaction, Sequence[Any]], Sequence[OperationResult]]
"""Does all operations of one kind that have gathered. An error of ours is a result; anything else is raised."""


class WriteOperation(Struct, frozen=True):
    """One thing to write: what does it, and its argument."""

    group: Group
    argument: Any


def one_by_one(
    transaction: Transaction, arguments: Sequence[Callable[[Transaction], Any]]
) -> Sequence[OperationResult]:
    """A group for rare operations: one that ends with an error of ours has written nothing."""
    return [_result_of(transaction, argument) for argument in arguments]


def _result_of(transaction: Transaction, argument: Callable[[Transaction], Any]) -> OperationResult:
    counted = Counter(transaction.counts)
    try:
        with transaction.connection.begin_nested():
            return argument(transaction)
    except HutongError as error:
        transaction.counts.clear()
        transaction.counts.update(counted)
        return error


class Writer:
    """Runs batches of operations, each in one transaction; an operation that fails does not fail the others.

    Every transaction looks first whether the ledger is still its owner's. When it is not, nothing is
    written any more.
    """

    def __init__(
        self, engine: sa.Engine, sequences: Sequences, flush: Flush, *, owner: str, epoch: int, most: KeptBytes
    ) -> None:
        self._engine = engine
        self._sequences = sequences
        self._flush = flush
        self._owner = owner
        self._epoch = epoch
        self._most = most
        self._superseded = False

    def run(self, batch: Sequence[WriteOperation]) -> Sequence[OperationResult]:
        """Commit a batch and give each operation's result."""
        try:
            results = None if self._superseded else self._commit(batch)
        except Exception as error:  # no exception of the database leaves, and the thread goes on
            if len(batch) > 1 and is_about_one(error):
                return [result for operation in batch for result in self.run([operation])]
            return [ours(error) for _ in batch]
        return [superseded() for _ in batch] if results is None else results

    def _commit(self, batch: Sequence[WriteOperation]) -> Sequence[OperationResult] | None:
        """Do a batch in one transaction; None when the ledger is somebody else's."""
        groups: dict[Group, list[int]] = {}
        for index, operation in enumerate(batch):
            groups.setdefault(operation.group, []).append(index)
        results: list[OperationResult] = [None] * len(batch)
        with self._engine.begin() as connection:
            if _OWNED.row(connection) != (self._owner, self._epoch):
                _log.critical("ledger.superseded: %s in epoch %d is not the owner any more", self._owner, self._epoch)
                self._superseded = True
                return None
            transaction = Transaction(connection, self._sequences, self._most, self._owner, self._epoch)
            for group, members in groups.items():
                found = group(transaction, [batch[index].argument for index in members])
                for index, result in zip(members, found, strict=True):
                    results[index] = result
            self._flush(transaction)
        return results

"""The writer: one transaction, and one fsync, for all that has gathered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, field
from sqlalchemy.exc import DBAPIError

from gateway.audit.signing import SigningKey
from gateway.clock import Clock
from gateway.errors import HutongError
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.database_errors import gave_way, is_about_one, is_lost, ours
from gateway.ledger.sql.engines.base import LedgerEngine, Sequences, TooManyKeys

CountKey = tuple[str, str, str, str, str]
"""What is counted, as in `counts`: platform (or empty), kind, type, state or `unwanted`, then `operator`, `lane` or
empty."""


class KeptBytes(Struct, frozen=True):
    """How many bytes of rejections, and of platforms' long replies, are kept for each platform: the newest."""

    rejections: int
    replies: int


class Transaction(Struct, frozen=True):
    """What a group of operations writes with.

    `owner`: the process that writes. `most`: how much is kept for a platform. `at`: when it began. `alone`: nobody else
    writes meanwhile. `counts`: by how much the kept counts change, written before the commit, in this process's `part`
    of them. `leaves`: those of what is written, as rows of `new_leaves`, written before the commit too. `key` signs
    receipts; None: nothing does.
    """

    connection: sa.Connection
    sequences: Sequences
    most: KeptBytes
    owner: str
    at: datetime
    alone: bool = True
    part: int = 0
    counts: Counter[CountKey] = field(default_factory=Counter)
    leaves: list[Row] = field(default_factory=list)
    key: SigningKey | None = None


Flush = Callable[[Transaction], None]
"""Writes what a transaction has gathered, before it commits."""


class Group(Struct, frozen=True):
    """A kind of operations, and how all that have gathered are done at once.

    `do`: an error of ours is a result; anything else is raised. `locks`: words for what its operations read or
    change, which nobody else may change meanwhile; None: nobody else may write anything. What may be known only
    after a look into the ledger (the lane of a delivery) may be looked up: only who writes alone changes it.
    """

    do: Callable[[Transaction, Sequence[Any]], Sequence[OperationResult]]
    locks: Callable[[sa.Connection, Sequence[Any]], Iterable[str]] | None = None


class NeedsLedger(Exception):
    """An operation has to change more than it locked: its batch is done again alone."""


class WriteOperation(Struct, frozen=True):
    """One thing to write: what does it, and its argument."""

    group: Group
    argument: Any


def one_by_one(
    transaction: Transaction, arguments: Sequence[Callable[[Transaction], Any]]
) -> Sequence[OperationResult]:
    """Do rare operations: one that ends with an error of ours has written nothing."""
    return [_result_of(transaction, argument) for argument in arguments]


ONE_BY_ONE = Group(one_by_one)


def _result_of(transaction: Transaction, argument: Callable[[Transaction], Any]) -> OperationResult:
    counted, leaves = Counter(transaction.counts), len(transaction.leaves)
    try:
        with transaction.connection.begin_nested():
            return argument(transaction)
    except HutongError as error:
        transaction.counts.clear()
        transaction.counts.update(counted)
        del transaction.leaves[leaves:]
        return error


_TRIES = 5
"""How often a batch is tried when the database gave it up for the sake of another."""


class Writer:
    """Runs batches of operations, each in one transaction; an operation that fails does not fail the others."""

    def __init__(
        self,
        engine: LedgerEngine,
        flush: Flush,
        *,
        most: KeptBytes,
        clock: Clock,
        key: SigningKey | None = None,
    ) -> None:
        self._engine = engine
        self._key = key
        self._flush = flush
        self._most = most
        self._clock = clock
        self._committing = False

    def run(self, batch: Sequence[WriteOperation], *, alone: bool = False) -> Sequence[OperationResult]:
        """Commit a batch and give each operation's result."""
        try:
            return self._tried(batch, alone=alone)
        except NeedsLedger:
            return self.run(batch, alone=True)
        except TooManyKeys:
            return self._in_halves(batch) if len(batch) > 1 else self.run(batch, alone=True)
        except HutongError as error:  # about the ledger itself: what is about an operation is its result
            return [error for _ in batch]
        except Exception as error:  # no exception of the database leaves, and the thread goes on
            if len(batch) > 1 and is_about_one(error):
                return [result for operation in batch for result in self.run([operation])]
            return [ours(error) for _ in batch]

    def _in_halves(self, batch: Sequence[WriteOperation]) -> Sequence[OperationResult]:
        half = len(batch) // 2
        return [*self.run(batch[:half]), *self.run(batch[half:])]

    def _tried(self, batch: Sequence[WriteOperation], *, alone: bool) -> Sequence[OperationResult]:
        for tried in range(1, _TRIES):
            try:
                return self._commit(batch, alone=alone)
            except DBAPIError as error:
                # A connection that was lost before the commit, by a restart of the database say, is made anew once.
                lost = tried == 1 and is_lost(error) and not self._committing
                if not (lost or gave_way(error)):
                    raise
        return self._commit(batch, alone=alone)

    def _commit(self, batch: Sequence[WriteOperation], *, alone: bool) -> Sequence[OperationResult]:
        """Do a batch in one transaction."""
        groups: dict[Group, list[int]] = {}
        for index, operation in enumerate(batch):
            groups.setdefault(operation.group, []).append(index)
        alone = alone or any(group.locks is None for group in groups)
        asked = {group: [batch[index].argument for index in members] for group, members in groups.items()}
        results: list[OperationResult] = [None] * len(batch)
        self._committing = False
        with self._engine.writing.begin() as connection:
            keys = None if alone else lambda: _keys(connection, asked)
            sequences = self._engine.begin(connection, keys, len(batch))
            owner, at = self._engine.owner, self._clock()
            transaction = Transaction(
                connection, sequences, self._most, owner, at, alone, self._engine.part, key=self._key
            )
            for group, members in groups.items():
                found = group.do(transaction, asked[group])
                for index, result in zip(members, found, strict=True):
                    results[index] = result
            self._flush(transaction)
            self._committing = True
        return results


def _keys(connection: sa.Connection, asked: Mapping[Group, Sequence[Any]]) -> Iterable[str]:
    return chain.from_iterable(
        group.locks(connection, arguments) for group, arguments in asked.items() if group.locks is not None
    )

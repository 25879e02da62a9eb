"""The writer: one transaction, and one fsync, for all that has gathered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import sqlalchemy as sa

from gateway.errors import HutongError
from gateway.ledger.sql import tables
from gateway.ledger.sql.border import is_about_one, translated
from gateway.ledger.sql.worker import Outcome


@dataclass(frozen=True, slots=True)
class Places:
    """The next places in the orders that we number ourselves, one writer giving them out."""

    bodies: Iterator[int]
    messages: Iterator[int]
    deliveries: Iterator[int]

    @classmethod
    def after(cls, connection: sa.Connection) -> Places:
        """Go on after the last places of a ledger."""
        keys = (tables.bodies.c.place, tables.messages.c.place, tables.deliveries.c.position)
        return cls(*(count((connection.scalar(sa.select(sa.func.max(key))) or 0) + 1) for key in keys))


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a group of operations writes with."""

    connection: sa.Connection
    places: Places
    rejections: int


Group = Callable[[Transaction, Sequence[Any]], Sequence[Outcome]]
"""Does all operations of one kind that have gathered. Refusals are outcomes; anything else is raised."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to write: what does it, and its argument."""

    group: Group
    argument: Any


def one_by_one(transaction: Transaction, arguments: Sequence[Callable[[Transaction], Any]]) -> Sequence[Outcome]:
    """A group for rare operations: each decides before it writes, so a refusal leaves nothing behind."""
    return [_refusable(transaction, argument) for argument in arguments]


def _refusable(transaction: Transaction, argument: Callable[[Transaction], Any]) -> Outcome:
    try:
        return argument(transaction)
    except HutongError as refusal:
        return refusal


class Writer:
    """Runs batches of operations, each batch in one transaction; a bad operation does not fail its neighbours."""

    def __init__(self, engine: sa.Engine, places: Places, *, rejections: int) -> None:
        self._engine = engine
        self._places = places
        self._rejections = rejections

    def run(self, batch: Sequence[Operation]) -> Sequence[Outcome]:
        """Commit a batch and give each operation's outcome."""
        try:
            return self._commit(batch)
        except Exception as error:  # the border: nothing foreign passes, and the thread goes on
            if len(batch) > 1 and is_about_one(error):
                return [outcome for operation in batch for outcome in self.run([operation])]
            return [_ours(error)] * len(batch)

    def _commit(self, batch: Sequence[Operation]) -> Sequence[Outcome]:
        groups: dict[Group, list[int]] = {}
        for index, operation in enumerate(batch):
            groups.setdefault(operation.group, []).append(index)
        outcomes: list[Outcome] = [None] * len(batch)
        with self._engine.begin() as connection:
            transaction = Transaction(connection, self._places, self._rejections)
            for group, members in groups.items():
                found = group(transaction, [batch[index].argument for index in members])
                for index, outcome in zip(members, found, strict=True):
                    outcomes[index] = outcome
        return outcomes


def _ours(error: Exception) -> Exception:
    return translated(error) if isinstance(error, sa.exc.SQLAlchemyError) else error
